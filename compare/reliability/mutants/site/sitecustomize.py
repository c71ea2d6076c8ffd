"""Loaded by every Python that a test starts: it sees the mutant that the test's own process has, by the environment."""

import os
import sys

if "MUTANT" in os.environ:
    from compare.reliability.mutants.planted import Planted

    sys.meta_path.insert(0, Planted(*os.environ["MUTANT"].split("\n")))
