"""Graphs as they are given: files, networkx graphs, matrices."""

import os
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np

from tf_emb.files import printable
from tf_emb.methods.graph.adjacency import Adjacency
from tf_emb.methods.graph.lines import BadLineError, lines, weight, with_commas, wrong

Format = Literal["edgelist", "adjlist"]


class Again(NamedTuple):
    """How often an edge is given that is there already, and the line and the nodes of the first of these."""

    times: int = 0
    first: tuple[int, str, str] = (0, "", "")

    def more(self, number: int, one: str, other: str) -> "Again":
        """Return the same with one more."""
        return Again(self.times + 1, self.first if self.times else (number, one, other))


def read_graph(path: str | os.PathLike[str], format: Format = "edgelist", *, directed: bool = False) -> Any:
    r"""Return the networkx graph of a file, compressed if its suffix is .gz, .bz2, .xz or .zst.

    Every line becomes an edge, a node, or an error with its number. Lines end in \n or \r\n; blanks and tabs separate
    names, which may hold any other character. What follows a # that stands alone, between blanks or first in its line,
    is a comment; #name is a name. The first line may be networkx's heading: # and a command, "# GMT ..." in the second.

    An edge given twice has the sum of both weights, as parallel edges have, and a warning says so; undirected edges are
    the same in both directions. In an undirected "adjlist" an edge may stand in the lines of both its nodes.

    Args:
        path: a UTF-8 file, with or without a byte-order mark.
        format: "edgelist", two nodes per line and an optional weight (or a dictionary that may have one, as
            `networkx.write_edgelist` writes it), or one node, which need not have an edge; "adjlist", a node and its
            neighbours per line.
        directed: whether edges are directed.

    Raises:
        ValueError: the file is not of that format.
        ImportError: networkx is not installed.
    """
    if format not in ("edgelist", "adjlist"):
        raise ValueError(f"`format` must be 'edgelist' or 'adjlist'; got {format!r}. Choose one.")
    try:
        import networkx as nx
    except ImportError:
        raise ImportError("Graphs need the extra `graph`: pip install 'tf-emb[graph]'.") from None
    graph = (nx.DiGraph if directed else nx.Graph)()
    again = (_add_edges if format == "edgelist" else _add_neighbours)(graph, path)
    if not graph.number_of_edges():
        _check_commas(graph, path, format)
    if again.times:
        number, one, other = again.first
        warnings.warn(
            f"{printable(path)} gives edges more than once (repeats: {again.times:,}, the first {one!r} to {other!r} "
            f"in line {number}); their weights add up.",
            stacklevel=2,
        )
    return graph


def _check_commas(graph: Any, path: str | os.PathLike[str], format: Format) -> None:
    """Refuse a file without a single edge whose nodes look like two."""
    for number, (name, *_) in lines(path, format) if any("," in name.strip(",") for name in graph) else ():
        if "," in name.strip(","):
            raise wrong(path, format, number, with_commas(name))


def _add_edges(graph: Any, path: str | os.PathLike[str]) -> Again:
    """Add the edges and nodes of an edge list; return what is given again."""
    again = Again()
    for number, (one, *more) in lines(path, "edgelist"):
        if not more:
            graph.add_node(one)
            continue
        try:
            if len(more) > 2:
                raise BadLineError(f"has {len(more) + 1} fields. Write two nodes and, if it has one, a weight.")
            if _add(graph, one, more[0], weight(more[1]) if len(more) == 2 else None):
                again = again.more(number, one, more[0])
        except BadLineError as error:
            raise wrong(path, "edgelist", number, str(error)) from None
    return again


def _add(graph: Any, one: str, other: str, of: float | None) -> bool:
    """Add an edge, or its weight to that of the edge that is there; return whether it was."""
    data = graph.get_edge_data(one, other)
    if data is None:
        graph.add_edge(one, other, **({} if of is None else {"weight": of}))
        return False
    data["weight"] = data.get("weight", 1.0) + (1.0 if of is None else of)
    if data["weight"] == np.inf:
        raise BadLineError(
            f"brings the weight of {one!r} to {other!r} to inf; weights must be finite. Divide all by 10."
        )
    return True


def _add_neighbours(graph: Any, path: str | os.PathLike[str]) -> Again:
    """Add the edges and nodes of an adjacency list; return what is given again."""
    times: Counter[tuple[str, str]] = Counter()
    again = Again()
    for number, (one, *others) in lines(path, "adjlist"):
        graph.add_node(one)
        for other in others:
            graph.add_edge(one, other)
            times[one, other] += 1
            if times[one, other] > 1 and not again.times:
                again = again.more(number, one, other)
    for (one, other), count in times.items():
        if count > 1:
            back = 0 if graph.is_directed() else times.get((other, one), 0)  # from the line of the other node
            graph[one][other]["weight"] = float(max(count, back))
    return again._replace(times=sum(count - 1 for count in times.values()))


def as_adjacency(graph: Any) -> tuple[Adjacency, list[str]]:
    """Return the adjacency of a graph, and the names of its nodes, in its order.

    Args:
        graph: see `node2vec`; the nodes of a matrix are named 0, 1, 2 ... Parallel edges add up.

    Raises:
        ValueError: it is no graph, there is no node, two nodes have the same name, or a weight is negative or not
            finite.
    """
    if isinstance(graph, str | os.PathLike):
        graph = read_graph(graph)
    matrix, labels = _networkx(graph) if hasattr(graph, "is_directed") and hasattr(graph, "adj") else _matrix(graph)
    if not labels:
        raise ValueError("`graph` must have at least one node; got none. Add its edges first.")
    if len(set(labels)) < len(labels):
        name = Counter(labels).most_common(1)[0][0]
        raise ValueError(
            f"`graph` must have nodes whose names differ as text; two are equal, {name[:40]!r}. Rename one."
        )
    return Adjacency.from_matrix(matrix), labels


def _matrix(graph: Any) -> tuple[Any, list[str]]:
    from scipy.sparse import coo_array, issparse

    try:
        matrix = graph if issparse(graph) else coo_array(np.asarray(graph))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`graph` must be a networkx graph, a file or a square matrix; got {type(graph).__name__} ({error}). "
            "Convert it."
        ) from None
    return matrix, [str(i) for i in range(matrix.shape[0])] if matrix.ndim == 2 else ["0"]


def _networkx(graph: Any) -> tuple[Any, list[str]]:
    from scipy.sparse import coo_array

    index = {node: i for i, node in enumerate(graph)}
    count = graph.number_of_edges()
    rows, columns = (np.fromiter((index[edge[end]] for edge in graph.edges()), np.int64, count) for end in (0, 1))
    weights = np.fromiter(_weights(graph), np.float64, count)
    if not graph.is_directed():
        other = rows != columns
        rows, columns = np.concatenate([rows, columns[other]]), np.concatenate([columns, rows[other]])
        weights = np.concatenate([weights, weights[other]])
    return coo_array((weights, (rows, columns)), (len(index), len(index))), list(map(str, index))


def _weights(graph: Any) -> Iterator[float]:
    """Yield the weights of all edges, 1 where none is given."""
    for one, other, value in graph.edges(data="weight", default=1.0):
        try:
            yield float("" if isinstance(value, str | bytes) else value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(
                f"`graph` must have weights that are positive and finite; got {value!r} from {one!r} to {other!r}. "
                "Give a number, or none for 1."
            ) from None
