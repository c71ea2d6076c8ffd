"""Keras' optimizers in arithmetic that carries its rounding errors: one step of one table, from its whole gradient.

A rule is a function of the table, its gradient, the state (a dictionary it writes) and the number of the step from 1.
Hyperparameters are short binary fractions, so that they are exact at float32.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from tf_emb.parity.rounding import FUNCTION, Rounded, gamma

State: TypeAlias = dict[str, Rounded]
Rule: TypeAlias = Callable[[Rounded, Rounded, State, int], Rounded]

RATE, EPSILON = 0.125, 2.0**-20
MU, RHO, B1, B2, DECAY, START = 0.5, 0.75, 0.5, 0.75, 0.25, 0.125


def _zeros(like: Rounded) -> Rounded:
    return Rounded.exact(np.zeros_like(like.value), like.u)


def _kept(state: State, name: str, like: Rounded, start: float = 0.0) -> Rounded:
    return state.get(name, Rounded.exact(np.full_like(like.value, start), like.u))


def _larger(a: Rounded, limit: float) -> Rounded:
    return Rounded(np.maximum(a.value, limit), a.error, a.u)


def _norm(a: Rounded) -> Rounded:
    return (a * a).sum(1).sum(0).sqrt()


def _power(a: Rounded, own: Rounded) -> Rounded:
    """Return `own`, a root that a program takes by a power function: its rounding is a function's."""
    return Rounded(own.value, own.error + gamma(FUNCTION, a.u) * np.abs(own.value), a.u)


def sgd(w: Rounded, g: Rounded, state: State, t: int) -> Rounded:
    """w - lr g."""
    return w - g * RATE


def momentum(w: Rounded, g: Rounded, state: State, t: int) -> Rounded:
    """m = mu m - lr g; w + m."""
    state["m"] = _kept(state, "m", w) * MU - g * RATE
    return w + state["m"]


def rmsprop(w: Rounded, g: Rounded, state: State, t: int) -> Rounded:
    """v = rho v + (1 - rho) g^2; m = mu m + lr g / sqrt(v + eps); w - m."""
    state["v"] = _kept(state, "v", w) * RHO + g * g * (1 - RHO)
    state["m"] = _kept(state, "m", w) * MU + g * RATE / (state["v"] + EPSILON).sqrt()
    return w - state["m"]


def adagrad(w: Rounded, g: Rounded, state: State, t: int) -> Rounded:
    """a = a + g^2; w - lr g / sqrt(a + eps)."""
    state["a"] = _kept(state, "a", w, START) + g * g
    return w - g * RATE / (state["a"] + EPSILON).sqrt()


def adadelta(w: Rounded, g: Rounded, state: State, t: int) -> Rounded:
    """a = rho a + (1 - rho) g^2; d = g sqrt(b + eps) / sqrt(a + eps); b = rho b + (1 - rho) d^2; w - lr d."""
    state["a"] = _kept(state, "a", w) * RHO + g * g * (1 - RHO)
    b = _kept(state, "b", w)
    d = (b + EPSILON).sqrt() * g / (state["a"] + EPSILON).sqrt()
    state["b"] = b * RHO + d * d * (1 - RHO)
    return w - d * RATE


def _moments(g: Rounded, state: State) -> tuple[Rounded, Rounded]:
    state["m"] = _kept(state, "m", g).average(g, B1)
    state["v"] = _kept(state, "v", g).average(g * g, B2)
    return state["m"], state["v"]


def adam(w: Rounded, g: Rounded, state: State, t: int) -> Rounded:
    """m, v averages of g, g^2; w - lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)."""
    m, v = _moments(g, state)
    corrected = Rounded.exact(1 - B2**t, w.u)
    rate = _power(corrected, corrected.sqrt()) * RATE / (1 - B1**t)
    return w - m * rate / (v.sqrt() + EPSILON)


def adamw(w: Rounded, g: Rounded, state: State, t: int) -> Rounded:
    """Adam after w = w - lr decay w."""
    return adam(w - w * DECAY * RATE, g, state, t)


def nadam(w: Rounded, g: Rounded, state: State, t: int) -> Rounded:
    """Adam with Nesterov's momentum, u_t = b1 (1 - 0.96^t / 2)."""
    u = w.u

    def schedule(step: int) -> Rounded:
        power = 0.96**step
        return (1 - Rounded(np.asarray(power), np.asarray((step + FUNCTION) * u * power), u) * 0.5) * B1

    product = state.get("product", Rounded.exact(1.0, u)) * schedule(t)
    state["product"] = product
    ahead = product * schedule(t + 1)
    m, v = _moments(g, state)
    hat = schedule(t + 1) * m / (1 - ahead) + (1 - schedule(t)) * g / (1 - product)
    corrected = Rounded.exact(1 - B2**t, u)
    return w - hat * RATE / ((v / corrected).sqrt() + EPSILON)


def ftrl(w: Rounded, g: Rounded, state: State, t: int) -> Rounded:
    """a' = a + g^2; z = z + g - (sqrt(a') - sqrt(a)) / lr w; w = -z lr / sqrt(a')."""
    a = _kept(state, "a", w, START)
    state["a"] = new = a + g * g
    root, before = _power(new, new.sqrt()), _power(a, a.sqrt())
    state["z"] = _kept(state, "z", w) + (g - (root - before) / RATE * w)
    return -state["z"] / (root / RATE)


