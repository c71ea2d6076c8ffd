"""DeepWalk and node2vec: communities, labels of nodes, and the speed of walks.

Without paths, Zachary's karate club, which networkx ships, is measured. `paths["blogcatalog"]` is an adjacency list
NAME.adjlist*, with NAME.labels beside it: one node and its labels per line.

The protocol for labels is the one of Perozzi et al. 2014, sections 5.3 and 6.1: logistic regression for each label
against all others; a node gets its k likeliest labels, where k is the number it has.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from compare.bench.methods.figure import Figure

SHUFFLES = 5
# What the reference program (phanein/deepwalk) reports for its own run on BlogCatalog in README.rst: walks 80, length
# 40, window 10, dim 128; per cent, for 10 % to 90 % labelled. The paper's table 2 differs by less than a point.
DEEPWALK = {
    "Micro-F1": (35.86, 38.51, 39.96, 40.76, 41.51, 41.85, 42.27, 42.35, 42.40),
    "Macro-F1": (21.08, 23.98, 25.71, 26.73, 27.68, 28.28, 28.88, 28.70, 28.21),
}
NODE2VEC = 25.81  # Grover and Leskovec 2016, table 2: Macro-F1, 50 % labelled, p = q = 0.25


def measure(seeds: Sequence[int], paths: Mapping[str, Path], quick: bool) -> Iterator[Figure]:
    """Yield figures of walks and vectors; see `compare.bench.methods.measures`."""
    yield karate(seeds)
    yield from walk_speed(seeds, quick)
    if "blogcatalog" in paths:
        yield from blogcatalog(seeds, paths["blogcatalog"], quick)


def karate(seeds: Sequence[int]) -> Figure:
    """How many of the 34 members two clusters assign to the club that they chose."""
    import networkx as nx
    import sklearn
    from sklearn.manifold import SpectralEmbedding

    from tf_emb.methods.graph import deepwalk

    graph = nx.karate_club_graph()
    club = np.array([graph.nodes[node]["club"] == "Officer" for node in graph])
    weights = nx.to_numpy_array(graph)
    options: dict[str, Any] = {"dim": 16, "window": 4, "length": 20, "epochs": 5, "block": 8, "blocks": 1}
    found = [deepwalk(graph, seed=seed, **options) for seed in seeds]
    ours = [two_clusters(of.matrix, club, seed) for of, seed in zip(found, seeds, strict=True)]
    theirs = [
        two_clusters(SpectralEmbedding(2, affinity="precomputed", random_state=seed).fit_transform(weights), club, seed)
        for seed in seeds
    ]
    chosen = {"club": [graph.nodes[node]["club"] for node in graph]}
    shown = found[0].with_columns(chosen)
    peer = f"spectral embedding, scikit-learn {sklearn.__version__}"
    return Figure(
        "DeepWalk", "karate club", "accuracy of two clusters", ours, peer, theirs, margin=1 / 34, vectors=shown
    )


def two_clusters(vectors: np.ndarray, truth: np.ndarray, seed: int) -> float:
    """Return the accuracy of k-means under the better naming of its two clusters."""
    from sklearn.cluster import KMeans

    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = KMeans(2, n_init=10, random_state=seed).fit_predict(unit).astype(bool)
    right = float(np.mean(found == truth))
    return max(right, 1 - right)


def walk_speed(seeds: Sequence[int], quick: bool) -> Iterator[Figure]:
    """How many times faster our walks are than a loop over networkx with alias tables, in turn on one graph."""
    import networkx as nx

    from tf_emb.methods.graph import as_adjacency, random_walks

    graph, length = nx.karate_club_graph(), 80
    adjacency, _ = as_adjacency(graph)
    starts = np.tile(np.arange(len(graph)), 20 if quick else 200)
    for name, p, q in (("DeepWalk", 1.0, 1.0), ("node2vec", 0.25, 0.25), ("node2vec", 0.25, 4.0)):
        loop = Loop(graph, p, q)  # its tables are made before the clock starts
        ratios = []
        for seed in seeds:
            rng = np.random.default_rng(seed)
            ours = seconds(partial(random_walks, adjacency, starts, length, rng, p=p, q=q))
            theirs = seconds(partial(loop.walks, starts.tolist(), length, rng))
            ratios.append(theirs / ours)
        yield Figure(
            name,
            f"karate club, p {p:g}, q {q:g}",
            "walk steps a second, ratio",
            ratios,
            f"networkx {nx.__version__}, loop with alias tables",
            [1.0],
            margin=-9.0,
        )


def seconds(call: Callable[[], Any]) -> float:
    """Return the CPU time of a call: both sides have one thread, and other processes must not count."""
    began = time.process_time()
    call()
    return time.process_time() - began


class Loop:
    """node2vec's walks as in its reference program: one node at a time over networkx.

    Every node and every edge has an alias table in arrays; a step sorts the neighbours and draws two numbers.
    """

    def __init__(self, graph: Any, p: float, q: float) -> None:
        self.graph = graph
        weight = {(v, x): graph[v][x].get("weight", 1.0) for v in graph for x in graph[v]}
        self.nodes = {v: alias([weight[v, x] for x in sorted(graph[v])]) for v in graph}
        self.edges = {
            (t, v): alias(
                [weight[v, x] * (1 / p if x == t else 1.0 if graph.has_edge(t, x) else 1 / q) for x in sorted(graph[v])]
            )
            for t in graph
            for v in graph[t]
        }

    def walks(self, starts: Sequence[int], length: int, rng: np.random.Generator) -> list[list[int]]:
        """Return a walk from each of `starts`."""
        return [self.walk(start, length, rng) for start in starts]

    def walk(self, start: int, length: int, rng: np.random.Generator) -> list[int]:
        """Return one walk."""
        walk = [start]
        while len(walk) < length:
            at = walk[-1]
            near = sorted(self.graph.neighbors(at))
            keep, other = self.nodes[at] if len(walk) == 1 else self.edges[walk[-2], at]
            cell = int(np.floor(rng.random() * len(keep)))
            walk.append(near[cell if rng.random() < keep[cell] else other[cell]])
        return walk


def alias(weights: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return Walker's alias table: the probability that each cell keeps itself, and its alias otherwise."""
    share = [w * len(weights) / sum(weights) for w in weights]
    keep, other = [1.0] * len(share), list(range(len(share)))
    small, large = [i for i, s in enumerate(share) if s < 1], [i for i, s in enumerate(share) if s >= 1]
    while small and large:
        i, j = small.pop(), large[-1]
        keep[i], other[i] = share[i], j
        share[j] -= 1 - share[i]
        if share[j] < 1:
            small.append(large.pop())
    return np.array(keep), np.array(other)


