"""What random walks are drawn from, as arrays: for graphs small enough that nodes^3 numbers are few.

The formula is at the head of tf_emb/methods/graph/walks.py.
"""

import numpy as np

from tf_emb.methods.graph.walks import Adjacency, check_walk


def first_order(graph: Adjacency) -> np.ndarray:
    """Return P(x | v) = w(v, x) / sum_y w(v, y).

    Returns:
        Shape (nodes, nodes), by v and x, the dtype of the weights; zeros for a node without edges.
    """
    return _normalised(_dense(graph))


def second_order(graph: Adjacency, *, p: float = 1.0, q: float = 1.0) -> np.ndarray:
    """Return P(x | t, v), the probabilities of a step to x after one from t to v.

    Args:
        graph: a small one.
        p: return parameter.
        q: in-out parameter.

    Returns:
        Shape (nodes, nodes, nodes), by t, v and x, the dtype of the weights; zeros where no edge leads from t to v, or
        none from v on.

    Raises:
        ValueError: `p` or `q` is not positive and finite.

    Grover and Leskovec 2016, section 3.2.2.
    """
    check_walk(1, p, q)
    weights = _dense(graph)
    edge = weights > 0
    alpha = np.where(edge, 1, 1 / q).astype(weights.dtype)
    np.fill_diagonal(alpha, 1 / p)
    return _normalised(edge[:, :, None] * (alpha[:, None, :] * weights))


def expected_visits(graph: Adjacency, length: int, *, p: float = 1.0, q: float = 1.0) -> np.ndarray:
    """Return how often each node is expected in a walk from every node, shape (nodes,).

    Args:
        graph: a small one.
        length: nodes of a walk, its start included.
        p: return parameter.
        q: in-out parameter.

    Raises:
        ValueError: `length` is below 1, or `p` or `q` is not positive and finite.
    """
    check_walk(length, p, q)
    second = second_order(graph, p=p, q=q)
    visits = np.ones(len(graph), second.dtype)
    pairs = first_order(graph)
    for _ in range(length - 1):
        visits = visits + pairs.sum(axis=0)
        pairs = np.einsum("tv,tvx->vx", pairs, second)
    return visits


def _dense(graph: Adjacency) -> np.ndarray:
    weights = np.zeros((len(graph), len(graph)), graph.weights.dtype)
    weights[graph.sources, graph.neighbours] = graph.weights
    return weights


def _normalised(scores: np.ndarray) -> np.ndarray:
    total = scores.sum(axis=-1, keepdims=True)
    return np.divide(scores, total, out=np.zeros_like(scores), where=total > 0)
