"""Codes by first appearance, one-hot vectors, and vectors of features: the arithmetic of the source notes."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from compare.cases import text
from tf_emb.parity.case import EXACT, Arrays, Bound, Case, Fault
from tf_emb.parity.engines import KERAS

LENGTH, DIM = 300, 12


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A passage of real text, whose tokens are arbitrary numbers; a table by code; the notes' two words and more."""
    tokens = text.passage(rng, LENGTH)
    size = len(np.unique(tokens))
    told = [[1.0, 0.25, 1.0], [0.6, 0.75, 1.0]]  # 公主 and 王妃, by 皇帝, 宫里 and 女
    return {
        "tokens": tokens,
        "table": rng.normal(size=(size, DIM)),
        # Sums of small integers are exact in every order.
        "upstream": rng.integers(-8, 9, (LENGTH, DIM)).astype(np.float64),
        "weights": np.concatenate([told, rng.uniform(0.1, 1, (6, 3))]),
        "features": rng.normal(size=(3, DIM)),
        "feature upstream": rng.normal(size=(8, DIM)),
    }


def oracle(x: Arrays) -> dict[str, np.ndarray]:
    """code = 1 + rank of the token's first place; x W; x^T dE/dh; word = sum_f w_f f; halves; target / source."""
    _, places, distinct = np.unique(x["tokens"], return_index=True, return_inverse=True)
    rank = np.empty(len(places), np.int64)
    rank[np.argsort(places)] = np.arange(1, len(places) + 1)
    codes = rank[distinct]
    hot = np.zeros((len(codes), len(places)), x["table"].dtype)
    hot[np.arange(len(codes)), codes - 1] = 1
    gradient = np.zeros_like(x["table"])
    np.add.at(gradient, codes - 1, x["upstream"])
    w = x["weights"]
    return {
        "codes": codes,
        "one-hot": hot,
        "dense": x["table"][codes - 1],
        "table gradient": gradient,
        "words": np.einsum("wf,fd->wd", w, x["features"]),
        "feature gradient": np.einsum("wf,wd->fd", w, x["feature upstream"]),
        "characters": np.repeat(w, 2, axis=0) / 2,
        "scales": w[1:] / w[:-1],
    }


def run_torch(x: Mapping[str, Any]) -> dict[str, Any]:
    """one_hot and two bias-free linear maps under autograd; the codes from comparisons of all pairs of places."""
    import torch
    from torch.nn.functional import one_hot

    first = (x["tokens"][:, None] == x["tokens"][None, :]).int().argmax(1)
    codes = torch.unique(first, sorted=True, return_inverse=True)[1] + 1
    table, features = (x[name].clone().requires_grad_() for name in ("table", "features"))
    hot = one_hot(codes - 1, len(table)).to(table.dtype)
    h, words = hot @ table, x["weights"] @ features
    h.backward(x["upstream"])
    words.backward(x["feature upstream"])
    return {
        "codes": codes,
        "one-hot": hot,
        "dense": h,
        "table gradient": table.grad,
        "words": words,
        "feature gradient": features.grad,
        "characters": (x["weights"] / 2).repeat_interleave(2, 0),
        "scales": x["weights"][1:] / x["weights"][:-1],
    }


def run_keras(x: Mapping[str, Any]) -> dict[str, Any]:
    """tf_emb.methods.encodings, and for gradients the layer that is the same product."""
    import keras

    from tf_emb.layers import OneHotDense
    from tf_emb.methods.encodings import characters, dense, integer_encode, one_hot, scales
    from tf_emb.ops.reductions import product
    from tf_emb.parity.engines.pullback import pull_back
    from tf_emb.vectors import Vectors

    arrays = {name: keras.ops.convert_to_numpy(value) for name, value in x.items()}
    dtype = arrays["table"].dtype
    codes, tokens = integer_encode(arrays["tokens"].tolist())
    hot = one_hot(codes, len(tokens), first=1).astype(dtype)
    layer = OneHotDense(*arrays["table"].shape, dtype=dtype.name)
    layer.build()
    layer.kernel.assign(x["table"])
    _, (table_gradient,) = pull_back(layer, [layer.kernel], x["upstream"], keras.ops.convert_to_tensor(codes - 1))
    features = keras.Variable(x["features"], dtype=dtype.name)
    total = lambda weights: product(weights, features.value)  # noqa: E731
    _, (feature_gradient,) = pull_back(total, [features], x["feature upstream"], x["weights"])
    words = Vectors([f"{chr(97 + i)}w" for i in range(len(arrays["weights"]))], arrays["weights"], dtype=None)
    return {
        "codes": codes,
        "one-hot": hot,
        "dense": dense(hot, arrays["table"]),
        "table gradient": table_gradient,
        "words": dense(arrays["weights"], arrays["features"]),
        "feature gradient": feature_gradient,
        "characters": characters(words).matrix,
        "scales": np.stack([scales(words, a, b) for a, b in pairwise(words.labels)]),
    }


CASES = [
    Case(
        name="encodings",
        claim="Tokens are numbered by first appearance; a one-hot vector times a table is a row of it; features add "
        "up to words, halve into characters, and scale one word into another.",
        cite="the source notes' worked examples; tf_emb/methods/encodings.py",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, **dict.fromkeys(KERAS, run_keras)},
        bounds={
            "codes": EXACT,
            "one-hot": EXACT,
            "dense": Bound(0, "one product with 1 and additions of 0: nothing rounds"),
            "table gradient": Bound(0, "sums of integers are exact in every order up to 2^24"),
            "words": Bound(3, "a sum of three products: gamma(3) sum |w f|",
                           lambda x, want: np.abs(x["weights"]) @ np.abs(x["features"])),
            "feature gradient": Bound(8, "a sum of eight products: gamma(8) sum |w g|",
                                      lambda x, want: np.abs(x["weights"]).T @ np.abs(x["feature upstream"])),
            "characters": Bound(0, "halving changes the exponent alone"),
            "scales": Bound(1, "one division: u of the value", lambda x, want: np.abs(want["scales"])),
        },
        faults={
            "codes in the order of the tokens": Fault("codes = rank[distinct]", "codes = distinct + 1"),
            "codes from 0": Fault("np.arange(1, len(places) + 1)", "np.arange(len(places))"),
            "the 1 a column too early": Fault("(len(codes)), codes - 1]", "(len(codes)), codes - 2]"),
            "row of the next code": Fault('x["table"][codes - 1]', 'x["table"][codes - 2]'),
            "repeated codes counted once": Fault('np.add.at(gradient, codes - 1, x["upstream"])',
                                                 'gradient[codes - 1] = x["upstream"]'),
            "features in reverse": Fault('w, x["features"]', 'w[:, ::-1], x["features"]'),
            "gradient by words instead of features": Fault('"wf,wd->fd", w,', '"wf,wd->fd", w[::-1],'),
            "characters hold the whole word": Fault("axis=0) / 2", "axis=0)"),
            "scaled the other way": Fault("w[1:] / w[:-1]", "w[:-1] / w[1:]"),
        },
        quick=True,
    )
]  # fmt: skip
