"""torch's `max_norm`: rows that are looked up and too long are shortened in place, before the lookup.

For every distinct id: n = (sum |x|^p)^(1/p); if n > max_norm: row *= max_norm / (n + 1e-7). No gradient flows
through it. (ATen/native/Embedding.cpp, embedding_renorm_cpu_.)
"""

import keras
from keras import ops

from tf_emb.ops import torch_ids
from tf_emb.ops.ids import inside
from tf_emb.ops.types import Held, Index, Rows

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    from tf_emb.ops.program import in_vectorized_map, replicas

EPSILON = 1e-7


def shortened(rows: Rows, max_norm: float, norm_type: float) -> Rows:
    """Return `rows`, shape (..., dim), with those longer than `max_norm` shortened to it."""
    if norm_type == float("inf"):
        norms = ops.amax(ops.abs(rows), axis=-1, keepdims=True)
    else:
        norms = ops.sum(ops.abs(rows) ** norm_type, axis=-1, keepdims=True) ** (1 / norm_type)
    return ops.where(norms > max_norm, rows * (max_norm / (norms + EPSILON)), rows)


def can_write_table() -> bool:
    """Return whether a forward pass may change the table here; elsewhere rows are shortened as they are read."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return not in_vectorized_map() and replicas() == 1
    return backend == "torch" and not torch_ids.transformed()


def shorten_in_place(table: Held, ids: Index, max_norm: float, norm_type: float) -> None:
    """Shorten the rows `ids` of `table`, on TensorFlow or PyTorch.

    Args:
        table: what the Keras variable holds, shape (vocab, dim).
        ids: int32 or int64, shape (count,); those that name no row are left out.
        max_norm: the largest norm that is left alone.
        norm_type: p, 1 or more, or infinity.
    """
    exists = inside(ids, table.shape[0])
    if keras.backend.backend() == "tensorflow":
        distinct = tf.unique(tf.boolean_mask(ids, exists))[0]
        rows = tf.stop_gradient(tf.gather(table, distinct))
        table.scatter_update(tf.IndexedSlices(shortened(rows, max_norm, norm_type), distinct))
    else:
        kept = ids[exists]
        table.data[kept] = shortened(table.data[kept], max_norm, norm_type)
