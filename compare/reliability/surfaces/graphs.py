"""Edge lists and adjacency lists, mutated; and walks over graphs with weights, p and q of any size."""

import bz2
import gzip
import lzma
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from compare.reliability.surface import Surface
from tf_emb.methods.graph import Adjacency, as_adjacency, random_walks, read_graph

Random = np.random.Generator
File = tuple[Path, str, bool]

NAMES = [
    b"a", b"b", b"c", b"7", b"#tag", b"http://a.org/x#p", b"x,y", b"#", b",", b"\xe8\xaf\xad", b"\xc2\x85", b"\x0c",
    b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"a\x0bb", b"{}", b"nan", b"\x1b[31m", b"\xff", b"\x00", b"e\xcc\x81",
    b"\xe2\x80\xaegnp", b"a" * 3000,
]  # fmt: skip
WEIGHTS = [
    b"1", b"0", b"-0.0", b"2.5", b"1e-300", b"1e307", b"1e309", b"1e-400", b"nan", b"inf", b"-1", b"1_0", b"x", b"{}",
    b"\xd9\xa3", b"{'weight': 2}", b"{'weight': nan}", b"{'weight': '2'}", b"{'weight': [1]}", b"{'w': 1, 2: '#  #'}",
    b"{" * 900 + b"}" * 900, b"{'weight': " + b"-" * 5000 + b"1}", b"{'weight': " + b"9" * 5000 + b"}", b"# remark",
    b"{'weight': 1e999}", b"{'\\d': 1}", b"{'a':\x01}", b"1 # x",
]  # fmt: skip
ENDS = [b"\n", b"\r\n", b" \n", b"\t\r\n", b"\n\n", b"\r", b"\x0b\n", b"\xe2\x80\xa8\n", b""]
GAPS = [b" "] * 6 + [b"\t", b"  ", b", ", b",", b"\xc2\xa0", b"\x0c"]
HEADS = [b""] * 6 + [
    b"\xef\xbb\xbf",
    b"#./a.py b c\n# GMT Tue Dec  1\n# \n",
    b"# two words\n",
    b"#one two\n",
    b"#\n",
    b"\xff\xfe",
]
PACKED: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
EXTREME = [1e-300, 5e-324, 1e300, 1.7e308, 1e-9, 1e9, 1e-3, 1e3, 0.5, 2.0, 1.0]


def make_file(random: Random, folder: Path) -> File:
    """Return a file of lines, most of them right, whose bytes may be changed, or a compressed one."""
    adjacency = random.random() < 0.4
    data = pick(random, HEADS) + b"".join(line(random, adjacency) for _ in range(random.integers(0, 30)))
    if random.random() < 0.02:
        data = pick(random, [b"\n", b"\0", b" ", b"a b\n", b"a ", b"# \n", b"{"]) * int(random.integers(1, 200_000))
    data = changed(random, data) if random.random() < 0.3 else data
    suffix = pick(random, ["", "", "", *PACKED])
    data = PACKED[suffix](data) if suffix else data
    data = changed(random, data) if random.random() < 0.1 else data
    path = folder / f"graph{suffix if random.random() < 0.8 else '.txt'}"
    path.write_bytes(data)
    return path, "adjlist" if adjacency else "edgelist", bool(random.random() < 0.5)


def line(random: Random, adjacency: bool) -> bytes:
    """Return a line: names that are mostly plain, and, of an edge list, perhaps a weight."""
    odd = random.random() < 0.03
    count = int(random.integers(1, 6)) if adjacency else int(random.choice([2] * 40 + [0, 1, 3]))
    fields = [pick(random, NAMES if odd else NAMES[:7]) for _ in range(count)]
    if not adjacency and random.random() < 0.4:
        fields.append(pick(random, WEIGHTS if odd else WEIGHTS[:6]))
    gap, end = pick(random, GAPS if random.random() < 0.03 else GAPS[:1]), pick(random, ENDS[: 9 if odd else 5])
    return gap.join(fields) + end


