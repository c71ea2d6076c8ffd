"""Proof, number by number, that every engine computes what the formulas say.

A case claims: given these inputs, every engine's outputs equal a float64 NumPy oracle within the bound
derived for the operation. `cases/` holds one file a subject: the draw of the inputs, the oracle, one
implementation an engine, the bounds with their derivations, and planted faults: edits of one line
of the oracle, each of which the check must catch. `engines/` holds one file a framework; each runs in
a process of its own, reading inputs and writing outputs as `.npz` files. `check` compares them with
NumPy alone, and `report/` says what came out.

    case -> inputs.npz -> one process an engine -> outputs.npz -> check -> report

`docs/parity.md` derives the bounds.
"""