def blogcatalog(seeds: Sequence[int], path: Path, quick: bool) -> Iterator[Figure]:
    """Predict the labels of bloggers from the vectors of both methods."""
    from tf_emb.methods.graph import deepwalk, node2vec, read_graph

    graph = read_graph(path, "adjlist")
    size: dict[str, Any] = {"walks": 2} if quick else {}
    # The papers' settings. Gradient steps are taken one block at a time here, and one pass over node2vec's walks, a
    # quarter of DeepWalk's, does not end near a minimum: it gets five.
    trained = {
        "DeepWalk": [deepwalk(graph, loss="negative-sampling", seed=seed, **size) for seed in seeds],
        "node2vec": [node2vec(graph, p=0.25, q=0.25, epochs=5, seed=seed, **size) for seed in seeds],
    }
    truth = labels_of(path, trained["DeepWalk"][0].labels)
    shown = {name: of[0].with_columns(groups(truth)) for name, of in trained.items()}
    for i in (4,) if quick else range(9):
        scores = {
            name: [f1(of.matrix, truth, 0.1 * (i + 1), seed) for of, seed in zip(found, seeds, strict=True)]
            for name, found in trained.items()
        }
        data = f"BlogCatalog, {10 * (i + 1)} % labelled"
        for j, measure_ in enumerate(DEEPWALK):
            yield Figure(
                "DeepWalk",
                data,
                f"{measure_}, %",
                [100 * score[j] for score in scores["DeepWalk"]],
                "phanein/deepwalk, README",
                [DEEPWALK[measure_][i]],
                margin=1.0,
                vectors=shown["DeepWalk"] if i == 4 else None,
            )
        if i == 4:
            yield Figure(
                "node2vec",
                data,
                "Macro-F1, %",
                [100 * score[1] for score in scores["node2vec"]],
                "Grover and Leskovec 2016, table 2",
                [NODE2VEC],
                margin=1.0,
                vectors=shown["node2vec"],
            )


def labels_of(path: Path, nodes: Sequence[str]) -> np.ndarray:
    """Return which labels each node has, bool, shape (nodes, labels)."""
    file = path.with_name(path.name.split(".")[0] + ".labels")
    given = {node: labels for node, *labels in map(str.split, file.read_text().splitlines())}
    known = sorted({label for labels in given.values() for label in labels}, key=int)
    return np.array([[label in given[node] for label in known] for node in nodes])


def groups(truth: np.ndarray) -> dict[str, list[Any]]:
    """Return columns to look at: the first of each node's groups, counted from 1, and how many it has."""
    first = np.where(truth.any(axis=1), truth.argmax(axis=1) + 1, 0)
    return {"group": [str(of) for of in first], "groups": truth.sum(axis=1).tolist()}


def f1(vectors: np.ndarray, truth: np.ndarray, share: float, seed: int) -> tuple[float, float]:
    """Return Micro- and Macro-F1, averaged over shuffles of the nodes, the first `share` of which is labelled."""
    from sklearn.metrics import f1_score

    scores = []
    for order in map(np.random.default_rng(seed).permutation, [len(vectors)] * SHUFFLES):
        train, test = np.split(order, [int(share * len(order))])
        found = likeliest(decisions(vectors, truth, train, test), truth[test].sum(axis=1))
        scores.append([f1_score(truth[test], found, average=a, zero_division=0) for a in ("micro", "macro")])
    micro, macro = np.mean(scores, axis=0)
    return float(micro), float(macro)


def decisions(vectors: np.ndarray, truth: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return the decision value of each label for the nodes of `test`; -inf if no node of `train` has it."""
    from sklearn.linear_model import LogisticRegression

    out = np.full((len(test), truth.shape[1]), -np.inf)
    for label in np.flatnonzero(truth[train].any(axis=0)):
        model = LogisticRegression(solver="liblinear").fit(vectors[train], truth[train, label])
        out[:, label] = model.decision_function(vectors[test])
    return out


def likeliest(scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return which `counts[i]` scores of every row are the largest, bool."""
    rank = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
    return rank < counts[:, None]
