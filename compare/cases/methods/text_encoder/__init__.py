"""BERT's encoder on real token ids: every layer from the same input, the whole forward pass, and vectors of sentences.

    h_0 = norm(token + position + segment);  a = norm(h + softmax(Q K^T / sqrt(d)) V O);  h' = norm(a + W gelu(V a))

A worst case grows by the product of the layers' norms. Each half of a layer is therefore also claimed from an input
that is given, so that the claim about the tenth layer is as sharp as that about the first.
"""

from dataclasses import replace

from compare.cases.methods.text_encoder.engines import run_keras, run_torch
from compare.cases.methods.text_encoder.envelope import errors
from compare.cases.methods.text_encoder.inputs import LAYERS, draw
from compare.cases.methods.text_encoder.oracle import oracle
from tf_emb.parity.case import Bound, Case, Fault, running
from tf_emb.parity.engines import KERAS

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
