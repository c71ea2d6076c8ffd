"""Hierarchical softmax over a Huffman tree of real counts: the tree, losses, gradients, all probabilities.

E = -sum over the path of log sigmoid((1 - 2 c) u), u = v'_n . h; dE/du = sigmoid(u) - (1 - c). Morin and
Bengio 2005; Rong 2014, section 3.1. The tree is word2vec.c's (tmikolov/word2vec, 20c129a, lines 207 to 270).

Three programs build the tree: the oracle with a heap, the torch engine as word2vec.c is written, tf_emb as it does.
"""

import heapq
from collections.abc import Mapping
from typing import Any

import numpy as np

from compare import text
from compare.case import EXACT, Arrays, Bound, Case, Fault
from compare.rounding import FUNCTION

VOCAB, DIM, BATCH = 300, 24, 96


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Counts and consecutive words of real text, so targets repeat; hidden vectors and a table as if trained."""
    vocabulary = text.vocabulary(max_vocab=VOCAB)
    words = np.concatenate([vocabulary.encode(document) for document in text.lee()])
    start = int(rng.integers(len(words) - BATCH))
    return {
        "counts": vocabulary.counts,
        "targets": words[start : start + BATCH].copy(),
        "hidden": rng.normal(size=(BATCH, DIM)) * 0.75,
        "table": rng.normal(size=(VOCAB - 1, DIM)) * 0.75,
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """The tree, the losses of the targets, the gradients of their sum, and log p of every word."""
    codes, points, lengths = tree(x["counts"])
    counted = np.arange(codes.shape[1]) < lengths[:, None]
    h, at, on = x["hidden"], points[x["targets"]], counted[x["targets"]]
    label = (1 - codes[x["targets"]]).astype(h.dtype)
    u = np.einsum("bd,bld->bl", h, x["table"][at])
    loss = (on * np.log1p(np.exp((1 - 2 * label) * u))).sum(axis=1)
    error = on * (1 / (1 + np.exp(-u)) - label)
    table_gradient = np.zeros_like(x["table"])
    np.add.at(table_gradient, at, error[:, :, None] * h[:, None, :])
    every = (h @ x["table"].T)[:, points]
    downhill = np.where(codes == 1, -every, every)
    return {
        "codes": codes, "points": points, "lengths": lengths, "loss": loss,
        "hidden gradient": np.einsum("bl,bld->bd", error, x["table"][at]),
        "table gradient": table_gradient,
        "log p": -(counted * np.log1p(np.exp(-downhill))).sum(axis=2),
    }  # fmt: skip


def tree(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Join the two rarest nodes until one is left; among equals inner nodes first, then later words."""
    heap = [(int(n), 1, -word, [word]) for word, n in enumerate(counts)]
    heapq.heapify(heap)
    paths: list[list[tuple[int, int]]] = [[] for _ in counts]
    for made in range(len(counts) - 1):
        rare, common = heapq.heappop(heap), heapq.heappop(heap)
        for bit, node in enumerate((rare, common)):
            for word in node[3]:
                paths[word].insert(0, (bit, made))
        heapq.heappush(heap, (rare[0] + common[0], 0, made, rare[3] + common[3]))
    lengths = np.array([len(path) for path in paths], np.int32)
    padded = np.zeros((len(counts), lengths.max(), 2), np.int32)
    for word, path in enumerate(paths):
        padded[word, : len(path)] = path
    return padded[..., 0].astype(np.int8), padded[..., 1], lengths


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """Rows of a table and logsigmoid, over the tree of word2vec.c."""
    import torch
    from torch.nn.functional import embedding, logsigmoid

    codes, points, lengths = (torch.tensor(a, device=x["table"].device) for a in create_binary_tree(x["counts"]))
    on = torch.arange(codes.shape[1], device=lengths.device) < lengths[:, None]
    h, table = (x[k].clone().requires_grad_() for k in ("hidden", "table"))
    branch = 1 - 2 * codes.to(table.dtype)
    at = x["targets"]
    u = (embedding(points[at].long(), table) @ h[:, :, None])[:, :, 0]
    loss = -(logsigmoid(branch[at] * u) * on[at]).sum(1)
    loss.sum().backward()
    log_p = (logsigmoid(branch * (h @ table.T)[:, points.long()]) * on).sum(2)
    return {
        "codes": codes, "points": points, "lengths": lengths, "loss": loss,
        "hidden gradient": h.grad, "table gradient": table.grad, "log p": log_p,
    }  # fmt: skip


