"""The rooms of the house, and their order: a module imports from its own room and from those before it."""

from compare.docs.imports import Graph

ROOMS = {
    "tf_emb.parity": "the harness: cases, bounds, engines, verdicts, reports",
    "tf_emb.files": "files written as a whole or not at all",
    "tf_emb.threads": "worker threads",
    "tf_emb.ops": "TensorFlow arithmetic that layers and trainers share",
    "tf_emb.layers": "Keras layers: ids to vectors, vectors to probabilities",
    "tf_emb.optimizers": "optimizers that touch only the rows of a batch",
    "tf_emb.corpus": "text to vocabulary, ids and draws",
    "tf_emb.vectors": "labels and a matrix, and the files that hold them",
    "tf_emb.evaluate": "scores of vectors",
    "tf_emb.projector": "vectors as runs of TensorBoard's projector",
    "tf_emb.word2vec": "two trainers: by blocks and example by example",
    "tf_emb.methods": "every other embedding, one file or folder each",
    "tf_emb": "the public names, imported on first use",
    "tf_emb.commands": "the commands of `tf-emb`",
    "tf_emb.cli": "the command line `tf-emb`",
    "compare": "the suite: where cases and recorded outputs are",
    "compare.terminal": "progress, listings, errors of one line",
    "compare.cases": "what is claimed, grouped as the library is",
    "compare.bench": "speed and quality beside peers",
    "compare.docs": "what the documentation shows",
    "compare.__main__": "the command line `python -m compare`",
}


def room(module: str) -> str:
    """Return the room that `module` lies in.

    Raises:
        ValueError: it lies in none.
    """
    name = ".".join(module.split(".")[:2])
    if name not in ROOMS:
        raise ValueError(f"`ROOMS` in compare/docs/rooms.py must name every room; it lacks {name}. Add it in order.")
    return name


def between(graph: Graph) -> dict[str, list[str]]:
    """Return, for every room that exists, the rooms that it imports; all in their order."""
    found: dict[str, set[str]] = {}
    for module, targets in graph.items():
        found.setdefault(room(module), set()).update(map(room, targets))
    return {name: [other for other in ROOMS if other in found[name] - {name}] for name in ROOMS if name in found}


def upward(graph: Graph) -> list[tuple[str, str]]:
    """Return every (module, imported module) where the import leads to a later room."""
    order = list(ROOMS)
    return [(module, target) for module, targets in graph.items() for target in sorted(targets)
            if order.index(room(target)) > order.index(room(module))]  # fmt: skip
