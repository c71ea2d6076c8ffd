"""BERT's encoder on real token ids: every layer from the same input, the whole forward pass, and vectors of sentences.

    h_0 = norm(token + position + segment);  a = norm(h + softmax(Q K^T / sqrt(d)) V O);  h' = norm(a + W gelu(V a))

A worst case grows by the product of the layers' norms. Each half of a layer is therefore also compared from an input
that is given, so that the claim about the tenth layer is as sharp as that about the first.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from compare.cases import parameters, text
from compare.cases.methods.text_encoder.engines import run_keras, run_torch
from compare.cases.methods.text_encoder.envelope import errors
from compare.cases.methods.text_encoder.oracle import attend, embed, feed_forward, oracle
from tf_emb.parity.case import Bound, Case, Fault, running
from tf_emb.parity.engines import KERAS

VOCAB, DIM, HEADS, INNER, LAYERS, BATCH, TIME, POSITIONS = 200, 12, 4, 20, 2, 4, 9, 11
LENGTHS = (9, 6, 9, 3)


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Sentences of different length, in two segments; epsilon so large that its place shows at float32 too."""
    mask = np.arange(TIME) < np.array(LENGTHS)[:, None]
    x = {
        "ids": np.where(mask, text.passage(rng, BATCH * TIME, VOCAB).reshape(BATCH, TIME), 0),
        "attention_mask": mask.astype(np.int64),
        "segments": (np.arange(TIME) >= np.array(LENGTHS)[:, None] // 2) * mask.astype(np.int64),
        **parameters({"layers": LAYERS, "heads": HEADS, "epsilon": 1e-2}),
    }
    return with_hidden(x | weights(rng))


def weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Normal, of a size that keeps every layer's output near 1, and attention far from uniform."""
    tables = {"word": VOCAB, "position": POSITIONS, "token_type": 2}
    out = {f"embeddings.{name}_embeddings.weight": rng.normal(size=(rows, DIM)) for name, rows in tables.items()}
    out |= norm(rng, "embeddings.LayerNorm")
    for i in range(LAYERS):
        at = f"encoder.layer.{i}."
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            out |= dense(rng, f"{at}attention.{name}", DIM, DIM)
        out |= dense(rng, f"{at}intermediate.dense", INNER, DIM) | dense(rng, f"{at}output.dense", DIM, INNER)
        out |= norm(rng, f"{at}attention.output.LayerNorm") | norm(rng, f"{at}output.LayerNorm")
    return out


def dense(rng: np.random.Generator, name: str, rows: int, columns: int) -> dict[str, np.ndarray]:
    """A matrix whose product with a vector of ones is of size 1, and a bias."""
    matrix = rng.normal(size=(rows, columns)) / np.sqrt(columns)
    return {f"{name}.weight": matrix, f"{name}.bias": rng.normal(size=rows) / 5}


def norm(rng: np.random.Generator, name: str) -> dict[str, np.ndarray]:
    """Factors about 1 and shifts about 0."""
    return {f"{name}.weight": 1 + rng.normal(size=DIM) / 5, f"{name}.bias": rng.normal(size=DIM) / 5}


def with_hidden(x: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Add the input of each half of a layer, and of the mean after them, as the oracle computes it.

    Rounded to float32, so that every dtype starts from the same numbers.
    """
    hidden = {"hidden 0": embed(x)}
    for i in range(int(x["layers"])):
        hidden[f"attended {i}"] = attend(x, i, hidden[f"hidden {i}"])
        hidden[f"hidden {i + 1}"] = feed_forward(x, i, hidden[f"attended {i}"])
    return {**x, **{name: h.astype(np.float32).astype(np.float64) for name, h in hidden.items()}}


WHY = (
    "running error analysis over {}: products gamma(n), softmax by the errors of its scores, gelu by its slope, norm "
    "by the errors of mean and variance, for every form in which programs write them (envelope.py)"
)
PLACES = range(1, LAYERS + 1)


def whole(what: str) -> Bound:
    """Return the bound of an output past several layers: at float32 the worst case outgrows the values."""
    return replace(running(WHY.format(what)), at=("float64",))


BOUNDS = {
    "embeddings": running(WHY.format("three lookups and a norm")),
    **{f"attention {i}, given its input": running(WHY.format("one softmax")) for i in PLACES},
    **{f"attended {i}, given its input": running(WHY.format("attention and a norm")) for i in PLACES},
    **{f"layer {i}, given attended": running(WHY.format("two products and a norm")) for i in PLACES},
    **{f"layer {i}, whole forward": whole("all layers so far") for i in PLACES},
    "sentence, given its input": running(WHY.format("a mean and a length")),
    "sentence, whole forward": whole("all layers, a mean and a length"),
}
CASES = [
    Case(
        name="text-encoder",
        claim="BERT's encoder: the embeddings, every layer, its attention, and the mean over the tokens.",
        cite="Vaswani et al. 2017, equation 1; Devlin et al. 2019, section 3; Reimers and Gurevych 2019, section 3",
        inputs=draw,
        oracle=oracle,
        impls={"torch": run_torch, **dict.fromkeys(KERAS, run_keras)},
        bounds=BOUNDS,
        faults={
            "mask ignored": Fault("!= 0, scores, -np.inf)", "!= 9, scores, -np.inf)"),
            "mask of queries": Fault('["attention_mask"][:, None, None, :]', '["attention_mask"][:, None, :, None]'),
            "scores not scaled": Fault("/ np.sqrt(h.dtype.type(q.shape[-1]))", "/ 1"),
            "scaled by the whole width": Fault("h.dtype.type(q.shape[-1])", "h.dtype.type(h.shape[-1])"),
            "softmax over queries": Fault("e / e.sum(axis=-1, keepdims=True)", "e / e.sum(axis=-2, keepdims=True)"),
            "heads interleaved": Fault(
                'a.reshape(*a.shape[:2], int(x["heads"]), -1)',
                'np.swapaxes(a.reshape(*a.shape[:2], -1, int(x["heads"])), 2, 3)',
            ),
            "query and key exchanged": Fault('"query", h)), heads(x, dense(x, at + "key"',
                                             '"key", h)), heads(x, dense(x, at + "query"'),
            "matrix not transposed": Fault('dense(x, at + "attention.output.dense", gathered)',
                                           '(gathered @ x[at + "attention.output.dense.weight"] '
                                           '+ x[at + "attention.output.dense.bias"])'),
            "norm before attention": Fault(
                'norm(x, at + "attention.output.LayerNorm", h + dense(x, at + "attention.output.dense", gathered))',
                'h + dense(x, at + "attention.output.dense", norm(x, at + "attention.output.LayerNorm", gathered))',
            ),
            "no residual sum": Fault('"output.LayerNorm", a + dense', '"output.LayerNorm", dense'),
            "gelu by tanh": Fault("z * (1 + erf) / 2", "z * (1 + np.tanh(0.79788456 * (z + 0.044715 * z**3))) / 2"),
            "epsilon outside the root": Fault('np.sqrt(variance + x["epsilon"])', '(np.sqrt(variance) + x["epsilon"])'),
            "variance by n - 1": Fault("(centred**2).mean(axis=-1, keepdims=True)",
                                       "(centred**2).sum(axis=-1, keepdims=True) / (a.shape[-1] - 1)"),
            "positions counted from 1": Fault('np.arange(x["ids"].shape[1])', 'np.arange(1, x["ids"].shape[1] + 1)'),
            "one segment only": Fault('[x["segments"]]', '[0 * x["segments"]]'),
            "mean over padding too": Fault('(x["attention_mask"] != 0)', '(x["attention_mask"] != 9)'),
            "vector not of length 1": Fault("return mean / np.sqrt((mean**2).sum(axis=-1, keepdims=True))",
                                            "return mean"),
        },
        envelope=errors,
        # Keras 3.15 on JAX and PyTorch: result_type("float64", "float32") is float32. Its layer norm computes there,
        # and on PyTorch its matmul too.
        lacks={"keras-jax": ("float64",), "keras-torch": ("float64",)},
        quick=True,
    )
]  # fmt: skip
