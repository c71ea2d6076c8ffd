"""Hierarchical softmax over a Huffman tree of real counts: the tree, losses, gradients, all probabilities.

E = -sum over the path of log sigmoid((1 - 2 c) u), u = v'_n . h; dE/du = sigmoid(u) - (1 - c). Morin and
Bengio 2005; Rong 2014, section 3.1. The tree is word2vec.c's (tmikolov/word2vec, 20c129a, lines 207 to 270).

Three programs build the tree: the oracle with a heap, the torch engine as word2vec.c is written, tf_emb as it does.
"""

import heapq
from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases import text
from tf_emb.parity.case import EXACT, Arrays, Case, Fault, running
from tf_emb.parity.dtypes import DTYPES
from tf_emb.parity.engines import KERAS
from tf_emb.parity.rounding import Rounded, contract, scatter_add

VOCAB, DIM, BATCH = 300, 8, 96


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Counts and consecutive words of real text, so targets repeat; hidden vectors and a table as if trained.

    One vector takes the wrong branch all along its path: its loss is large beside what rounding at 8 bits explains.
    """
    counts, targets = text.vocabulary(VOCAB).counts, text.passage(rng, BATCH, VOCAB)
    hidden, table = rng.normal(size=(BATCH, DIM)), rng.normal(size=(VOCAB - 1, DIM))
    codes, points, lengths = (of[targets[0]] for of in tree(counts))
    wrong = (2.0 * codes - 1)[:lengths] @ table[points[:lengths]]
    hidden[0] = 3 * wrong / np.sqrt((wrong**2).mean())
    return {"counts": counts, "targets": targets, "hidden": hidden, "table": table}


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """The tree, the losses of the targets, the gradients of their sum, and log p of every word."""
    codes, points, lengths = tree(x["counts"])
    counted = np.arange(codes.shape[1]) < lengths[:, None]
    h, at, on = x["hidden"], points[x["targets"]], counted[x["targets"]]
    label = (1 - codes[x["targets"]]).astype(h.dtype)
    u = np.einsum("bd,bld->bl", h, x["table"][at])
    loss = (on * np.logaddexp(0, (1 - 2 * label) * u)).sum(axis=1)
    error = on * (1 / (1 + np.exp(-u)) - label)
    table_gradient = np.zeros_like(x["table"])
    np.add.at(table_gradient, at, error[:, :, None] * h[:, None, :])
    every = (h @ x["table"].T)[:, points]
    downhill = np.where(codes == 1, -every, every)
    return {
        "codes": codes,
        "points": points,
        "lengths": lengths,
        "loss": loss,
        "hidden gradient": np.einsum("bl,bld->bd", error, x["table"][at]),
        "table gradient": table_gradient,
        "log p": -(counted * np.logaddexp(0, -downhill)).sum(axis=2),
    }


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
        "codes": codes,
        "points": points,
        "lengths": lengths,
        "loss": loss,
        "hidden gradient": h.grad,
        "table gradient": table.grad,
        "log p": log_p,
    }


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
    """tf_emb's huffman, and its HierarchicalSoftmax on whichever backend runs."""
    import keras

    from tf_emb.layers import HierarchicalSoftmax, huffman
    from tf_emb.parity.engines.pullback import evaluate, pull_back

    dtype, counts = keras.backend.standardize_dtype(x["table"].dtype), keras.ops.convert_to_numpy(x["counts"])
    codes, points, lengths = huffman(counts)
    layer = HierarchicalSoftmax(counts, dtype=dtype)
    layer.build((None, DIM))
    layer.embeddings.assign(x["table"])
    hidden = keras.Variable(x["hidden"], dtype=dtype)
    loss, (hidden_gradient, table_gradient) = pull_back(
        lambda targets: layer.loss(hidden.value, targets), [hidden, layer.embeddings], None, x["targets"]
    )
    return {
        "codes": codes,
        "points": points,
        "lengths": lengths,
        "loss": loss,
        "hidden gradient": hidden_gradient,
        "table gradient": table_gradient,
        "log p": evaluate(layer.log_probabilities, x["hidden"]),
    }


def envelope(x: Arrays, u: float) -> Arrays:
    """The oracle again, in numbers that carry the error of every operation; the tree itself has none."""
    h, table = (Rounded.exact(x[name], u) for name in ("hidden", "table"))
    codes, points, lengths = tree(x["counts"])
    on, sign = np.arange(codes.shape[1]) < lengths[:, None], 2.0 * codes - 1
    of = x["targets"]
    logits = contract("bd,bld->bl", h, table[points[of]])
    error = (logits.sigmoid() - (1.0 - codes[of])).where(on[of])
    every = contract("bd,nd->bn", h, table)[:, points]
    return {
        "loss": (logits * sign[of]).softplus().where(on[of]).sum(axis=1).error,
        "hidden gradient": contract("bl,bld->bd", error, table[points[of]]).error,
        "table gradient": scatter_add(VOCAB - 1, points[of], error[:, :, None] * h[:, None, :], on[of]).error,
        "log p": (every * sign).softplus().where(np.broadcast_to(on, every.value.shape)).sum(axis=2).error,
    }


WHY = "running error analysis (tf_emb/parity/rounding.py): {}"
CASES = [
    Case(
        name="hierarchical-softmax",
        claim="Hierarchical softmax: word2vec.c's Huffman tree, the loss, both gradients, and log p of every word.",
        cite="Morin and Bengio 2005; Rong 2014, section 3.1; word2vec.c, lines 207 to 270 and 505 to 519",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, **dict.fromkeys(KERAS, run_keras)},
        bounds={
            "codes": EXACT,
            "points": EXACT,
            "lengths": EXACT,
            "loss": running(WHY.format("softplus has slope at most 1, 2 K (|u| + 1) of its own; a sum along the path")),
            "hidden gradient": running(WHY.format("sigmoid has slope at most 1/4, K of its own; a sum along the path")),
            "table gradient": running(WHY.format("the same error times h, and c - 1 additions into a node's row")),
            "log p": running(WHY.format("as the loss, along every word's path")),
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
            "mean over the path": Fault("label) * u)).sum(axis=1)", "label) * u)).mean(axis=1)"),
            "nodes past 6 skipped, as by a table": Fault("error = on * (", "error = on * (np.abs(u) < 6) * ("),
            "branches swapped in log p": Fault(
                "np.where(codes == 1, -every, every)", "np.where(codes == 0, -every, every)"
            ),
        },
        envelope=envelope,
        quick=True,
        dtypes=DTYPES,
    )
]
