"""The output layers' losses as layers of (hidden, targets), to go through the same transformations; their oracle.

    soft   E = log sum_j exp(u_j) - u_target,                   u = W'^T h
    neg    E = softplus(-u_o) + sum of softplus(u_k) over noise words k that are not the target,   u_j = v'_j . h
    tree   E = sum over the path of softplus(-(1 - 2 code) u_n),    u_n = v'_n . h

The table is that of the other modes, 8 x 4: W' for `soft`, the vectors v' of words or of inner nodes for the others.
"""

import keras
import numpy as np

from compare.transforms.modes import NOISE, TABLE, Call, Mode
from compare.transforms.oracle import U32
from compare.transforms.verdict import AbsentError
from tf_emb.parity.rounding import Rounded, bounded_softmax, contract

# Each word is rarer than all rarer ones together: in the tree, every inner node is the rarer child, which has bit 0,
# of the one above it, and word w < 8 is the other child of node 7 - w.
COUNTS = (512, 256, 128, 64, 32, 16, 8, 4, 2)


@keras.saving.register_keras_serializable("compare")
class Scored(keras.layers.Layer):
    """The loss of each example: (hidden, targets) to nats."""

    def __init__(self, head: str, **options: object) -> None:
        super().__init__(**options)
        from tf_emb.layers import FullSoftmax, HierarchicalSoftmax, NegativeSampling

        words, dim = TABLE.shape
        makes = {"soft": FullSoftmax, "neg": NegativeSampling, "tree": HierarchicalSoftmax}
        self.head = head
        self.inner = makes[head]({"soft": dim, "neg": words, "tree": list(COUNTS)}[head])

    def build(self, hidden_shape: tuple[int | None, ...]) -> None:
        """Create the table."""
        self.inner.build(hidden_shape)

    def call(self, hidden: object, targets: object) -> object:
        """Return the losses."""
        if self.head == "neg":
            return self.inner.loss(hidden, targets, noise=NOISE)
        return self.inner.loss(hidden, targets)

    def compute_output_shape(self, hidden_shape: tuple[int | None, ...], *rest: object) -> tuple[int | None, ...]:
        """Return the shape of the targets."""
        return hidden_shape[:-1]

    def get_config(self) -> dict[str, object]:
        """Return what `from_config` needs."""
        return {**super().get_config(), "head": self.head}


class HeadOracle:
    """One call of one head, with the names of `Oracle`: the output is not linear in the table, so J holds dE/dtable."""

    def __init__(self, mode: Mode, call: Call, table: np.ndarray = TABLE, writes: bool = True) -> None:
        self.mode, self.call, self.held = mode, call, np.asarray(table, np.float64)
        assert call.hidden is not None
        hidden, weights = (Rounded.exact(array, U32) for array in (call.hidden, self.held))
        if mode.head == "soft":
            logits = contract("bi,io->bo", hidden, weights)
            e, off = bounded_softmax(logits, call.ids, U32)
            value = np.log(np.exp(logits.value).sum(1)) - logits.value[np.arange(len(call.ids)), call.ids]
            self._loss = Rounded(value, off, U32)
            self.J = contract("bi,bo->bio", hidden, e)
            return
        logits = contract("bd,vd->bv", hidden, weights)
        self._loss, parts = Rounded.exact(np.zeros(len(call.ids)), U32), Rounded.exact(np.zeros((3, 8)), U32)
        sign = signs(mode.head, call.ids)
        for k in range(sign.shape[-1]):  # one looked-up row of every example at a time, a row may come twice
            term = (logits * -sign[..., k]).softplus().where(sign[..., k] != 0)
            self._loss = self._loss + term.sum(1)
            parts = parts + ((logits * -sign[..., k]).sigmoid() * -sign[..., k]).where(sign[..., k] != 0)
        self.J = contract("bd,bv->bvd", hidden, parts)

    def forward(self) -> Rounded:
        """Return the losses."""
        return self._loss

    def gradient(self, upstream: np.ndarray) -> Rounded:
        """Return dE/dtable."""
        return contract("bvd,b->vd", self.J, Rounded.exact(upstream, U32))

    def jacobian(self) -> Rounded:
        """Return the gradient of each loss."""
        return self.J

    def tangent(self, direction: np.ndarray) -> Rounded:
        """Return the derivative of the losses along a direction."""
        return contract("bvd,vd->b", self.J, Rounded.exact(direction, U32))

    def second(self) -> tuple[Rounded, Rounded | None]:
        """Refuse: there is no closed form here."""
        raise AbsentError("no closed form of a loss's second derivative")


def signs(head: str, targets: np.ndarray) -> np.ndarray:
    """Return, for each example, row and place, +1 for a row whose logit should grow, -1 for one that should shrink."""
    found = np.zeros((len(targets), len(TABLE), 8 if head == "tree" else 1 + NOISE.shape[-1]))
    for b, target in enumerate(targets):
        if head == "tree":
            path = range(7, max(6 - target, -1), -1)  # word 8 is the last rarer child of node 0
            for k, node in enumerate(path):
                found[b, node, k] = -1 if node == 7 - target else 1
        else:
            found[b, target, 0] = 1
            for k, word in enumerate(NOISE[b]):
                found[b, word, k + 1] = -1 if word != target else 0
    return found
