"""Exact training in plain NumPy: every model and every loss, one example after the other.

With h the mean of an example's context rows and u_j = v'_j . h over its keys j:

    negative sampling   E = log(1 + e^-u_o) + sum_k log(1 + e^u_k), noise k = o left out;  dE/du = sigmoid(u) - [j = o]
    tree                E = sum over the path of log(1 + e^((2 c - 1) u));                 dE/du = sigmoid(u) - (1 - c)
    full softmax        E = log sum_j e^u_j - u_o;                                         dE/du = softmax(u) - [j = o]

    v'_j -= rate dE/du_j h;   each context row -= rate share sum_j dE/du_j v'_j

where share is 1 / n for n context words, or 1 as word2vec.c has it.
"""

import heapq

import numpy as np

from tf_emb.parity.case import Arrays

LOSSES = ("negative-sampling", "hierarchical-softmax", "full-softmax")
FIRST = 64  # examples whose gradients are summed at the initial tables
Keys = tuple[np.ndarray, np.ndarray]


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Gradients of the first examples at the start, then the training: its losses, and both tables at the end."""
    loss, divided = LOSSES[int(x["loss"])], bool(x["divided"])
    start = x["initial input"], x["initial output"]
    every = all_keys(x, loss)
    out = dict(zip(("input gradient", "output gradient"), gradients(x, every, loss, divided), strict=True))
    inputs, outputs = (table.copy() for table in start)
    losses = np.zeros(len(x["target"]), inputs.dtype)
    for p, (keys, label) in enumerate(every):
        ids = x["context"][p][x["context"][p] >= 0]
        losses[p], of_rows, of_keys = slopes(inputs, outputs, ids, keys, label, loss, divided)
        np.subtract.at(inputs, ids, x["rate"][p] * of_rows)
        np.subtract.at(outputs, keys, x["rate"][p] * of_keys)
    return out | {"loss": losses, "input": inputs, "output": outputs}


def gradients(x: Arrays, every: list[Keys], loss: str, divided: bool) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the summed loss of the first examples with respect to the initial tables, dense."""
    inputs, outputs = np.zeros_like(x["initial input"]), np.zeros_like(x["initial output"])
    for p, (keys, label) in enumerate(every[:FIRST]):
        ids = x["context"][p][x["context"][p] >= 0]
        tables = x["initial input"], x["initial output"]
        _, of_rows, of_keys = slopes(*tables, ids, keys, label, loss, divided)
        np.add.at(inputs, ids, of_rows)
        np.add.at(outputs, keys, of_keys)
    return inputs, outputs


def slopes(
    inputs: np.ndarray,
    outputs: np.ndarray,
    ids: np.ndarray,
    keys: np.ndarray,
    label: np.ndarray,
    loss: str,
    divided: bool,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the loss of an example, the gradient of each of its context rows, and of each key's row."""
    hidden = inputs[ids].sum(axis=0) / len(ids)
    u = outputs[keys] @ hidden
    if loss == "full-softmax":
        nats = np.log(np.exp(u - u.max()).sum()) + u.max() - label @ u
        error = np.exp(u - u.max()) / np.exp(u - u.max()).sum() - label
    else:
        nats = np.log1p(np.exp((1 - 2 * label) * u)).sum()
        error = 1 / (1 + np.exp(-u)) - label
    of_hidden = error @ outputs[keys]
    share = 1 / len(ids) if divided else 1
    return nats, of_hidden * share, error[:, None] * hidden


def all_keys(x: Arrays, loss: str) -> list[Keys]:
    """Of every example the rows of the output table and their labels, in the dtype of the tables."""
    dtype, vocab = x["initial output"].dtype, len(x["counts"])
    if loss == "full-softmax":
        return [(np.arange(vocab), (np.arange(vocab) == target).astype(dtype)) for target in x["target"]]
    if loss == "hierarchical-softmax":
        paths = tree(x["counts"])
        return [(paths[target][1], (1 - paths[target][0]).astype(dtype)) for target in x["target"]]
    found = []
    for target, noise in zip(x["target"], x["noise"], strict=True):
        keys = np.array([target, *(word for word in noise if word != target)])
        found.append((keys, (np.arange(len(keys)) == 0).astype(dtype)))
    return found


def tree(counts: np.ndarray) -> list[np.ndarray]:
    """Codes and nodes of each word's path in word2vec.c's tree, shape (2, length)."""
    heap = [(int(n), 1, -word, [word]) for word, n in enumerate(counts)]
    heapq.heapify(heap)
    paths: list[list[tuple[int, int]]] = [[] for _ in counts]
    for made in range(len(counts) - 1):
        rare, common = heapq.heappop(heap), heapq.heappop(heap)
        for bit, node in enumerate((rare, common)):
            for word in node[3]:
                paths[word].insert(0, (bit, made))
        heapq.heappush(heap, (rare[0] + common[0], 0, made, rare[3] + common[3]))
    return [np.array(path).T for path in paths]