def changed(random: Random, data: bytes) -> bytes:
    """Cut the bytes off, flip a bit, put others in, or repeat a part."""
    at, to = sorted(random.integers(0, len(data) + 1, 2).tolist())
    kind = random.integers(4)
    if kind == 0:
        return data[:at]
    if kind == 1 and at < len(data):
        return data[:at] + bytes([data[at] ^ 1 << int(random.integers(8))]) + data[at + 1 :]
    if kind == 2:
        return data[:at] + random.bytes(int(random.integers(1, 9))) + data[to:]
    return data[:to] + data[at:]


def use_file(given: File) -> None:
    """Read a file; a graph that comes of it holds names that stand in it, and weights that edges can have."""
    path, format, directed = given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = read_graph(path, format, directed=directed)  # type: ignore[arg-type]
    wrong = [name for name in graph if not name or set(name) & set(" \t\n\r\0")]
    wrong += [edge for *edge, weight in graph.edges(data="weight", default=1.0) if not 0 <= weight < np.inf]
    if wrong:
        raise AssertionError(f"{wrong[0]!r} was read")


def make_walks(random: Random, folder: Path) -> tuple[Any, dict[str, Any]]:
    """Return a graph, as a matrix or as networkx has it, and the arguments of walks on it."""
    nodes = int(random.choice([1, 2, 3, 8, 40, 300]))
    matrix = (random.random((nodes, nodes)) < pick(random, [0.02, 0.1, 0.5, 1.0])) * 1.0
    if random.random() < 0.3:
        matrix[:, 0] = matrix[0] = 1  # a hub
    matrix = matrix + matrix.T if random.random() < 0.5 else matrix
    size = pick(random, [0, 1, 10, 150, 320])
    matrix *= 10 ** np.clip(random.uniform(-size, size, matrix.shape), -323, 307.5)
    if random.random() < 0.05:
        matrix[tuple(random.integers(0, nodes, 2))] = pick(random, [np.nan, np.inf, -1.0, 1.7e308, 5e-324])
    p, q = (
        pick(random, EXTREME) if random.random() < 0.95 else pick(random, [0.0, -1.0, np.nan, np.inf]) for _ in "pq"
    )
    length = pick(random, [1, 2, 5, 20, 20, 20, 0, -1, 2**40, 10**40]) if random.random() < 0.2 else 8
    starts = random.integers(-(random.random() < 0.05), nodes + (random.random() < 0.05), int(random.integers(0, 200)))
    more = {"entries": 0} if random.random() < 0.6 else {}
    return networkx_graph(matrix) if random.random() < 0.3 else matrix, {
        "starts": starts, "length": length, "p": p, "q": q, **more
    }  # fmt: skip


def networkx_graph(matrix: np.ndarray) -> Any:
    """Return a networkx graph, directed and with every edge in two parallel halves."""
    import networkx as nx

    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(len(matrix)))
    edges = [(a, b, {"weight": matrix[a, b] / 2}) for a, b in np.argwhere(matrix).tolist()]
    graph.add_edges_from(edges + edges)
    return graph


def use_walks(given: tuple[Any, dict[str, Any]]) -> None:
    """Walk; every step is along an edge of positive weight, and a walk ends only where none leads on."""
    of, options = given
    graph, _ = as_adjacency(of)
    walks = random_walks(graph, rng=np.random.default_rng(0), **options)
    check_walks(graph, walks)


def check_walks(graph: Adjacency, walks: np.ndarray) -> None:
    """Raise where a walk does not follow edges, or ends too early."""
    before, after = walks[:, :-1].ravel(), walks[:, 1:].ravel()
    going, ended = after >= 0, (before >= 0) & (after < 0)
    if going.any() and (graph.edges(before[going], after[going]) < 0).any():
        raise AssertionError("a step is not along an edge")
    if graph.degrees[before[ended]].any() or (before[going] < 0).any():
        raise AssertionError("a walk ends where an edge leads on")


def pick(random: Random, choices: Any) -> Any:
    """Return one of the choices."""
    return choices[int(random.integers(len(choices)))]


SURFACES = [Surface("edge and adjacency lists", make_file, use_file), Surface("walks", make_walks, use_walks)]
