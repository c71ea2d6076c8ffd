"""Random walks of node2vec: the probabilities of a step, and what walks visit in expectation.

P(x | t, v) = alpha w(v, x) / sum_y alpha w(v, y), alpha = 1 / p for x = t, 1 for an edge from t to x, 1 / q otherwise
(Grover and Leskovec 2016, section 3.2.2). The table that steps are drawn from
is read back here; sampled walks are held to these numbers by a chi-square test in tests/test_walks.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tf_emb.parity.case import Arrays, Bound, Case, Fault

NODES, LENGTH = 35, 12


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Zachary's karate club with its weights, a part of the edges leading one way only, and a node without edges."""
    import networkx as nx

    weights = np.zeros((NODES, NODES))
    weights[:34, :34] = nx.to_numpy_array(nx.karate_club_graph())
    return {
        "weights": weights * (rng.random(weights.shape) < 0.8),
        "p": np.array(0.3),
        "q": np.array(2.2),
        "q below 1": np.array(0.4),
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Steps of first and second order, node by node, and expected visits."""
    w = x["weights"]
    second = second_order(w, x["p"], x["q"])
    return {
        "first order": first_order(w),
        "second order": second,
        "second order, q below 1": second_order(w, x["p"], x["q below 1"]),
        "second order, in a table": second,
        "visits": visits(first_order(w), second),
    }


def first_order(w: np.ndarray) -> np.ndarray:
    """Each row over its sum; rows of zeros stay."""
    out = np.zeros_like(w)
    for v in range(len(w)):
        if w[v].any():
            out[v] = w[v] / w[v].sum()
    return out


def second_order(w: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """P(x | t, v) for every edge (t, v)."""
    out = np.zeros((*w.shape, len(w)), w.dtype)
    for t, v in np.argwhere(w):
        scores = np.zeros_like(w[v])
        for y in np.flatnonzero(w[v]):
            if y == t:
                scores[y] = w[v, y] / p
            elif w[t, y]:
                scores[y] = w[v, y]
            else:
                scores[y] = w[v, y] / q
        if scores.any():
            out[t, v] = scores / scores.sum()
    return out


def visits(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How often each node is expected in LENGTH nodes of a walk from every node."""
    pairs = first.copy()
    total = np.ones_like(first[0]) + pairs.sum(axis=0)
    for _ in range(LENGTH - 2):
        pairs = (pairs[:, :, None] * second).sum(axis=0)
        total = total + pairs.sum(axis=0)
    return total


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """The same by dense tensors."""
    import torch

    w = x["weights"]
    edge = (w > 0).to(w.dtype)

    def normalised(scores: Any) -> Any:
        total = scores.sum(-1, keepdim=True)
        return scores / torch.where(total > 0, total, 1)

    def second(p: float, q: float) -> Any:
        alpha = edge + (1 - edge) / q
        alpha.fill_diagonal_(1 / p)
        return normalised(torch.einsum("tv,tx,vx->tvx", edge, alpha, w))

    first, biased = normalised(w), second(x["p"], x["q"])
    pairs, total = first, 1 + first.sum(0)
    for _ in range(LENGTH - 2):
        pairs = torch.einsum("tv,tvx->vx", pairs, biased)
        total = total + pairs.sum(0)
    return {"first order": first, "second order": biased, "second order, q below 1": second(x["p"], x["q below 1"]),
            "second order, in a table": biased, "visits": total}  # fmt: skip


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods, which is NumPy here: on a graph made from the matrix."""
    from scipy.sparse import csr_array

    from tf_emb.methods.graph import walk_probabilities as probabilities
    from tf_emb.methods.graph.second_order import StepTable
    from tf_emb.methods.graph.walks import Adjacency

    graph = Adjacency.from_matrix(csr_array(np.asarray(x["weights"])))
    table = StepTable.of(graph, x["p"], x["q"])
    edge = np.repeat(np.arange(len(graph.weights)), np.diff(table.first))
    tabled = np.zeros((NODES,) * 3)
    # An entry reaches from the one before it, or from its edge's number where that is higher.
    tabled[graph.sources[edge], graph.neighbours[edge], graph.neighbours[table.onward]] = table.upto - np.maximum(
        np.concatenate([[0], table.upto[:-1]]), edge
    )
    return {
        "first order": probabilities.first_order(graph),
        "second order": probabilities.second_order(graph, p=x["p"], q=x["q"]),
        "second order, q below 1": probabilities.second_order(graph, p=x["p"], q=x["q below 1"]),
        "second order, in a table": tabled.astype(graph.weights.dtype),
        "visits": probabilities.expected_visits(graph, LENGTH, p=x["p"], q=x["q"]),
    }


# Everything is a sum of products of numbers that are not negative, so errors are relative to the value; n = NODES.
SECOND = Bound(
    NODES + 4, "alpha and its product with w: 2, above and below; n - 1 additions; one division: n + 4, relative",
    lambda x, want: want["second order"],
)  # fmt: skip
CASES = [
    Case(
        name="walks",
        claim="The probabilities of a random walk's steps, with p and q, and how often each node is visited.",
        cite="Grover and Leskovec 2016, node2vec, section 3.2.2; Perozzi et al. 2014, DeepWalk",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, "keras-tensorflow": run_keras},
        bounds={
            "first order": Bound(
                NODES, "n - 1 additions and a division, relative", lambda x, want: want["first order"]
            ),
            "second order": SECOND,
            "second order, q below 1": replace(SECOND, scale=lambda x, want: want["second order, q below 1"]),
            "second order, in a table": Bound(
                NODES + 10,
                "running sums up to E, the number of edges: an addition at either side of a share, n of their "
                "whole, 2 of e + and of the difference, u E each; P itself n + 4, relative; stored 1",
                lambda x, want: np.full_like(want["second order"], (x["weights"] > 0).sum()),
            ),
            "visits": Bound(
                2 * NODES + LENGTH + (LENGTH - 2) * (2 * NODES + 4),
                "n of the first step; for each other n + 4 of P, a product and n - 1 additions; then n + L additions",
                lambda x, want: want["visits"],
            ),
        },
        faults={
            "edge from x to t": Fault("elif w[t, y]:", "elif w[y, t]:"),
            "1 and 1 / q exchanged": Fault("elif w[t, y]:", "elif not w[t, y]:"),
            "p for 1 / p": Fault("w[v, y] / p", "w[v, y] * p"),
            "q for 1 / q": Fault("w[v, y] / q", "w[v, y] * q"),
            "way back as any other": Fault("if y == t:", "if False:"),
            "weights left out": Fault("scores[y] = w[v, y]\n", "scores[y] = 1\n"),
            "weights left out at first": Fault("out[v] = w[v] / w[v].sum()", "out[v] = (w[v] > 0) / (w[v] > 0).sum()"),
            "by column": Fault("w[v] / w[v].sum()", "w[v] / w.sum(axis=0)[v]"),
            "one step less": Fault("range(LENGTH - 2)", "range(LENGTH - 3)"),
            "starts not counted": Fault("np.ones_like(first[0]) +", "0 +"),
            "always of first order": Fault(
                "(pairs[:, :, None] * second).sum(axis=0)", "pairs.sum(axis=0)[:, None] * first"
            ),
        },
        quick=True,
    )
]
