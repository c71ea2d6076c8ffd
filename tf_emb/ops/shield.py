"""A table without NaN: what comes back into a lookup that met an id which names no row.

Such an id gives a row of NaN, under `out_of_range="nan"` and under "raise" in a program that cannot raise. A loss
that reads it is NaN, and its gradient is NaN at every row of the example or, after a mean, of the batch. So

    where a call has an id that names no row, and its row is NaN, each entry of the gradient that is NaN becomes 0;
    in any other call a gradient of NaN passes as it is: it tells of another fault.
"""

from keras import ops

from tf_emb.ops.gradient import without_nan
from tf_emb.ops.ids import inside
from tf_emb.ops.types import Index, Mask, Tensor


def shielded(values: Tensor, ids: Index, vocab: int) -> Tensor:
    """Return `values` bit for bit, with the gradient above; for where tf_emb.ops.ids.leaves_nan.

    Args:
        values: any shape: what a lookup of `ids` returns, or what is made of it.
        ids: int32 or int64, all of the call.
        vocab: how many rows there are.
    """
    return without_nan(values, some_unknown(inside(ids, vocab)))


def some_unknown(exists: Mask) -> Mask:
    """Return whether an id names no row, a scalar."""
    return ops.logical_not(ops.all(exists))
