"""What a layer's call returns and which gradients it has, in float64, with the most that float32 may be away.

For bag b, column d:  out[b, d] = sum_i A[b, i, d] T[i, d], where T is the table (rows that `max_norm` shortens are
shortened) and A holds what the combiner makes of places and weights; in `Embedding` every place is a bag. The
gradient of row i is s[i] sum_b A[b, i, d] U[b, d]: s is 0 for padding and rows that are not trained, 1 / count under
`scale_grad_by_freq`, else 1. That of weights follows from dA / dw.
"""

from dataclasses import dataclass

import numpy as np

from compare.transforms.modes import DEFAULT, DIM, PADDING, TABLE, UNKNOWN, VOCAB, Call, Mode
from tf_emb.parity.rounding import FUNCTION, Rounded, gamma

U32 = 2.0**-24
EPSILON = 1e-7  # of max_norm


@dataclass(frozen=True)
class Places:
    """The places of a call: `row` -1 for ids that name none."""

    row: np.ndarray
    bag: np.ndarray
    weight: np.ndarray
    live: np.ndarray
    bags: int


def places(mode: Mode, call: Call) -> Places:
    """Return the places of a call."""
    ids = call.ids.reshape(-1).astype(int)
    inside = (ids >= 0) & (ids < VOCAB)
    row = np.where(inside, ids, UNKNOWN if mode.options.get("out_of_range") == UNKNOWN else -1)
    weight = np.ones(len(ids)) if call.weights is None else call.weights.reshape(-1)
    live = row >= 0
    if not mode.bag:
        return Places(row, np.arange(len(ids)), weight, live, len(ids))
    if "padding_idx" in mode.options:
        live = live & (ids != PADDING)
    starts = np.arange(len(call.ids)) * call.ids.shape[1] if call.offsets is None else call.offsets
    bag = np.searchsorted(starts, np.arange(len(ids)), side="right") - 1
    return Places(row, bag, weight, live, len(starts))


