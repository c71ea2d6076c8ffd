"""What this project claims, and how it measures up: cases, benchmarks and recorded outputs.

`cases/` claims that every engine computes what the formulas say; `tf_emb.parity` runs them and judges. `bench/`
measures speed and quality beside peers. `references/` holds recorded PyTorch outputs, which stand in where PyTorch
is not installed. `docs/` makes what the documentation shows: tables and pictures.

    case -> inputs.npz -> one process per engine -> outputs.npz -> check -> report

`docs/parity.md` derives the bounds.
"""

from pathlib import Path

from compare import stopping as stopping  # first: it hears signals while the rest is loaded
from tf_emb.parity.suite import Suite

SUITE = Suite("compare.cases", Path(__file__).parent / "references")
