"""The methods of tf_emb.methods beside their peers, one file per method.

Each file defines `measure(seeds, paths, quick)`, which yields `Figure`s:

    seeds: Sequence[int], one training each.
    paths: Mapping[str, Path], data that the project does not ship, by name ("blogcatalog", "mnist" ...); a method
        whose path is missing is measured on what its dependencies ship.
    quick: tiny sizes, to check that it works.

A figure may hold the vectors of the first seed, with classes, counts and pictures; the command logs the first ones of
every system on each of its data as a run of TensorBoard's projector.
"""
