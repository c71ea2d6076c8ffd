"""Mutants: the library with one small error planted, which some test has to see. `python -m compare mutants`."""
