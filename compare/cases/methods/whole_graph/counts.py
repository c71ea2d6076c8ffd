"""Labels of closed walks, and vectors that predict counts: draws, oracles, engines, error analysis.

l_k(v) = number of ((A^1)_vv ... (A^k)_vv)
V = the first eigenvectors of C^T C,  d = C V,  D V^T = the nearest to C of its rank
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_emb.parity.case import Arrays
from tf_emb.parity.dtypes import gamma

LENGTH = 4
WHY = (
    "singular vectors of C + E, |E| <= max(m, n) u |C| (LAPACK Users' Guide, section 4.9, with p its size); from a "
    "Gram matrix gamma(m + n) |C|^2 more; turned by |C'^T C' - C^T C| / gap (Davis and Kahan 1970); products "
    "gamma(terms)"
)


def draw_graphs(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A hexagon, two triangles, and graphs of 6 nodes with directed edges and loops."""
    import networkx as nx

    pair = nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
    first = [nx.to_numpy_array(graph, dtype=np.int64) for graph in (nx.cycle_graph(6), pair)]
    return {"edges": np.concatenate([first, (rng.random((30, 6, 6)) < 0.3).astype(np.int64)])}


def labels_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Labels of all lengths, and how often each occurs in a graph."""
    count, nodes, _ = x["edges"].shape
    moments = returns(x["edges"]).reshape(count * nodes, LENGTH)
    used, every = 0, []
    for k in range(LENGTH):
        rank = np.unique(moments[:, : k + 1], axis=0, return_inverse=True)[1].reshape(count, nodes)
        every.append(rank + used)
        used = every[-1].max() + 1
    labels = np.stack(every, axis=1)
    return {"labels": labels, "bags": np.stack([np.bincount(graph.ravel(), minlength=used) for graph in labels])}


def returns(graphs: np.ndarray) -> np.ndarray:
    """How many walks of 1 to LENGTH steps lead from a node back to it, from where all its walks end, step by step."""
    found = np.zeros((*graphs.shape[:2], LENGTH), np.int64)
    for edges, rows in zip(graphs, found, strict=True):
        for v in range(len(edges)):
            ends = np.eye(len(edges), dtype=np.int64)[v]
            for step in range(LENGTH):
                ends = ends @ edges
                rows[v, step] = ends[v]
    return found


def labels_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """Powers of all matrices at once, and torch.unique of rows."""
    import torch

    edges = x["edges"]
    powers = [edges]
    for _ in range(LENGTH - 1):
        powers.append(torch.einsum("gij,gjk->gik", powers[-1], edges))
    moments = torch.stack([power.diagonal(dim1=1, dim2=2) for power in powers], 2)
    every, used = [], 0
    for k in range(1, LENGTH + 1):
        rows = moments[:, :, :k].reshape(-1, k)
        every.append(torch.unique(rows, dim=0, return_inverse=True)[1].reshape(moments.shape[:2]) + used)
        used = int(every[-1].max()) + 1
    labels = torch.stack(every, 1)
    return {"labels": labels, "bags": torch.nn.functional.one_hot(labels.reshape(len(labels), -1)).sum(1)}


def labels_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.graph.counts, on networkx graphs."""
    import networkx as nx

    from tf_emb.methods.graph.counts import bags_of, closed_walk_labels

    graphs = [nx.from_numpy_array(edges, create_using=nx.DiGraph) for edges in np.asarray(x["edges"])]
    labels = closed_walk_labels(graphs, LENGTH)
    return {"labels": np.stack(labels), "bags": bags_of(labels).toarray()}


def draw_counts(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Counts of a few kinds of graphs, and as many dimensions as stand out."""
    kinds = 1 + 5 * np.eye(3)[np.arange(9) % 3].T  # at an angle from each other, whatever is drawn
    return {"counts": kinds[rng.integers(0, 3, 14)] + rng.integers(0, 2, (14, 9)), "dim": np.array(3)}


def products_oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Products of the vectors of graphs, and those of graphs and words."""
    c = x["counts"]
    _, vectors = np.linalg.eigh(c.T @ c)
    v = vectors[:, -int(x["dim"]) :]
    d = c @ v
    return {"products": d @ d.T, "predicted": d @ v.T}


def products_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.linalg.svd, vectors of graphs from the left side."""
    import torch

    left, size, right = torch.linalg.svd(x["counts"], full_matrices=False)
    first = slice(x["dim"])
    return outputs(left[:, first] * size[first], right[first].T)


def products_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.graph.counts, which is SciPy here."""
    from scipy.sparse import csr_array

    from tf_emb.methods.graph.counts import count_factors

    return outputs(*count_factors(csr_array(np.asarray(x["counts"])), x["dim"]))


def outputs(d: Any, v: Any) -> dict[str, Any]:
    """Return the outputs of the case."""
    return {"products": d @ d.T, "predicted": d @ v.T}


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """What is computed for D D^T, D V^T differs from C Q C^T, C Q, with Q the projector on V's columns.

    A turn by an angle of sine s moves Q by s between its range and the rest, and by s^2 within either.
    """
    c, dim = x["counts"], int(x["dim"])
    (m, n), (_, size, right) = c.shape, np.linalg.svd(c)
    Q = right[:dim].T @ right[:dim]
    off = gamma(max(m, n), u)  # of the singular vectors' length and right angles too
    change = size[0] ** 2 * (2 * off + off**2 + gamma(m + n, u))
    gap = size[dim - 1] ** 2 - size[dim] ** 2 - change
    s = change / gap if gap > 0 else np.inf
    inside, beside = (np.sqrt((c @ of * c).sum(1)) for of in (Q, np.eye(n) - Q))
    word, other = np.sqrt(Q.diagonal()), np.sqrt(1 - Q.diagonal())
    length = np.sqrt(inside**2 + beside**2)
    # D = C V or U S, and sums of dim products, whose magnitudes a row's length bounds.
    products = np.outer(inside, beside) * s + np.outer(beside, inside) * s + np.outer(length, length) * s**2
    products += 2 * off * np.outer(inside, inside) + (2 * gamma(n, u) + gamma(dim, u)) * dim * np.outer(length, length)
    turned = s * (np.outer(inside, other) + np.outer(beside, word)) + s**2 * length[:, None]
    rounded = off * np.outer(inside, np.ones(n)) + ((gamma(n, u) + gamma(dim, u)) * dim * length)[:, None]
    return {"products": products, "predicted": turned + rounded}
