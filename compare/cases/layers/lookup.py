"""Lookup: `tf_emb.layers.Embedding` beside `torch.nn.Embedding`, and both beside one-hot vectors."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from compare.cases import text
from compare.cases.layers.embedding_options import reads_zeros
from tf_emb.parity.case import EXACT, Arrays, Bound, Case, Fault
from tf_emb.parity.dtypes import DTYPES, LOW, WIDE
from tf_emb.parity.engines import KERAS


def torch_embedding(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.nn.Embedding with a dense gradient."""
    import torch

    padding = x["padding_idx"] if x["padding_idx"] >= 0 else None
    layer = torch.nn.Embedding.from_pretrained(x["table"].clone(), freeze=False, padding_idx=padding)
    return _torch_gradients(lambda: layer(x["ids"]), layer.weight, x)


def keras_embedding(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.layers.Embedding on whichever backend runs."""
    from tf_emb.layers import Embedding

    padding = x["padding_idx"] if x["padding_idx"] >= 0 else None
    layer = Embedding(*x["table"].shape, padding_idx=padding, dtype=dtype_of(x))
    layer.build()
    return _gradients(layer, layer.embeddings, x)


def torch_one_hot(x: Mapping[str, Any]) -> dict[str, Any]:
    """torch.nn.Linear(bias=False) on one_hot vectors; its weight is the transposed table."""
    import torch

    vocab, dim = x["table"].shape
    layer = torch.nn.Linear(vocab, dim, bias=False, dtype=x["table"].dtype, device=x["table"].device)
    layer.weight.data = x["table"].T.contiguous()

    def forward() -> Any:
        return layer(torch.nn.functional.one_hot(x["ids"], vocab).to(x["table"].dtype))

    lookup = torch.nn.Embedding.from_pretrained(x["table"].clone(), freeze=False)
    return _torch_gradients(forward, layer.weight, x, lambda gradient: gradient.T) | {
        "cost:one-hot": lambda: forward().backward(x["upstream"]),
        "cost:lookup": lambda: lookup(x["ids"]).backward(x["upstream"]),
    }


def _torch_gradients(forward: Any, weight: Any, x: Mapping[str, Any], upright: Any = lambda of: of) -> dict[str, Any]:
    out = {}
    for name, upstream in UPSTREAMS.items():
        weight.grad = None
        out["forward"] = forward()
        out["forward"].backward(x[upstream])
        out[name] = upright(weight.grad)
    return out


def keras_one_hot(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.layers.OneHotDense on whichever backend runs."""
    from tf_emb.layers import OneHotDense

    layer = OneHotDense(*x["table"].shape, dtype=dtype_of(x))
    layer.build()
    return _gradients(layer, layer.kernel, x)


def timed_one_hot(x: Mapping[str, Any]) -> dict[str, Any]:
    """The same on TensorFlow, and what its step costs beside that of a lookup, both in a tf.function."""
    import tensorflow as tf

    from tf_emb.layers import Embedding, OneHotDense

    def cost(layer: Any) -> Any:
        layer.build()

        def step() -> Any:
            with tf.GradientTape() as tape:
                rows = layer(x["ids"])
            return tape.gradient(rows, layer.trainable_weights[0].value, x["upstream"])

        return tf.function(step)

    timed = {"one-hot": OneHotDense, "lookup": Embedding}
    costs = {f"cost:{name}": cost(kind(*x["table"].shape, dtype=dtype_of(x))) for name, kind in timed.items()}
    return keras_one_hot(x) | costs


def paddle_embedding(x: Mapping[str, Any]) -> dict[str, Any]:
    """paddle.nn.functional.embedding with a dense gradient."""
    from paddle.nn.functional import embedding

    padding = x["padding_idx"] if x["padding_idx"] >= 0 else None
    return _paddle_gradients(lambda table: embedding(x["ids"], table, padding_idx=padding), x)


def paddle_one_hot(x: Mapping[str, Any]) -> dict[str, Any]:
    """A product of one-hot vectors with the table."""
    from paddle.nn.functional import linear, one_hot

    return _paddle_gradients(lambda table: linear(one_hot(x["ids"], table.shape[0]).astype(table.dtype), table), x)


def _paddle_gradients(forward: Any, x: Mapping[str, Any]) -> dict[str, Any]:
    import paddle

    out = {}
    for name, upstream in UPSTREAMS.items():
        table = x["table"].clone()
        table.stop_gradient = False
        out["forward"] = forward(table)
        paddle.autograd.backward([out["forward"]], [x[upstream]])
        out[name] = table.grad
    return out


def dtype_of(x: Mapping[str, Any]) -> str:
    """The dtype under test."""
    import keras

    return keras.backend.standardize_dtype(x["table"].dtype)


def _gradients(layer: Any, table: Any, x: Mapping[str, Any]) -> dict[str, Any]:
    from tf_emb.parity.engines.pullback import pull_back

    table.assign(x["table"])
    out = {}
    for name, upstream in UPSTREAMS.items():
        out["forward"], (out[name],) = pull_back(layer, [table], x[upstream], x["ids"])
    return out


VOCAB, DIM = 500, 24
UPSTREAMS = {"gradient": "upstream", "gradient, integers": "upstream_integers"}


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Ids of real text, most of them repeated; two upstream gradients, one of them of small integers."""
    ids = text.passage(rng, 400, VOCAB).reshape(20, 20)
    ids[:, 15:] = 7  # what a batch of sentences looks like: padded at the end
    return {
        "table": rng.normal(size=(VOCAB, DIM)),
        "ids": ids,
        "padding_idx": np.array(7),
        "upstream": rng.normal(size=(*ids.shape, DIM)),
        # Sums of small integers are exact in every order, so this gradient must agree to the bit.
        "upstream_integers": rng.integers(-8, 9, (*ids.shape, DIM)).astype(np.float64),
    }


def draw_unpadded(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The same, with no padding row: padding_idx = -1 names none of the ids."""
    return draw(rng) | {"padding_idx": np.array(-1)}


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """forward = table[ids]; the gradient of a row is the sum over its places, 0 for the padding row."""
    return {
        "forward": x["table"][x["ids"]],
        "gradient": gradient(x, x["upstream"]),
        "gradient, integers": gradient(x, x["upstream_integers"]),
    }


def gradient(x: Arrays, upstream: np.ndarray) -> np.ndarray:
    """Scatter-add of `upstream` by id, without the places of the padding id."""
    live = x["ids"] != x["padding_idx"]
    total = np.zeros_like(x["table"])
    np.add.at(total, x["ids"][live], upstream[live])
    return total


def repeats(x: Arrays) -> np.ndarray:
    """Additions into each row: its places less one, none for the padding row. Shape (vocab, 1)."""
    hits = np.bincount(x["ids"].ravel(), minlength=len(x["table"]))
    if x["padding_idx"] >= 0:
        hits[x["padding_idx"]] = 0
    return np.maximum(hits - 1, 0)[:, None]


def magnitude(x: Arrays, want: Arrays) -> np.ndarray:
    """Sum of |upstream| into each row."""
    return gradient(x, np.abs(x["upstream"]))


BOUNDS = {
    "forward": EXACT,
    "gradient": Bound(
        repeats, "a row looked up c times is a sum of c terms: gamma(c - 1) sum |g|, in any order", magnitude
    ),
    "gradient, integers": Bound(
        0, "sums of integers are exact in every order up to 2^p: 256 with the 8 bits of bfloat16"
    ),
}
# Where the padding row is summed too its 100 integers may add up to more than bfloat16 counts to.
ONE_HOT_BOUNDS = BOUNDS | {"gradient, integers": replace(BOUNDS["gradient, integers"], at=(*WIDE, "float16"))}
FAULTS = {
    "off by one": Fault('x["table"][x["ids"]]', 'x["table"][x["ids"] - 1]'),
    "repeated ids counted once": Fault(
        'np.add.at(total, x["ids"][live], upstream[live])', 'total[x["ids"][live]] = upstream[live]'
    ),
    "wrong sign": Fault("upstream[live])", "-upstream[live])"),
    "mean over places": Fault("return total", "return total / np.maximum(repeats(x), 1)"),
}
PADDLE = reads_zeros('"forward": x["table"][x["ids"]]')
PADDING_FAULTS = {
    "padding row gets a gradient": Fault('x["ids"] != x["padding_idx"]', 'x["ids"] != -1'),
    "row after the padding frozen": Fault('!= x["padding_idx"]', '!= x["padding_idx"] + 1'),
    "padding reads as zero": Fault(PADDLE.old, PADDLE.new),
}

CASES = [
    Case(
        name="lookup",
        claim="A lookup returns rows as they are stored; a row's gradient is the sum over its places, and 0 "
        "for the padding row.",
        cite="torch.nn.Embedding (weight, padding_idx); docs/parity.md",
        inputs=draw,
        oracle=oracle,
        impls={"torch": torch_embedding, **dict.fromkeys(KERAS, keras_embedding), "paddle": paddle_embedding},
        bounds=BOUNDS,
        faults={**FAULTS, **PADDING_FAULTS},
        diverges={"paddle": PADDLE},
        quick=True,
        dtypes=DTYPES,
    ),
    Case(
        name="one-hot",
        claim="An embedding is a bias-free linear layer on one-hot vectors: same value, same gradient.",
        cite="x = onehot(i): W^T x = W[i], dE/dW = x (dE/dh)^T",
        inputs=draw_unpadded,
        oracle=oracle,
        impls={
            "torch": torch_one_hot,
            **dict.fromkeys(KERAS, keras_one_hot),
            "keras-tensorflow": timed_one_hot,
            "paddle": paddle_one_hot,
        },
        bounds=ONE_HOT_BOUNDS,
        faults=FAULTS,
        cost=("one-hot", "lookup"),
        lacks={"paddle": LOW},  # on CPU it multiplies no matrices there
        dtypes=DTYPES,
    ),
]
