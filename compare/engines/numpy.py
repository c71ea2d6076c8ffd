"""NumPy: the oracle itself, run at the dtype under test, as the yardstick for everyone's rounding."""

import contextlib
import platform
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.case import at_dtype
from compare.dtypes import as_numpy

# An oracle that could import what it judges would prove nothing: here it cannot.
FORBIDDEN = ("tf_emb", "tensorflow", "keras", "torch", "jax", "paddle", "gensim")


class NumPy:
    """Plain arrays on the CPU.

    NumPy has no arithmetic of its own at bfloat16: there the oracle runs at float32, and its outputs are rounded.
    """

    device = "cpu"
    narrow = False

    def versions(self) -> dict[str, str]:
        """Return the versions of NumPy and Python."""
        return {"numpy": np.__version__, "python": platform.python_version()}

    def load(self, x: Mapping[str, np.ndarray], dtype: str) -> dict[str, Any]:
        """Return the arrays as they are, bfloat16 as float32."""
        self.narrow = dtype == "bfloat16"
        return at_dtype(x, "float32") if self.narrow else dict(x)

    def scope(self) -> Any:
        """Nothing to enter."""
        return contextlib.nullcontext()

    def unload(self, value: Any) -> np.ndarray:
        """Return `value` as an array."""
        array = np.asarray(value)
        return array.astype(as_numpy("bfloat16")) if self.narrow and array.dtype == np.float32 else array


def load_engine(name: str, device: str) -> NumPy:
    """Return the engine; NumPy knows one device, and runs on it whatever the others run on."""
    for name in FORBIDDEN:
        sys.modules[name] = None  # type: ignore[assignment]
    return NumPy()
