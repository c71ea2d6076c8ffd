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