class Oracle:
    """One call of one mode with a table, all of it NumPy.

    Attributes:
        held: the table after the call: `max_norm` may have written it.
        table: T above.
        A: shape (bags, vocab, dim).
        s: shape (vocab,).
    """

    def __init__(self, mode: Mode, call: Call, table: np.ndarray = TABLE, writes: bool = True) -> None:
        self.mode, self.call, self.at = mode, call, places(mode, call)
        self.table = self._shortened(np.asarray(table, np.float64))
        self.held = self.table if writes else table
        self.filled = np.bincount(self.at.bag[self.at.live], minlength=self.at.bags) > 0
        self.A = self._coefficients()
        self.s = self._scale()
        self.roundings = 2 * call.ids.size + 8 + (3 * FUNCTION if "max_norm" in mode.options else 0)

    def _shortened(self, table: np.ndarray) -> np.ndarray:
        limit = self.mode.options.get("max_norm")
        if limit is None:
            return table
        norm = np.linalg.norm(table, axis=1, keepdims=True)
        read = np.isin(np.arange(VOCAB), self.at.row) & np.isin(np.arange(VOCAB), self.mode.trained)
        return np.where(read[:, None] & (norm > limit), table * (limit / (norm + EPSILON)), table)

    @property
    def combiner(self) -> str:
        """The combiner; "sum" where each place is a bag of its own."""
        return str(self.mode.options.get("combiner", "sum"))

    def norms(self) -> np.ndarray:
        """Return what each bag is divided by, 1 for an empty one."""
        w = self.at.weight[self.at.live]
        power = {"sum": None, "max": None, "mean": 1, "sqrtn": 2}[self.combiner]
        if power is None:
            return np.ones(self.at.bags)
        total = np.bincount(self.at.bag[self.at.live], w**power, self.at.bags) ** (1 / power)
        return np.where(self.filled, total, 1)

    def _coefficients(self) -> np.ndarray:
        at, A = self.at, np.zeros((self.at.bags, VOCAB, DIM))
        if self.combiner == "max":
            self._select(A)
        else:
            np.add.at(A, (at.bag[at.live], at.row[at.live]), at.weight[at.live, None])
            A /= self.norms()[:, None, None]
        if "default_id" in self.mode.options:
            A[~self.filled, DEFAULT] = 1
        return A

    def _select(self, A: np.ndarray) -> None:
        for bag in np.flatnonzero(self.filled):
            rows = self.at.row[(self.at.bag == bag) & self.at.live]
            A[bag, rows[self.table[rows].argmax(0)], np.arange(DIM)] = 1

    def _scale(self) -> np.ndarray:
        options, s = self.mode.options, np.ones(VOCAB)
        if options.get("scale_grad_by_freq"):
            s /= np.maximum(np.bincount(self.at.row[self.at.row >= 0], minlength=VOCAB), 1)
        if "padding_idx" in options:
            s[PADDING] = 0
        s[np.setdiff1d(np.arange(VOCAB), self.mode.trained)] = 0
        return s

    def _bounded(self, value: np.ndarray, magnitude: np.ndarray, factor: int = 1) -> Rounded:
        return Rounded(value, gamma(factor * self.roundings, U32) * magnitude, U32)

    def shaped(self, flat: np.ndarray) -> np.ndarray:
        """Return numbers per bag in the shape of the output."""
        return flat if self.mode.bag else flat.reshape(*self.call.ids.shape, *flat.shape[1:])

    def forward(self) -> Rounded:
        """Return the output."""
        value = np.einsum("bid,id->bd", self.A, self.table)
        error = np.einsum("bid,id->bd", np.abs(self.A), np.abs(self.table))
        return self._bounded(self.shaped(value), self.shaped(error))

    def gradient(self, upstream: np.ndarray) -> Rounded:
        """Return dE/dtable."""
        u = upstream.reshape(self.at.bags, DIM)
        value, error = (np.einsum("bid,bd->id", *pair) for pair in ((self.A, u), (np.abs(self.A), np.abs(u))))
        return self._bounded(self.s[:, None] * value, self.s[:, None] * error)

    def jacobian(self) -> Rounded:
        """Return dout/dtable, shape of the output + (vocab, dim)."""
        value = np.einsum("bid,de->bdie", self.A * self.s[:, None], np.eye(DIM))
        return self._bounded(self.shaped(value), np.abs(self.shaped(value)))

    def tangent(self, direction: np.ndarray) -> Rounded:
        """Return the derivative of the output along a direction of the table."""
        moved = self.s[:, None] * direction
        value, error = (np.einsum("bid,id->bd", *pair) for pair in ((self.A, moved), (np.abs(self.A), np.abs(moved))))
        return self._bounded(self.shaped(value), self.shaped(error))

    def of_weights(self, dA: np.ndarray, magnitude: np.ndarray, factor: int = 1) -> Rounded:
        """Return dE/dw from dE/dA, shape (bags, vocab, dim), by dA / dw, in the shape of the weights."""
        at, n = self.at, self.norms()[self.at.bag]
        row, bag = np.maximum(at.row, 0), at.bag
        own, whole = dA[bag, row].sum(-1), np.einsum("bid,bid->b", dA, self.A)[bag]
        most, wholes = magnitude[bag, row].sum(-1), np.einsum("bid,bid->b", magnitude, np.abs(self.A))[bag]
        share = {"sum": 0 * n, "mean": 1 + 0 * n, "sqrtn": at.weight / n}[self.combiner]
        value = np.where(at.live, (own - share * whole) / n, 0)
        error = np.where(at.live, (most + share * wholes) / n, 0)
        return self._bounded(value.reshape(self.call.ids.shape), error.reshape(self.call.ids.shape), factor)

    def weights_gradient(self, upstream: np.ndarray) -> Rounded:
        """Return dE/dw."""
        u = upstream.reshape(self.at.bags, DIM)
        dA = np.einsum("bd,id->bid", u, self.table)
        return self.of_weights(dA, np.abs(dA))

    def second(self) -> tuple[Rounded, Rounded | None]:
        """Return dP/dtable and dP/dw of P = |dL/dtable|^2, L = |out|^2 / 2."""
        (A, T), s = (self.A, self.table), self.s[:, None]
        parts = []
        for a, t in ((A, T), (np.abs(A), np.abs(T))):
            out = np.einsum("bid,id->bd", a, t)
            R = s * 2 * s * np.einsum("bid,bd->id", a, out)  # s dP/dG
            through = np.einsum("bid,id->bd", a, R)
            dA = np.einsum("bd,id->bid", out, R) + np.einsum("bd,id->bid", through, t)
            parts.append((s * np.einsum("bid,bd->id", a, through), dA))
        table = self._bounded(parts[0][0], parts[1][0], 4)
        weighted = self.mode.weighted
        return table, self.of_weights(parts[0][1], parts[1][1], 4) if weighted else None
