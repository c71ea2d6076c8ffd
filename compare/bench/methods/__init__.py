"""The methods of tf_emb.methods beside their peers, a file a method.

Each file defines `measure(seeds, paths, quick)`, which yields `Figure`s:

    seeds: Sequence[int], one training each.
    paths: Mapping[str, Path], data that the project does not ship, by name ("blogcatalog", "mnist" ...); a method
        whose path is not given measures on what its dependencies ship.
    quick: small sizes, to see that it works.

A figure may hold the vectors that the first seed gave, with classes, counts and pictures; the command logs the first
ones of every system on each of its data as a run of TensorBoard's projector.
"""
