"""Sums and maxima of segments, at the dtype of the values on every backend.

Keras 3.15's segment operations on PyTorch compute into a float32 buffer whatever the values are
(keras/src/backend/torch/math.py, _segment_reduction_fn): float64 loses half its digits, integers become floats.
"""

from typing import Any

import keras
from keras import ops


def segment_sum(values: Any, segment: Any, count: Any) -> Any:
    """Return the sum of `values` in each of `count` segments.

    Args:
        values: shape (places, ...).
        segment: int32, shape (places,).
        count: how many segments.
    """
    if keras.backend.backend() == "torch":
        zeros = ops.zeros((count, *values.shape[1:]), dtype=keras.backend.standardize_dtype(values.dtype))
        return zeros.index_add(0, segment, values)
    return ops.segment_sum(values, segment, num_segments=count)


def gathered_sum(rows: Any, place: Any, segment: Any, count: Any, weights: Any, learned: bool) -> Any:
    """Return, for each of `count` segments, the sum of weights[p] rows[place[p]] over its places p.

    Args:
        rows: shape (distinct, dim).
        place: int32, shape (places,); None where there is a row for every place.
        segment: int32, shape (places,), not decreasing.
        count: how many segments.
        weights: shape (places,), the dtype of `rows`.
        learned: whether `weights` need a gradient.
    """
    if place is None:
        return segment_sum(rows * weights[:, None], segment, count)
    from tf_emb.ops import places  # TensorFlow's

    return places.gathered_sum(rows, place, segment, count, weights, learned)


def spread(rows: Any, place: Any) -> Any:
    """Return the row of each place; `place` as above."""
    if place is None:
        return rows
    from tf_emb.ops import places

    return places.spread(rows, place)


def segment_max(values: Any, segment: Any, count: Any) -> Any:
    """Return the largest of `values` in each of `count` segments, without gradient.

    A segment without values holds an arbitrary number.

    Args:
        values: shape (places, dim).
        segment: int32, shape (places,).
        count: how many segments.
    """
    if keras.backend.backend() == "torch":
        index = ops.cast(ops.broadcast_to(segment[:, None], values.shape), "int64")
        zeros = ops.zeros((count, *values.shape[1:]), dtype=keras.backend.standardize_dtype(values.dtype))
        return zeros.scatter_reduce(0, index, values, "amax", include_self=False)
    return ops.segment_max(values, segment, num_segments=count)
