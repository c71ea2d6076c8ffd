"""The floating-point formats under test, and bfloat16 in NumPy, which knows it through ml_dtypes alone.

Imports NumPy; and ml_dtypes, which TensorFlow and JAX install, only when bfloat16 is needed.
"""

import numpy as np

# Significand bits with the implicit one, and the exponent of the smallest normal number (IEEE 754-2019, table
# 3.5; bfloat16 is float32 without its last 16 bits).
FORMATS = {"float64": (53, -1022), "float32": (24, -126), "bfloat16": (8, -126), "float16": (11, -14)}
DTYPES = tuple(FORMATS)
WIDE = ("float64", "float32")
LOW = tuple(dtype for dtype in DTYPES if dtype not in WIDE)


def unit_roundoff(dtype: str) -> float:
    """Return u = eps / 2, the largest relative error of one correctly rounded operation."""
    return 2.0 ** -FORMATS[dtype][0]


def smallest_normal(dtype: str) -> float:
    """Return the smallest normal number: the most that flushing to zero may cost an operation."""
    return 2.0 ** FORMATS[dtype][1]


def spacing(x: np.ndarray, dtype: str) -> np.ndarray:
    """Return the unit in the last place of each `x` at `dtype`, as float64; at 0, that of the smallest normal."""
    exponent = np.frexp(np.maximum(np.abs(x), smallest_normal(dtype)))[1]
    unit: np.ndarray = np.ldexp(1.0, exponent - FORMATS[dtype][0])
    return unit


def as_numpy(dtype: str) -> np.dtype:
    """Return the NumPy dtype of that name."""
    if dtype != "bfloat16":
        return np.dtype(dtype)
    import ml_dtypes

    bfloat16: np.dtype = np.dtype(ml_dtypes.bfloat16)
    return bfloat16


def is_floating(array: np.ndarray) -> bool:
    """Return whether an array holds floating-point numbers; the kind of bfloat16 is "V", that of raw bytes."""
    return array.dtype.kind == "f" or array.dtype.name == "bfloat16"


def gamma(n: np.ndarray | float, u: float) -> np.ndarray:
    """Return n u / (1 - n u), the bound of n accumulated roundings (Higham 2002, lemma 3.1).

    Raises:
        ValueError: n u is 1 or more: there is no bound, and the formula would give a negative one.
    """
    if np.max(n, initial=0) * u >= 1:
        raise ValueError(
            f"`n` must be below 1 / u = {1 / u:.0f} roundings; got {np.max(n):.0f}. "
            "Draw inputs with shorter sums, or make no claim at this dtype."
        )
    return np.asarray(n * u / (1 - n * u))
