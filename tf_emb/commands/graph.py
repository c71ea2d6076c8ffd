"""`tf-emb graph`: vectors of a graph's nodes, by random walks and word2vec."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tf_emb.commands.terminal import ended_by_signals, one_thread_per_operation, progress_bar, silent_start
from tf_emb.corpus.checks import shown
from tf_emb.files import printable

if TYPE_CHECKING:
    from tf_emb.vectors import Vectors

GRAPH_ONLY = ("walks", "length", "p", "q")
SIZES = (*GRAPH_ONLY, "dim")


def graph(
    edges: Annotated[Path, typer.Argument(help="Two nodes per line, and optionally a weight; .gz and the like too.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Vectors: .bin, .txt, .vec, .glove, .npz ...")],
    method: Annotated[str, typer.Option(help="node2vec, or deepwalk, which has no p and q.")] = "node2vec",
    p: Annotated[float, typer.Option(help="Weight 1 / p of a step back.")] = 1.0,
    q: Annotated[float, typer.Option(help="Weight 1 / q of a step away.")] = 1.0,
    walks: Annotated[int | None, typer.Option(min=1, help="Walks from every node; 10, or 80 for deepwalk.")] = None,
    length: Annotated[int | None, typer.Option(min=1, help="Nodes per walk; 80, or 40 for deepwalk.")] = None,
    window: Annotated[int, typer.Option(min=1, help="Largest distance between the nodes of a pair.")] = 10,
    dim: Annotated[int, typer.Option(min=1, help="Size of a vector.")] = 128,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the walks.")] = 1,
    loss: Annotated[
        str | None, typer.Option(help="negative-sampling, or hierarchical-softmax, deepwalk's default.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="With 1, vectors are reproducible bit for bit.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random draw.")] = 0,
    format: Annotated[str, typer.Option(help="edgelist, or adjlist: a node and its neighbours per line.")] = "edgelist",
    directed: Annotated[bool, typer.Option("--directed", help="Edges lead one way only.")] = False,
) -> None:
    """Learn a vector for every node of a graph, and write them.

    A training that is stopped (Ctrl-C, SIGTERM) writes nothing, and cannot be resumed.
    """
    from tf_emb.methods.graph import read_graph
    from tf_emb.vectors import check_destination, save_vectors

    if method not in ("node2vec", "deepwalk"):
        raise ValueError(f"`--method` must be node2vec or deepwalk; got {shown(method)}. Choose one.")
    if method == "deepwalk" and (p, q) != (1, 1):
        raise ValueError(f"`--p` and `--q` must be 1 for deepwalk; got {p:g} and {q:g}. Use --method node2vec.")
    given = {"walks": walks, "length": length, "p": p, "q": q}
    of_word2vec = {"window": window, "dim": dim, "epochs": epochs, "threads": threads, "seed": seed, "loss": loss}
    options = {name: value for name, value in (given | of_word2vec).items() if value is not None}
    with ended_by_signals("stopped. Nothing was written; run the command again to begin anew.") as check:
        _check(edges, output, format, options)
        of = read_graph(edges, format, directed=directed)  # type: ignore[arg-type]
        print(f"{of.number_of_nodes():,} nodes, {of.number_of_edges():,} edges", file=sys.stderr)
        check_destination(output, labels=list(of), dim=dim)
        vectors = _trained(method, of, options, check)
        save_vectors(output, vectors)
    print(f"{len(vectors.labels):,} vectors of {dim} numbers by {method}; written to {printable(output)}")


def _check(edges: Path, output: Path, format: str, options: dict[str, Any]) -> None:
    """Refuse whatever can be refused before the graph is read."""
    from tf_emb.methods.graph.node_vectors import check_node2vec
    from tf_emb.vectors import check_destination

    check_destination(output, inputs=[edges], argument="--output")
    if format not in ("edgelist", "adjlist"):
        raise ValueError(f"`format` must be 'edgelist' or 'adjlist'; got {shown(format)}. Choose one.")
    check_node2vec(1, 1, **{"walks": 1, "length": 1} | {k: options[k] for k in SIZES if k in options})
    with silent_start():
        from tf_emb.word2vec import Options

        one_thread_per_operation()
    Options(**{name: value for name, value in options.items() if name not in GRAPH_ONLY})


def _trained(method: str, of: Any, options: dict[str, Any], check: Callable[..., None]) -> "Vectors":
    from tf_emb.methods.graph import deepwalk, node2vec

    with progress_bar() as bar:
        if method == "node2vec":
            return node2vec(of, callbacks=[bar, check], **options)
        return deepwalk(of, callbacks=[bar, check], **{k: v for k, v in options.items() if k not in ("p", "q")})
