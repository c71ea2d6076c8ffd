"""Vectors of the 1,252 graphs of networkx's atlas, beside histograms of degrees and graph2vec.

A linear model predicts each property, and is scored on unseen graphs (five folds). Graphs with equal degrees may differ
in all of these properties.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from compare.bench.methods.figure import Figure

FOLDS = 5
SCORES = {"balanced_accuracy": "balanced accuracy of a linear probe", "r2": "R2 of a linear probe"}


def measure(seeds: Sequence[int], paths: Mapping[str, Path], quick: bool) -> Iterator[Figure]:
    """Yield one figure per property and peer; see `compare.bench.methods.measures`."""
    import networkx as nx

    from tf_emb.methods.graph import graph2vec, graph_vectors

    graphs = [graph for graph in nx.graph_atlas_g() if len(graph)][:: 10 if quick else 1]
    degrees = np.array([np.bincount([d for _, d in graph.degree()], minlength=7) for graph in graphs])
    vectors = [graph_vectors(graphs, seed=seed) for seed in seeds]
    sampled = [graph2vec(graphs, epochs=5 if quick else 100, seed=seed).matrix for seed in seeds]
    peers = {"histogram of degrees": [degrees] * len(seeds), "graph2vec, here": sampled}
    asked = properties()
    truths = {name: np.array([of(graph) for graph in graphs]) for name, (of, _) in asked.items()}
    shown = vectors[0].with_columns({name: of.tolist() for name, of in truths.items()})
    for name, (_, score) in asked.items():
        ours, *theirs = (
            [probed(matrix, truths[name], score, seed) for matrix, seed in zip(each, seeds, strict=True)]
            for each in ([of.matrix for of in vectors], *peers.values())
        )
        for peer, scores in zip(peers, theirs, strict=True):
            yield Figure(
                "graph vectors",
                f"graph atlas, {name}",
                SCORES[score],
                ours,
                peer,
                scores,
                vectors=shown if name == "connected" else None,
            )


def properties() -> dict[str, tuple[Callable[[Any], float], str]]:
    """Return what is predicted of a graph, and the score of the prediction."""
    import networkx as nx

    return {
        "connected": (nx.is_connected, "balanced_accuracy"),
        "bipartite": (nx.is_bipartite, "balanced_accuracy"),
        "planar": (nx.is_planar, "balanced_accuracy"),
        "clustering coefficient": (nx.average_clustering, "r2"),
        "triangles": (lambda graph: sum(nx.triangles(graph).values()) // 3, "r2"),
    }


def probed(vectors: np.ndarray, truth: np.ndarray, score: str, seed: int) -> float:
    """Return the mean score of linear models on held-out folds."""
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = RidgeCV(np.logspace(-3, 3, 13)) if score == "r2" else LogisticRegression(max_iter=5000)
    folds = KFold(FOLDS, shuffle=True, random_state=seed)
    return float(
        cross_val_score(make_pipeline(StandardScaler(), model), vectors, truth, cv=folds, scoring=score).mean()
    )
