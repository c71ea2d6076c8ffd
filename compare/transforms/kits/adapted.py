"""Tables of integers, and low-rank sums: what a program makes of a layer that has been trained."""

import keras
import numpy as np

from compare.transforms.kits.fits import Dot, feed, model_of
from compare.transforms.kits.kit import Kit, applied, numpy, oracles
from compare.transforms.modes import DIM, TABLE, Mode, calls, upstream
from compare.transforms.oracle import U32, Oracle
from compare.transforms.verdict import AbsentError, Numbers
from tf_emb.parity.rounding import Rounded, contract


def quantized(bits: int, kit: Kit, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
    """Hold pooled dequantised rows to the float table: a number is off by half a step of its row, at most."""
    model = model_of(layer, mode)
    if not mode.layer.startswith("Embedding"):
        raise AbsentError("Keras' Dense has it")
    model.quantize(f"int{bits}")
    if layer.quantization_mode != f"int{bits}":
        raise RuntimeError(f"`quantize` left the layer as it was: {layer.quantization_mode}")
    off = _steps(bits) * (np.sqrt(DIM) if "max_norm" in mode.options else 1)  # shortening moves no two rows apart
    for n, (call, oracle) in enumerate(zip(calls(mode), oracles(mode, kit.writes), strict=True)):
        assert isinstance(oracle, Oracle)
        want = oracle.forward()
        moved = oracle.shaped(np.einsum("bid,id->bd", np.abs(oracle.A), off))
        number = Rounded(want.value, want.error + moved, U32)
        numbers.hold(f"quantised out{n}", numpy(model.predict_on_batch(feed(call.parts))), number)


def _steps(bits: int) -> np.ndarray:
    """Return the most that a number of each row moves: half a step at 8 bits; at 4 bits, whose zero is rounded, one."""
    if bits == 8:
        step = np.abs(TABLE).max(1, keepdims=True) / 127 / 2
    else:
        step = (np.maximum(TABLE.max(1, keepdims=True), 0) - np.minimum(TABLE.min(1, keepdims=True), 0)) / 15
    return np.broadcast_to(step * (1 + 2.0**-10) + 1e-6, TABLE.shape)


def lora(kit: Kit, layer: keras.Layer, mode: Mode, numbers: Numbers) -> None:
    """T + A B, with fixed A and B; after a step of SGD both have moved by the gradient of T through them."""
    if not mode.layer.startswith("Embedding"):
        raise AbsentError("Keras' Dense has it")
    layer.enable_lora(2)
    draws = np.random.default_rng(30)
    rows = mode.trained
    a, b = (draws.integers(-4, 5, shape) / 8 for shape in ((len(rows), 2), (2, DIM)))
    layer.lora_embeddings_a.assign(a)
    layer.lora_embeddings_b.assign(b)
    table = TABLE.copy()
    table[rows] += a @ b
    if "padding_idx" in mode.options:
        table[mode.options["padding_idx"]] = TABLE[mode.options["padding_idx"]]
    for n, call in enumerate(calls(mode)):
        want = Oracle(mode, call, table).forward()
        numbers.hold(f"adapted out{n}", numpy(applied(layer, mode, kit.parts(call))), want)
    model = model_of(layer, mode)
    model.compile(keras.optimizers.SGD(0.125), Dot(), jit_compile=kit.name == "jax")
    model.train_on_batch(feed(calls(mode)[0].parts), upstream(mode, 0).astype(np.float32))
    oracle = Oracle(mode, calls(mode)[0], table)
    g = oracle.gradient(upstream(mode, 0))[rows]
    oracle.s = np.where(oracle.s == 0, 0.0, 1.0)  # counts divide the gradient of A's rows; B belongs to no row
    undivided = oracle.gradient(upstream(mode, 0))[rows]
    of_a = contract("vd,rd->vr", g, Rounded.exact(b, U32))
    of_b = contract("vr,vd->rd", Rounded.exact(a, U32), undivided)
    for name, start, moved in (("a", a, of_a), ("b", b, of_b)):
        got = numpy(getattr(layer, f"lora_embeddings_{name}"))
        numbers.hold(f"adapted {name}", got, Rounded.exact(start, U32) - moved * 0.125)
