"""How far the image network's training may be off.

relu passes a gradient where its input is above 0. Where the input is within its error of 0, a program may take either
side, so the bound there is the whole gradient.
"""

from collections.abc import Callable

import numpy as np

from compare.cases.methods.image.block import KERNELS, conv, conv_back
from compare.cases.methods.image.network import NAMES, ROWS, STRIDES
from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import Rounded, bounded_softmax, contract, gamma, reshaped

State = dict[str, Rounded]


def envelope(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """The oracle's steps in numbers that carry errors."""
    w = {name: Rounded.exact(x[name], u) for name in NAMES}
    losses: list[np.ndarray] = []
    first: dict[str, np.ndarray] = {}
    for _ in range(int(x["steps"])):
        z, loss, slopes = bounded_backward(w, x, u)
        first = first or {"embedding": z.error, **{f"{name} gradient": of.error for name, of in slopes.items()}}
        losses.append(loss)
        w = {name: value - slopes[name] * float(x["rate"]) for name, value in w.items()}
    return {"loss": np.stack(losses), **first, **{f"{name} after": value.error for name, value in w.items()}}


def bounded_backward(w: State, x: Arrays, u: float) -> tuple[Rounded, np.ndarray, State]:
    """What `backward` gives."""
    inputs, ones, sums, out = [], [], [], Rounded.exact(x["pictures"], u)
    for i, stride in enumerate(STRIDES):
        inputs.append(out)
        ones.append(_conv(out, w, f"block {i} first", stride))
        sums.append(_conv(out, w, f"block {i} shortcut", stride) + _conv(_bend(ones[i]), w, f"block {i} second", 1))
        out = _bend(sums[i])
    flat = reshaped(out, (ROWS, -1))
    z = contract("rf,fd->rd", flat, w["embedding kernel"]) + w["embedding bias"]
    y = contract("rd,dc->rc", z, w["classes kernel"]) + w["classes bias"]
    e, loss = bounded_softmax(y, x["known"], u)
    e = e * Rounded(np.array(1 / ROWS), np.array(u / ROWS), u)
    back = contract("rc,dc->rd", e, w["classes kernel"])
    slopes = {"classes kernel": contract("rd,rc->dc", z, e), "classes bias": e.sum(0)}
    slopes |= {"embedding kernel": contract("rf,rd->fd", flat, back), "embedding bias": back.sum(0)}
    g = reshaped(contract("rd,fd->rf", back, w["embedding kernel"]), out.value.shape)
    for i in reversed(range(3)):
        g = _past(g, sums[i])
        to_hidden, of_second = _conv_back(_bend(ones[i]), w[f"block {i} second kernel"], g, 1)
        to_one = _past(to_hidden, ones[i])
        to_x, of_first = _conv_back(inputs[i], w[f"block {i} first kernel"], to_one, STRIDES[i])
        past, of_shortcut = _conv_back(inputs[i], w[f"block {i} shortcut kernel"], g, STRIDES[i])
        for of, kernel, end in zip(KERNELS, (of_first, of_second, of_shortcut), (to_one, g, g), strict=True):
            total = reshaped(end, (-1, end.value.shape[-1])).sum(0)
            slopes |= {f"block {i} {of} kernel": kernel, f"block {i} {of} bias": total}
        g = to_x + past
    return z, loss, slopes


def _bend(of: Rounded) -> Rounded:
    """relu, whose slope is at most 1."""
    return Rounded(np.maximum(of.value, 0), of.error, of.u)


def _past(g: Rounded, bend: Rounded) -> Rounded:
    """The gradient past a relu."""
    kept = g.where(bend.value > 0)
    either = np.abs(bend.value) <= bend.error
    return Rounded(kept.value, np.where(either, np.abs(g.value) + g.error, kept.error), g.u)


def _conv(of: Rounded, w: State, name: str, stride: int) -> Rounded:
    kernel = w[f"{name} kernel"]
    terms = int(np.prod(kernel.value.shape[:-1]))
    return _bilinear(lambda a, b: conv(a, b, stride), of, kernel, terms) + w[f"{name} bias"]


def _conv_back(of: Rounded, kernel: Rounded, g: Rounded, stride: int) -> tuple[Rounded, Rounded]:
    (size, *_, wide), ones = kernel.value.shape, np.ones_like(kernel.value)
    zeros = np.zeros_like(of.value)
    to_x = _bilinear(lambda a, b: conv_back(zeros, b, a, stride)[0], g, kernel, size * size * wide)
    to_kernel = _bilinear(lambda a, b: conv_back(a, ones, b, stride)[1], of, g, int(np.prod(g.value.shape[:-1])))
    return to_x, to_kernel


def _bilinear(f: Callable[[np.ndarray, np.ndarray], np.ndarray], a: Rounded, b: Rounded, terms: int) -> Rounded:
    """f(a, b), each of whose entries is a sum of at most `terms` products of an entry of a and one of b."""
    A, B = np.abs(a.value), np.abs(b.value) + b.error
    error = f(A, b.error) + f(a.error, B) + gamma(terms, a.u) * f(A + a.error, B)
    return Rounded(f(a.value, b.value), error, a.u)