def lion(w: Rounded, g: Rounded, state: State, t: int) -> Rounded:
    """w - lr sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g."""
    m = _kept(state, "m", w)
    sign = m * B1 + g * (1 - B1)
    if np.any((np.abs(sign.value) <= sign.error) & (sign.error > 1e-30) & (sign.value != 0)):
        raise ValueError("`upstream` must leave no sign in doubt; got a sum near 0. Draw other numbers.")
    state["m"] = m * B2 + g * (1 - B2)
    return w - Rounded.exact(np.sign(sign.value), w.u) * RATE


def lamb(w: Rounded, g: Rounded, state: State, t: int) -> Rounded:
    """Adam's step d with eps after the correction, then w - lr |w| / |d| d."""
    m, v = _moments(g, state)
    d = m / (1 - B1**t) / ((v / (1 - B2**t)).sqrt() + EPSILON)
    return w - _norm(w) / _norm(d) * RATE * d


def adafactor(w: Rounded, g: Rounded, state: State, t: int) -> Rounded:
    """Row and column means of g^2 + eps stand for it: v = r c / mean(r); the step is clipped to a mean square of 1."""
    rows, columns = w.value.shape
    square, beta = g * g + 1e-30, 1 - 1 / t  # beta_2_decay = -1
    kept = Rounded(np.asarray(beta), np.asarray(FUNCTION * w.u * (1 - beta) * (t > 1)), w.u)
    mean_r, mean_c = square.sum(1) / columns, square.sum(0) / rows
    state["r"] = kept * _kept(state, "r", mean_r) + (1 - kept) * mean_r
    state["c"] = kept * _kept(state, "c", mean_c) + (1 - kept) * mean_c
    share = state["r"] / (state["r"].sum(0) / rows)
    v = Rounded(share.value[:, None], share.error[:, None], w.u) * state["c"][None]
    d = g / v.sqrt()
    size = (_norm(d) * _norm(d) / (rows * columns)).sqrt()
    weight = (_norm(w) * _norm(w) / (rows * columns)).sqrt()
    return w - _larger(weight, 1e-3) * RATE * (d / _larger(size, 1.0))


@dataclass(frozen=True)
class Fit:
    """An optimizer: Keras' name and arguments, and the rule beside it.

    Attributes:
        kind: the name of Keras' class.
        arguments: what it is given.
        rule: the rule.
        clip: "clipnorm", "global_clipnorm", "clipvalue" or nothing; the limit is LIMIT.
        steps: how many gradients are averaged before a step.
        ema: whether the table becomes its moving average after each step.
    """

    kind: str
    rule: Rule
    arguments: dict[str, Any] = field(default_factory=dict)
    clip: str = ""
    steps: int = 1
    ema: bool = False


LIMIT = 2.0
_BETAS = {"beta_1": B1, "beta_2": B2}
_EPSILON = {"epsilon": EPSILON}
_ADAGRAD = {"initial_accumulator_value": START, **_EPSILON}

FITS = {
    "SGD": Fit("SGD", sgd),
    "SGD, momentum": Fit("SGD", momentum, {"momentum": MU}),
    "RMSprop, momentum": Fit("RMSprop", rmsprop, {"rho": RHO, "momentum": MU, **_EPSILON}),
    "Adagrad": Fit("Adagrad", adagrad, _ADAGRAD),
    "Adadelta": Fit("Adadelta", adadelta, {"rho": RHO, **_EPSILON}),
    "Adam": Fit("Adam", adam, {**_BETAS, **_EPSILON}),
    "AdamW": Fit("AdamW", adamw, {**_BETAS, **_EPSILON, "weight_decay": DECAY}),
    "Nadam": Fit("Nadam", nadam, {**_BETAS, **_EPSILON}),
    "Ftrl": Fit("Ftrl", ftrl, {"initial_accumulator_value": START}),
    "Lion": Fit("Lion", lion, _BETAS),
    "Adafactor": Fit("Adafactor", adafactor, {"beta_2_decay": -1.0}),
    "Lamb": Fit("Lamb", lamb, {**_BETAS, **_EPSILON}),
    "clipnorm": Fit("Adagrad", adagrad, {**_ADAGRAD, "clipnorm": LIMIT}, clip="clipnorm"),
    "global_clipnorm": Fit("Adagrad", adagrad, {**_ADAGRAD, "global_clipnorm": LIMIT}, clip="global_clipnorm"),
    "clipvalue": Fit("Adagrad", adagrad, {**_ADAGRAD, "clipvalue": LIMIT}, clip="clipvalue"),
    "accumulation": Fit("Adagrad", adagrad, {**_ADAGRAD, "gradient_accumulation_steps": 2}, steps=2),
    "moving average": Fit(
        "Adagrad", adagrad, {**_ADAGRAD, "use_ema": True, "ema_momentum": MU, "ema_overwrite_frequency": 1}, ema=True
    ),
}


def clipped(g: Rounded, how: str) -> Rounded:
    """Return a gradient as Keras clips it."""
    if not how:
        return g
    if how == "clipvalue":
        return Rounded(np.clip(g.value, -LIMIT, LIMIT), g.error, g.u)
    norm = _norm(g)
    if how == "clipnorm":
        return g * LIMIT / _larger(norm, LIMIT)
    inverse = Rounded.exact(1.0, g.u) / norm
    return g * (Rounded(np.minimum(inverse.value, 1 / LIMIT), inverse.error, g.u) * LIMIT)
