"""The methods of tf_emb.methods beside their peers, a file a method.

Each file defines `measure(seeds, paths, quick)`, which yields `Figure`s:

    seeds: Sequence[int], one training each.
    paths: Mapping[str, Path], data that the project does not ship, by name ("blogcatalog", "mnist" ...); a method
        whose path is not given measures on what its dependencies ship.
    quick: small sizes, to see that it works.
"""
