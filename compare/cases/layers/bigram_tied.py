"""A softmax over the rows of the embedding itself: one table, read by id and multiplied, and one summed gradient.

h = W[i];  u = W h;  E = -log softmax(u)_j;  e = y - t;
dE/dW = e h^T + sum over the places of i of W^T e, and 0 for the
padding row, in both parts. Then one step of Adagrad, a += g^2, W -= r g / sqrt(a), in which the two parts must be one.
Press & Wolf 2017, "Using the Output Embedding to Improve Language Models".
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.cases import parameters
from compare.cases.layers import bigram
from compare.cases.layers.bigram import BATCH, DIM, VOCAB
from tf_emb.parity.case import EXACT, Arrays, Bound, Case, Fault
from tf_emb.parity.engines import KERAS

START = 0.5  # of the accumulator


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Neighbouring words of real text; the padding row is one that is read, more often than once, and predicted."""
    x = bigram.draw(rng)
    ids, counts = np.unique(x["center"], return_counts=True)
    padding = int(ids[np.argmax(counts)])
    x["target"][:2] = padding
    return {
        **{name: x[name] for name in ("table", "center", "target")},
        **parameters({"padding": padding, "rate": 0.3, "start": START}),
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """Losses are summed; both uses of the table, then the step."""
    W = x["table"]
    h = W[x["center"]]
    u = h @ W.T
    shifted = u - u.max(axis=1, keepdims=True)
    y = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    t = np.zeros_like(u)
    t[np.arange(len(h)), x["target"]] = 1
    e = y - t
    E = np.log(np.exp(shifted).sum(axis=1)) - (shifted * t).sum(axis=1)
    read = np.zeros_like(W)
    np.add.at(read, x["center"], e @ W)
    multiplied = e.T @ h
    read[x["padding"]] = 0
    multiplied[x["padding"]] = 0
    gradient = read + multiplied
    accumulator = W.dtype.type(x["start"]) + gradient**2
    stepped = W - W.dtype.type(x["rate"]) * gradient / np.sqrt(accumulator)
    return {"h": h, "u": u, "E": E, "dE/dW": gradient, "accumulator": accumulator, "stepped": stepped}


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """nn.Embedding and nn.Linear with one weight; PyTorch's own padding stops the gradient of the first use only."""
    import torch

    vocab, dim = x["table"].shape
    embedding = torch.nn.Embedding(vocab, dim, padding_idx=x["padding"], _weight=x["table"].clone())
    decoder = torch.nn.Linear(dim, vocab, bias=False)
    decoder.weight = embedding.weight
    h = embedding(x["center"])
    u = decoder(h)
    E = torch.nn.functional.cross_entropy(u, x["target"], reduction="none")
    E.sum().backward()
    assert embedding.weight.grad is not None
    embedding.weight.grad[x["padding"]] = 0
    gradient = embedding.weight.grad.clone()
    optimizer = torch.optim.Adagrad([embedding.weight], x["rate"], initial_accumulator_value=x["start"], eps=0)
    optimizer.step()
    accumulator = optimizer.state[embedding.weight]["sum"]
    return {"h": h, "u": u, "E": E, "dE/dW": gradient, "accumulator": accumulator, "stepped": embedding.weight}


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb's Embedding and FullSoftmax on whichever backend runs; the gradient goes to the optimizer as it comes."""
    import keras

    from tf_emb.layers import Embedding, FullSoftmax
    from tf_emb.parity.engines.pullback import evaluate, pull_back

    table = keras.ops.convert_to_numpy(x["table"])
    embedding = Embedding(VOCAB, DIM, weights=table, padding_idx=x["padding"], dtype=table.dtype.name)
    softmax = FullSoftmax(tied_to=embedding, dtype=table.dtype.name)
    E, (gradient,) = pull_back(
        lambda center, target: softmax.loss(embedding(center), target),
        [embedding.embeddings],
        None,
        x["center"],
        x["target"],
    )
    h = evaluate(embedding, x["center"])
    u = evaluate(softmax, h)
    optimizer = keras.optimizers.Adagrad(x["rate"], initial_accumulator_value=x["start"], epsilon=0)
    optimizer.build([embedding.embeddings])
    optimizer.apply([gradient])
    accumulator = optimizer.variables[-1]
    return {"h": h, "u": u, "E": E, "dE/dW": gradient, "accumulator": accumulator, "stepped": embedding.embeddings}


# The errors of u, e and E are those of the case `bigram`, whose kernel is now the table.
def as_bigram(x: Arrays, want: Arrays) -> tuple[Arrays, Arrays]:
    """Return the inputs and outputs that the bounds of `bigram` read."""
    e = np.exp(want["u"] - want["u"].max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    target = np.zeros_like(y)
    target[np.arange(BATCH), x["target"]] = 1
    return {**x, "kernel": x["table"].T}, {**want, "y": y, "e": y - target}


def gradient_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """The two parts as in `bigram`, and one addition; nothing at the padding row."""
    x, want = as_bigram(x, want)
    e, h = np.abs(want["e"]), np.abs(want["h"])
    read = np.zeros_like(want["dE/dW"])
    np.add.at(read, x["center"], e @ np.abs(x["table"]))
    total = bigram.kernel_scale(x, want).T + bigram.table_scale(x, want) + e.T @ h + read
    total[x["padding"]] = 0
    return total


def accumulator_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """2 |g| dg, the rounding of the square, and that of the sum."""
    g = np.abs(want["dE/dW"])
    return 2 * g * gradient_scale(x, want) + g**2 + want["accumulator"]


def step_scale(x: Arrays, want: Arrays) -> np.ndarray:
    """g / sqrt(s + g^2) has slope s / a^1.5, at most 1 / sqrt(s); six roundings of the step, and one of W - step.

    The six: the square and the sum under the root, of which the root halves both, the root, the quotient or the
    reciprocal and a product, and the product with the rate, itself rounded.
    """
    step = np.abs(x["rate"] * want["dE/dW"]) / np.sqrt(want["accumulator"])
    return x["rate"] * gradient_scale(x, want) / np.sqrt(x["start"]) + 6 * step + np.abs(want["stepped"])


CASE = Case(
    name="tied-softmax",
    claim="FullSoftmax(tied_to=embedding) has the summed gradient of both uses of the table, none at the padding row.",
    cite="Press & Wolf 2017; Rong 2014, word2vec Parameter Learning Explained, equations 1 to 15",
    inputs=draw,
    oracle=oracle,
    impls={"torch": run_torch, **dict.fromkeys(KERAS, run_keras)},
    bounds={
        "h": EXACT,
        "u": Bound(1, "a dot product of d terms", lambda x, want: bigram.logit_error(*as_bigram(x, want))),
        "E": Bound(1, "as in the case `bigram`", lambda x, want: bigram.loss_scale(*as_bigram(x, want))),
        "dE/dW": Bound(1, "both parts as in `bigram`, and the addition", gradient_scale),
        "accumulator": Bound(1, "2 |g| dg + g^2 + a", accumulator_scale),
        "stepped": Bound(1, "r dg / sqrt(start), six roundings of the step, one of the row", step_scale),
    },
    faults={
        "only the lookup's gradient": Fault("gradient = read + multiplied", "gradient = read"),
        "only the product's gradient": Fault("gradient = read + multiplied", "gradient = multiplied"),
        "the two parts squared apart": Fault("+ gradient**2", "+ read**2 + multiplied**2"),
        "the product moves the padding row": Fault('    multiplied[x["padding"]] = 0\n', ""),
        "the lookup moves the padding row": Fault('    read[x["padding"]] = 0\n', ""),
        "the padding row has no logit": Fault(
            "u = h @ W.T", 'u = h @ np.where(np.arange(len(W))[:, None] == x["padding"], 0, W).T'
        ),
        "repeated ids counted once": Fault('np.add.at(read, x["center"], e @ W)', 'read[x["center"]] = e @ W'),
        "the product's gradient by the places": Fault("e.T @ h", "y.T @ h"),
        "a mean over the batch": Fault("gradient = read + multiplied", "gradient = read + multiplied / len(h)"),
    },
    quick=True,
)
CASES = [CASE]
