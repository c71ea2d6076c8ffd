"""A step by blocks in plain loops.

Skip-gram, of every pair (t, m) in the windows: -log sigmoid(v'_m . v_t), and K / S times -log sigmoid(-v'_s . v_t) for
each of the S noise words of the block. CBOW, of every centre t with a context of n words: the same with their mean for
v_t, and t for m, once a centre. Then each row moves against its gradient, by min(1, limit / places) of it, where its
places are the columns of the step in which it stands (a place without a word stands for word 0).
"""

from collections.abc import Iterator

import numpy as np

from tf_emb.parity.case import Arrays

# Rows of the input table whose mean is h, row of the output table, 1 or -1, and weight.
Term = tuple[list[int], int, int, float]


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Loss, count, dense gradients, and tables after the step."""
    inputs, outputs = x["input table"], x["output table"]
    of_inputs, of_outputs = np.zeros_like(inputs), np.zeros_like(outputs)
    loss = descend(x, of_inputs, of_outputs)
    return {
        "loss": np.array([loss], inputs.dtype),
        "count": np.array([count(x)]),
        "input gradient": of_inputs,
        "output gradient": of_outputs,
        "input": inputs - steps(x, of_inputs, *places(x)[0]),
        "output": outputs - steps(x, of_outputs, *places(x)[1]),
    }


def descend(x: Arrays, of_inputs: np.ndarray, of_outputs: np.ndarray) -> float:
    """Add the gradient of every term; return the sum of the terms."""
    losses = []
    for context, target, sign, weight in terms(x):
        rows, row = x["input table"][context], x["output table"][target]
        hidden = rows.sum(axis=0) / len(rows)
        u = sign * (row @ hidden)
        losses.append(weight * np.log1p(np.exp(-u)))
        error = -sign * weight / (1 + np.exp(u))
        of_outputs[target] += error * hidden
        for word in context:
            of_inputs[word] += error * row if x["undivided"] else error * row / len(context)
    return sum(losses)


def terms(x: Arrays) -> Iterator[Term]:
    """Every logistic term of the loss."""
    share = x["negatives"] / x["noise"].shape[1]
    for b, center, around in windows(x):
        noise, cbow = x["noise"][b], bool(x["cbow"])
        for target in [center] if cbow else around:
            context = around if cbow else [center]
            yield context, target, 1, 1.0
        times = 1 if cbow else len(around)
        for s in noise:
            context = around if cbow else [center]
            sign, weight = (-1, share)
            yield context, s, sign, weight * times


def windows(x: Arrays) -> Iterator[tuple[int, int, list[int]]]:
    """Block, centre and context of every centre that has one."""
    window, (blocks, block) = int(x["window"]), x["radius"].shape
    for b in range(blocks):
        for t in range(block):
            p, radius = t + window, x["radius"][b, t]
            around = []
            for m in range(p - radius, p + radius + 1):
                ahead = m > p if x["forward"] else m != p
                if ahead and x["keys"][b, m] >= 0 and x["sentence"][b, m] == x["sentence"][b, p]:
                    around.append(int(x["keys"][b, m]))
            if x["keys"][b, p] >= 0 and around:
                yield b, int(x["keys"][b, p]), around


def count(x: Arrays) -> int:
    """Pairs, or centres with a context."""
    return sum(1 if x["cbow"] else len(around) for _, _, around in windows(x))


def places(x: Arrays) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Ids at the places of the input table and of the output table, each as words and noise."""
    window = int(x["window"])
    words, nothing = np.maximum(x["keys"], 0), np.zeros(0, np.int32)
    centers = words[:, window:-window]
    if x["cbow"]:
        return (words, nothing), (centers, x["noise"])
    return (centers, nothing), (words, x["noise"])


def steps(x: Arrays, gradient: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """What is subtracted from each row."""
    ids = np.concatenate([left.ravel(), right.ravel()])
    counts, limit = np.bincount(ids, minlength=len(gradient)), x["limit"]
    scale = np.minimum(1.0, limit / np.maximum(counts, 1))
    return (x["rate"] * scale).astype(gradient.dtype)[:, None] * gradient
