"""The rooms and their order, read from every import in the source."""

import ast
from itertools import pairwise

import pytest

from compare.docs import pages
from compare.docs.rooms import ROOMS, between, circles, imports, member, modules, room, siblings, upward

GRAPH = imports()


@pytest.mark.parametrize("package", siblings(GRAPH))
def test_no_circle_of_files_or_packages(package):
    """The members of each package, and with them all files: a circle of files is one of some package's members."""
    found = circles(siblings(GRAPH)[package])
    assert not found, "\n".join(f"{' -> '.join(chain)}: {'; '.join(evidence(chain, package))}" for chain in found)


def evidence(chain, package):
    """For each link of a chain, one import of a file that makes it."""
    for here, there in pairwise(chain):
        yield next(
            f"{module} imports {target}"
            for module, targets in GRAPH.items()
            for target in sorted(targets)
            if member(module, package) == here and member(target, package) == there
        )


def test_no_arrow_runs_back_up():
    assert not [f"{module} imports {target}, of a later room" for module, target in upward(GRAPH)]


def test_every_room_is_one_of_the_order():
    assert set(between(GRAPH)) <= set(ROOMS)
    with pytest.raises(ValueError, match=r"must name every room; it lacks tf_emb\.attic"):
        room("tf_emb.attic.trunk")


def test_the_harness_knows_no_other_room_and_the_library_knows_no_suite():
    known = between(GRAPH)
    assert known["tf_emb.parity"] == []
    assert not any(
        other.startswith("compare") for name, others in known.items() for other in others if name.startswith("tf_emb")
    )


FILES = {
    "tf_emb/__init__.py": "def __getattr__(name):\n    return {'Bag': 'tf_emb.layers'}[name]",
    "tf_emb/layers/__init__.py": "from tf_emb.layers.bag import Bag",
    "tf_emb/layers/bag.py": "def f():\n    from tf_emb.ops import ids",
    "tf_emb/ops/__init__.py": "",
    "tf_emb/ops/ids.py": "",
}


@pytest.mark.parametrize(
    ("path", "text", "package", "chain"),
    [
        ("tf_emb/ops/ids.py", "", "", None),
        ("tf_emb/ops/ids.py", "import tf_emb.layers.bag", "tf_emb", "layers ops layers"),
        ("tf_emb/ops/ids.py", "def f():\n    from tf_emb.layers import bag", "tf_emb", "layers ops layers"),
        ("tf_emb/ops/ids.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tf_emb.layers import Bag",
         "tf_emb", "layers ops layers"),
        ("tf_emb/ops/ids.py", "from tf_emb import Bag", "tf_emb", "__init__ layers ops __init__"),
        ("tf_emb/layers/bag.py", "from tf_emb.layers import Bag", "tf_emb.layers", "__init__ bag __init__"),
        ("tf_emb/layers/bag.py", "from tf_emb.layers import other", "tf_emb.layers", "__init__ bag __init__"),
    ],
)  # fmt: skip
def test_every_kind_of_import_is_seen(path, text, package, chain, tmp_path):
    """The walker finds the circle that `text` in `path` closes, and no other."""
    for name, source in (FILES | {path: text}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    found = {package: circles(members) for package, members in siblings(imports(tmp_path)).items()}
    want = {package: [[f"{package}.{name}" for name in chain.split()]]} if chain else {}
    assert {package: chains for package, chains in found.items() if chains} == want


def test_imports_are_absolute():
    relative = [
        name
        for name, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative, "the graph of imports does not resolve them"


def test_the_page_of_the_architecture_shows_the_imports_as_they_are():
    """`python -m compare docs --map` writes it."""
    assert pages.stale(pages.with_rooms()) == []