def create_binary_tree(counts: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """word2vec.c, CreateBinaryTree, line by line."""
    V = len(counts)
    count = [*counts.tolist(), *[10**15] * V]
    binary, parent_node = [0] * (2 * V), [0] * (2 * V)
    pos = [V - 1, V]

    def smallest() -> int:
        leaf = pos[0] >= 0 and count[pos[0]] < count[pos[1]]
        node = pos[0] if leaf else pos[1]
        pos[0 if leaf else 1] += -1 if leaf else 1
        return node

    for a in range(V - 1):
        min1i, min2i = smallest(), smallest()
        count[V + a] = count[min1i] + count[min2i]
        parent_node[min1i] = parent_node[min2i] = V + a
        binary[min2i] = 1
    rows = []
    for a in range(V):
        code, point, b = [], [], a
        while b != 2 * V - 2:
            code.append(binary[b])
            b = parent_node[b]
            point.append(b - V)
        rows.append((code[::-1], point[::-1]))
    longest = max(len(code) for code, _ in rows)
    codes, points = (np.array([row[i] + [0] * (longest - len(row[i])) for row in rows]) for i in (0, 1))
    return codes.astype(np.int8), points.astype(np.int32), np.array([len(code) for code, _ in rows], np.int32)


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb's huffman, and its HierarchicalSoftmax under a GradientTape."""
    import tensorflow as tf

    from tf_emb.layers.hierarchical_softmax import HierarchicalSoftmax, huffman

    codes, points, lengths = huffman(x["counts"].numpy())
    layer = HierarchicalSoftmax(x["counts"].numpy(), dtype=x["table"].dtype.name)
    layer.build((None, DIM))
    layer.embeddings.assign(x["table"])
    with tf.GradientTape() as tape:
        tape.watch(x["hidden"])
        loss = layer.loss(x["hidden"], x["targets"])
    hidden, table = tape.gradient(loss, [x["hidden"], layer.embeddings.value])
    log_p = layer.log_probabilities(x["hidden"])
    return {
        "codes": codes, "points": points, "lengths": lengths, "loss": loss,
        "hidden gradient": hidden, "table gradient": table, "log p": log_p,
    }  # fmt: skip


# In units of u, to first order; d = DIM, K = FUNCTION, n = length of a path.
def path(x: Arrays, want: Arrays) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """|h| (batch, 1, dim), |v| (batch, longest, dim), d sum |h| |v| and 1 within the path (batch, longest)."""
    h, v = np.abs(x["hidden"])[:, None, :], np.abs(x["table"])[want["points"][x["targets"]]]
    on = np.arange(v.shape[1]) < want["lengths"][x["targets"]][:, None]
    return h, v, DIM * (h * v).sum(axis=2), on.astype(np.float64)


def terms(u: np.ndarray, du: np.ndarray, n: np.ndarray) -> np.ndarray:
    """softplus has slope at most 1 and is 2 K-accurate relative to |u| + 1; then n of them are summed."""
    return du + (2 * FUNCTION + n) * (np.abs(u) + 1)


def loss_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """Sum over the path of `terms`, shape (batch,)."""
    _, _, du, on = path(x, want)
    u = np.einsum("bd,bld->bl", x["hidden"], x["table"][want["points"][x["targets"]]])
    return (on * terms(u, du, on.sum(axis=1, keepdims=True))).sum(axis=1)


def error_scale(du: np.ndarray) -> np.ndarray:
    """sigmoid has slope at most 1/4; K for itself whichever of s - 1 and -sigmoid(-u) is computed, 1 to multiply."""
    return du / 4 + FUNCTION + 1


def hidden_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """Sum over the path of |v| (de + n |e|), |e| <= 1, shape (batch, dim)."""
    _, v, du, on = path(x, want)
    return np.einsum("bl,bld->bd", on * (error_scale(du) + on.sum(axis=1, keepdims=True)), v)


def table_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """Sum over the places of a node of |h| (de + (1 + places) |e|), |e| <= 1."""
    h, _, du, on = path(x, want)
    at = want["points"][x["targets"]]
    places = np.bincount(at.ravel(), on.ravel(), minlength=VOCAB - 1)[at]
    total = np.zeros_like(want["table gradient"])
    np.add.at(total, at, (on * (error_scale(du) + 1 + places))[:, :, None] * h)
    return total


def log_p_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """Sum over every word's path of `terms`, shape (batch, vocab)."""
    u, n = x["hidden"] @ x["table"].T, want["lengths"][:, None]
    du = DIM * (np.abs(x["hidden"]) @ np.abs(x["table"]).T)
    on = np.arange(want["points"].shape[1]) < n
    return (on * terms(u[:, want["points"]], du[:, want["points"]], n)).sum(axis=2)


CASES = [
    Case(
        name="hierarchical-softmax",
        claim="Hierarchical softmax: word2vec.c's Huffman tree, the loss, both gradients, and log p of every word.",
        cite="Morin and Bengio 2005; Rong 2014, section 3.1; word2vec.c, lines 207 to 270 and 505 to 519",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, "keras-tensorflow": run_keras},
        bounds={
            "codes": EXACT,
            "points": EXACT,
            "lengths": EXACT,
            "loss": Bound(
                1, "softplus: slope at most 1, so du = d sum |h| |v|; 2 K (|u| + 1) of its own; n terms", loss_scale
            ),
            "hidden gradient": Bound(1, "sum over the path of |v| (du / 4 + K + 1 + n)", hidden_scale),
            "table gradient": Bound(1, "sum over places of |h| (du / 4 + K + 2 + places)", table_scale),
            "log p": Bound(1, "as the loss, over every word's path", log_p_scale),
        },
        faults={
            "label is the code": Fault('label = (1 - codes[x["targets"]])', 'label = codes[x["targets"]]'),
            "padding of short paths counted": Fault(
                'on = x["hidden"], points[x["targets"]], counted[x["targets"]]',
                'on = x["hidden"], points[x["targets"]], True',
            ),
            "rarer node gets bit 1": Fault("enumerate((rare, common))", "enumerate((common, rare))"),
            "words before inner nodes among equal counts": Fault(
                "(int(n), 1, -word, [word])", "(int(n), -1, -word, [word])"
            ),
            "earlier words first among equal counts": Fault("1, -word, [word]", "1, word, [word]"),
            "path from the leaf, not from the root": Fault(
                "paths[word].insert(0, (bit, made))", "paths[word].append((bit, made))"
            ),
            "root left out": Fault(
                "np.arange(codes.shape[1]) < lengths[:, None]",
                "(np.arange(codes.shape[1]) < lengths[:, None]) & (points < len(points) - 2)",
            ),
            "table shifted by one node": Fault(
                'u = np.einsum("bd,bld->bl", h, x["table"][at])', 'u = np.einsum("bd,bld->bl", h, x["table"][at - 1])'
            ),
            "repeated nodes counted once": Fault(
                "np.add.at(table_gradient, at, error[:, :, None] * h[:, None, :])",
                "table_gradient[at] = error[:, :, None] * h[:, None, :]",
            ),
            "mean over the path": Fault("label) * u))).sum(axis=1)", "label) * u))).mean(axis=1)"),
            "nodes past 6 skipped, as by a table": Fault("error = on * (", "error = on * (np.abs(u) < 6) * ("),
            "branches swapped in log p": Fault(
                "np.where(codes == 1, -every, every)", "np.where(codes == 0, -every, every)"
            ),
        },
    )
]
