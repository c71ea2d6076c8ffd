"""torch's `max_norm`: rows that are looked up and too long are shortened in place, before the lookup.

For every distinct id: n = (sum |x|^p)^(1/p); if n > max_norm: row *= max_norm / (n + 1e-7). No gradient flows
through it. (ATen/native/Embedding.cpp, embedding_renorm_cpu_.)
"""

from typing import Any

import keras
from keras import ops

from tf_emb.ops.ids import inside

EPSILON = 1e-7


def renormalised(rows: Any, max_norm: float, norm_type: float) -> Any:
    """Return `rows`, shape (count, dim), with those longer than `max_norm` shortened."""
    if norm_type == float("inf"):
        norms = ops.max(ops.abs(rows), axis=-1, keepdims=True)
    else:
        norms = ops.sum(ops.abs(rows) ** norm_type, axis=-1, keepdims=True) ** (1 / norm_type)
    return ops.where(norms > max_norm, rows * (max_norm / (norms + EPSILON)), rows)


def shortened(rows: Any, max_norm: float, norm_type: float) -> Any:
    """Return `renormalised(rows)` with the gradient of the identity: for backends that cannot write the table."""

    @ops.custom_gradient
    def identity(tensor: Any) -> Any:
        def gradient(*args: Any, upstream: Any = None) -> Any:
            return args[0] if upstream is None else upstream

        return renormalised(tensor, max_norm, norm_type), gradient

    return identity(rows)


def renormalise(table: Any, ids: Any, max_norm: float, norm_type: float) -> None:
    """Shorten the rows `ids` of `table` in place, on TensorFlow or PyTorch.

    Args:
        table: what the Keras variable holds, shape (vocab, dim).
        ids: int32 or int64, shape (count,); those that name no row are left out.
        max_norm: the largest norm that is left alone.
        norm_type: p, 1 or more, or infinity.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        distinct = tf.unique(tf.boolean_mask(ids, inside(ids, table.shape[0])))[0]
        rows = tf.stop_gradient(tf.gather(table, distinct))
        table.scatter_update(tf.IndexedSlices(renormalised(rows, max_norm, norm_type), distinct))
    else:
        kept = ids[inside(ids, table.shape[0])]
        table.data[kept] = renormalised(table.data[kept], max_norm, norm_type)
