"""Running error analysis of the encoder: the oracle's layers again, in numbers that carry errors.

The rounding counted for each step covers every form in which programs write it; sums are bounded in any order.
"""

import math

import numpy as np

from tf_emb.parity.case import Arrays
from tf_emb.parity.rounding import FUNCTION, Rounded, gamma

# The largest slope of gelu, and of its slope: |Phi + z phi| < 1.13, |phi (2 - z^2)| < 0.8.
SLOPE, CURVE = 1.13, 0.8


def errors(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """Return how far each output of the oracle may be off at unit roundoff `u`."""
    out, free = given_errors(x, u), embed(x, u)
    for i in range(int(x["layers"])):
        free = feed_forward(x, i, attend(x, i, free))
        out[f"layer {i + 1}, whole forward"] = free.error
    return out | {"sentence, whole forward": sentence(x, free).error}


def given_errors(x: Arrays, u: float) -> dict[str, np.ndarray]:
    """Return the same of what starts from a given input."""
    out = {"embeddings": embed(x, u).error}
    for i in range(int(x["layers"])):
        given = Rounded.exact(x[f"hidden {i}"], u)
        out[f"attention {i + 1}, given its input"] = probabilities(x, i, given).error
        out[f"attended {i + 1}, given its input"] = attend(x, i, given).error
        out[f"layer {i + 1}, given attended"] = feed_forward(x, i, Rounded.exact(x[f"attended {i}"], u)).error
    last = Rounded.exact(x[f"hidden {int(x['layers'])}"], u)
    return out | {"sentence, given its input": sentence(x, last).error}


def embed(x: Arrays, u: float) -> Rounded:
    """Two additions in some order, and a norm."""
    words = x["embeddings.word_embeddings.weight"][x["ids"]]
    places = x["embeddings.position_embeddings.weight"][: x["ids"].shape[1]]
    parts = words, np.broadcast_to(places, words.shape), x["embeddings.token_type_embeddings.weight"][x["segments"]]
    return norm(x, "embeddings.LayerNorm", Rounded.exact(np.stack(parts), u).sum(0))


def attend(x: Arrays, i: int, h: Rounded) -> Rounded:
    """Attention, residual sum and norm."""
    at = f"encoder.layer.{i}."
    p, value = probabilities(x, i, h), heads(x, dense(x, at + "attention.self.value", h)).swap(2, 1)
    gathered = product(p, value).swap(1, 2)
    shape = h.value.shape
    flat = Rounded(gathered.value.reshape(shape), gathered.error.reshape(shape), h.u)
    return norm(x, at + "attention.output.LayerNorm", h + dense(x, at + "attention.output.dense", flat))


def feed_forward(x: Arrays, i: int, a: Rounded) -> Rounded:
    """Two products, gelu between them, residual sum and norm."""
    at = f"encoder.layer.{i}."
    wide = gelu(dense(x, at + "intermediate.dense", a))
    return norm(x, at + "output.LayerNorm", a + dense(x, at + "output.dense", wide))


class Heads(Rounded):
    """An array of four axes, two of which can be exchanged."""

    def swap(self, a: int, b: int) -> "Heads":
        """Return it with axes `a` and `b` exchanged."""
        return Heads(self.value.swapaxes(a, b), self.error.swapaxes(a, b), self.u)


def heads(x: Arrays, a: Rounded) -> Heads:
    """Split the columns into heads, shape (batch, time, heads, dim / heads)."""
    shape = (*a.value.shape[:2], int(x["heads"]), -1)
    return Heads(a.value.reshape(shape), a.error.reshape(shape), a.u)


def product(a: Rounded, b: Rounded, more: int = 0) -> Heads:
    """a @ b: gamma(n + more) sum |a| |b|, `more` for roundings of the factors before it."""
    A, B = np.abs(a.value) + a.error, np.abs(b.value) + b.error
    error = np.abs(a.value) @ b.error + a.error @ B
    return Heads(a.value @ b.value, error + gamma(a.value.shape[-1] + more, a.u) * (A @ B), a.u)


def dense(x: Arrays, name: str, a: Rounded) -> Rounded:
    """a W^T + b: n products and the bias, which may come first or last in the sum."""
    W, b = x[f"{name}.weight"].T, x[f"{name}.bias"]
    sizes = (np.abs(a.value) + a.error) @ np.abs(W) + np.abs(b)
    return Rounded(a.value @ W + b, a.error @ np.abs(W) + gamma(len(W) + 1, a.u) * sizes, a.u)


def probabilities(x: Arrays, i: int, h: Rounded) -> Rounded:
    """Scores, divided by a root that is itself rounded, before or after the product; then softmax."""
    at = f"encoder.layer.{i}.attention.self."
    q, k = heads(x, dense(x, at + "query", h)), heads(x, dense(x, at + "key", h))
    raw, root = product(q.swap(1, 2), k.swap(1, 2).swap(2, 3), more=4), math.sqrt(q.value.shape[-1])
    return softmax(Rounded(raw.value / root, raw.error / root, h.u), x["attention_mask"][:, None, None, :] != 0)


def softmax(s: Rounded, mask: np.ndarray) -> Rounded:
    """exp(s_i) / sum exp(s_j) over the mask.

    Scores off by d change p_i by a factor within exp(+-(d_i + log sum_j p_j exp(d_j))), since sum p e^-d and
    sum p e^d have a product of 1 at least. Subtracting the maximum rounds each score once, by u |s - max|, where
    the program's maximum is off by max d at most. K for each exponential, n to add, 1 to divide.
    """
    value = np.where(mask, s.value, -np.inf)
    top, off = value.max(-1, keepdims=True), np.where(mask, s.error, 0).max(-1, keepdims=True)
    e = np.exp(value - top)
    p = e / e.sum(-1, keepdims=True)
    d = np.where(mask, s.error + gamma(1, s.u) * (np.where(mask, top - s.value, 0) + 2 * off), 0)
    relative = np.expm1(d + np.log((p * np.exp(d)).sum(-1, keepdims=True)))
    own = gamma(2 * FUNCTION + s.value.shape[-1] + 1, s.u)
    return Rounded(p, p * (relative + own * (1 + relative)), s.u)


def gelu(z: Rounded) -> Rounded:
    """z (1 + erf(z / sqrt 2)) / 2: 1 + erf is at most 2 and off by K u, or by 0.5 u through the rounded quotient."""
    cdf = (1 + np.vectorize(math.erf, otypes=[float])(z.value / math.sqrt(2))) / 2
    slope = np.abs(cdf + z.value * np.exp(-(z.value**2) / 2) / math.sqrt(2 * math.pi))
    own = gamma(2 * FUNCTION, z.u) * (np.abs(z.value) + z.error)
    return Rounded(z.value * cdf, np.minimum(SLOPE, slope + CURVE * z.error) * z.error + own, z.u)


def norm(x: Arrays, name: str, a: Rounded) -> Rounded:
    """(a - m) / sqrt(V + epsilon) g + b, or a (g r) + (b - m g r) with r = 1 / sqrt(V + epsilon).

    Inputs off by d change V by 2 mean |a - m| d + mean d^2 at most. By two passes, by one (mean a^2 - m^2) or by
    updating, V is off by gamma(3 n + 8) mean a^2 at most (Chan, Golub and LeVeque 1983, table 1); r has K roundings.
    """
    g, b, n, u = x[f"{name}.weight"], x[f"{name}.bias"], a.value.shape[-1], a.u
    sizes, m = np.abs(a.value) + a.error, mean(a.value)
    m_off = mean(a.error) + gamma(n, u) * mean(sizes)
    c = a.value - m
    V = mean(c**2)
    V_off = 2 * mean(np.abs(c) * a.error) + mean(a.error**2) + gamma(3 * n + 8, u) * mean(sizes**2)
    r = 1 / np.sqrt(V + x["epsilon"])
    highest = 1 / np.sqrt(np.maximum(V - V_off, 0) + x["epsilon"])
    r_off = highest - r + gamma(FUNCTION + 1, u) * highest
    off = (a.error + m_off) * (r + r_off) + np.abs(c) * r_off
    own = gamma(6, u) * ((sizes + np.abs(m) + m_off) * (r + r_off) * np.abs(g) + np.abs(b))
    return Rounded(c * r * g + b, off * np.abs(g) + own, u)


def mean(a: np.ndarray) -> np.ndarray:
    """Of the last axis, which is kept."""
    return a.mean(-1, keepdims=True)


def sentence(x: Arrays, h: Rounded) -> Rounded:
    """A sum over time, a division by the count, which is exact, and one by the length."""
    kept = x["attention_mask"][:, :, None] != 0
    pooled = h.where(np.broadcast_to(kept, h.value.shape)).sum(1) / kept.sum(1).astype(np.float64)
    length = (pooled * pooled).sum(1).sqrt()
    return pooled / Rounded(length.value[:, None], length.error[:, None], h.u)
