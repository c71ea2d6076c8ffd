"""Vectors of a graph's nodes: random walks are sentences, nodes are their words, and word2vec does the rest.

DeepWalk (Perozzi et al. 2014): unbiased walks, skip-gram with hierarchical softmax. node2vec (Grover and Leskovec
2016): walks with p and q, skip-gram with negative sampling.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tf_emb.corpus import EncodedCorpus, Vocabulary
from tf_emb.corpus.checks import integer
from tf_emb.memory import check_memory
from tf_emb.methods.graph.sources import as_adjacency
from tf_emb.methods.graph.walks import END, Adjacency, check_walk, random_walks
from tf_emb.vectors import Vectors

AT_ONCE = 1 << 20  # the number of walks that advance together, which bounds memory


def deepwalk(
    graph: Any,
    *,
    walks: int = 80,
    length: int = 40,
    window: int = 10,
    dim: int = 128,
    seed: int = 0,
    loss: str = "hierarchical-softmax",
    **options: Any,
) -> Vectors:
    """Return one vector per node by DeepWalk, with the paper's settings; the arguments are those of `node2vec`.

    Perozzi et al. 2014, "DeepWalk: Online Learning of Social Representations", algorithms 1 and 2, section 5.
    """
    return node2vec(
        graph, p=1.0, q=1.0, walks=walks, length=length, window=window, dim=dim, seed=seed, loss=loss, **options
    )


def node2vec(
    graph: Any,
    *,
    p: float = 1.0,
    q: float = 1.0,
    walks: int = 10,
    length: int = 80,
    window: int = 10,
    dim: int = 128,
    seed: int = 0,
    loss: str = "negative-sampling",
    callbacks: Sequence[Any] = (),
    **options: Any,
) -> Vectors:
    """Return one vector per node by node2vec, with the paper's settings.

    Args:
        graph: a networkx graph, an edge list for `read_graph`, or a square SciPy sparse matrix or array of weights. A
            weight of zero is no edge.
        p: return parameter, see `tf_emb.methods.graph.walks.random_walks`.
        q: in-out parameter.
        walks: the number of walks from every node.
        length: the number of nodes in a walk.
        window: the largest distance between the nodes of a pair.
        dim: the size of a vector.
        seed: the seed of every random draw.
        loss: see `tf_emb.word2vec.Options`.
        callbacks: see `tf_emb.word2vec.Word2Vec.fit`.
        **options: more fields of `tf_emb.word2vec.Options`; here `epochs` defaults to 1 and `sample` to 0. A step moves
            a row by up to rate * limit * 2 window (1 + negatives) gradients of pairs, all from one point: in a small
            graph, where all rows are frequent, a rate of 0.1 is too large with this window.

    Returns:
        Vectors in the order of the graph's nodes, float32, with the column `degree`. A node without edges has no
        context to learn from and keeps its initial vector.

    Raises:
        ValueError: an option is out of its range, the graph is invalid or has no edge, memory does not suffice, or the
            vectors did not stay finite.

    Grover and Leskovec 2016, "node2vec: Scalable Feature Learning for Networks", algorithm 1, section 4.3.
    """
    from tf_emb.word2vec import Word2Vec

    adjacency, labels = as_adjacency(graph)
    check_node2vec(len(labels), len(adjacency.neighbours), walks=walks, length=length, dim=dim, p=p, q=q)
    settings = {"epochs": 1, "sample": 0.0, "loss": loss, **options}
    model = Word2Vec(window=window, dim=dim, seed=seed, **settings)
    model.fit(walk_corpus(adjacency, labels, walks=walks, length=length, p=p, q=q, seed=seed), callbacks)
    place = model.vocabulary.ids
    matrix = model.tables[0].numpy()[[place[label] for label in labels]]
    return Vectors(labels, matrix, {"degree": adjacency.degrees.tolist()})


def check_node2vec(
    nodes: int, edges: int, *, walks: int, length: int, dim: int, p: float = 1.0, q: float = 1.0
) -> None:
    """Refuse what cannot be trained, before anything is drawn.

    Raises:
        ValueError: the graph has no edge, an option is out of its range, or there is not enough memory.
    """
    check_walk(length, p, q)
    integer("walks", walks, remedy="Use 10, as node2vec does.")
    integer("dim", dim, remedy="Use 128, as node2vec does.")
    if not edges:
        raise ValueError(
            f"`graph` must have an edge, along which to walk; got {nodes:,} nodes and none. Separate the two "
            "nodes of a line in a file by a blank or a tab."
        )
    check_memory(
        12 * nodes * dim, f"Vectors of {nodes:,} x {dim:,} numbers and their training", "Ask for a smaller `dim`."
    )
    check_memory(
        12 * int(walks) * nodes * (int(length) + 1),
        f"{walks:,} walks of {length:,} nodes from each of {nodes:,}",
        "Ask for fewer or shorter ones.",
    )


def walk_corpus(
    graph: Adjacency, labels: Sequence[str], *, walks: int, length: int, p: float = 1.0, q: float = 1.0, seed: int = 0
) -> EncodedCorpus:
    """Return walks as sentences whose words are the nodes' names; the arguments are those of `node2vec`.

    Every node starts a walk in each of `walks` passes, in a newly drawn order (DeepWalk, algorithm 1).

    Raises:
        ValueError: `walks` or `length` is below 1, or `p` or `q` is not positive.
    """
    check_walk(length, p, q)
    integer("walks", walks, remedy="Use 10, as node2vec does.")
    rng = np.random.default_rng(seed)
    parts = [sentences(random_walks(graph, starts, length, rng, p=p, q=q)) for starts in _starts(graph, walks, rng)]
    ids = np.concatenate(parts)
    counts = np.bincount(ids[ids >= 0], minlength=len(graph))
    order = np.argsort(-counts, kind="stable")
    renumbered = np.empty(len(graph) + 1, np.int32)
    renumbered[order], renumbered[END] = np.arange(len(graph)), END
    vocabulary = Vocabulary(tuple(labels[i] for i in order), counts[order])
    words = int(counts.sum())
    return EncodedCorpus(renumbered[ids], vocabulary, words, words, walks * len(graph))


def _starts(graph: Adjacency, walks: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the starts of several passes at a time, as many as keep the walks within memory."""
    passes = max(1, AT_ONCE // len(graph))
    for done in range(0, walks, passes):
        yield np.concatenate([rng.permutation(len(graph)) for _ in range(min(passes, walks - done))])


def sentences(walks: np.ndarray) -> np.ndarray:
    """Return the nodes of every walk, then -1: int32, flat."""
    ended = np.concatenate([walks, np.full((len(walks), 1), END, np.int32)], axis=1)
    keep = np.ones(ended.shape, bool)
    keep[:, 1:] = (ended[:, 1:] != END) | (ended[:, :-1] != END)
    return ended[keep]
