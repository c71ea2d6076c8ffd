"""Hold layers and trainings to derived error bounds.

A case claims: given these inputs, every engine's outputs equal a float64 NumPy oracle within the bound derived for the
operation. It holds the draw of the inputs, the oracle, one implementation per engine, the bounds with their
derivations, and planted faults: edits of one line of the oracle, each of which the check must catch. `engines/` holds
one file per framework; each engine runs in a process of its own, reading inputs and writing outputs as `.npz` files.
`check` compares them with NumPy alone, and `report/` says what came out.

    case -> inputs.npz -> one process per engine -> outputs.npz -> check -> report

Imports NumPy and the standard library only; jinja2, rich and matplotlib inside the functions that draw.
"""
