"""A table without NaN: what comes back into a lookup that met an id which names no row.

Such an id gives a row of NaN, under `out_of_range="nan"` and under "raise" in a program that cannot raise. A loss
that reads it is NaN, and its gradient is NaN at every row of the example or, after a mean, of the batch. So

    under "nan", where a call has an id that names no row, each entry of the gradient that is NaN becomes 0; in any
    other call a gradient of NaN passes as it is: it tells of another fault;
    under "raise", in a program that cannot, each entry that is NaN becomes 0 in every call: the layers that read the
    row of NaN may have it in their weights, and would send it in later steps to rows of ids that are right.
"""

from keras import ops

from tf_emb.ops.gradient import without_nan
from tf_emb.ops.ids import Policy, inside
from tf_emb.ops.types import Index, Mask, Tensor


def shielded(values: Tensor, ids: Index, vocab: int, policy: Policy) -> Tensor:
    """Return `values` bit for bit, with the gradient above; for where tf_emb.ops.ids.leaves_nan.

    Args:
        values: any shape: what a lookup of `ids` returns, or what is made of it.
        ids: int32 or int64, all of the call.
        vocab: how many rows there are.
        policy: "raise" or "nan".
    """
    return without_nan(values, shields(inside(ids, vocab), policy))


def shields(exists: Mask, policy: Policy) -> Mask:
    """Return whether NaN is to be stopped, a scalar; `exists` says of each id whether it names a row."""
    return ops.convert_to_tensor(True, "bool") if policy == "raise" else ops.logical_not(ops.all(exists))
