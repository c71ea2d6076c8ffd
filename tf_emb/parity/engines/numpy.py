"""NumPy: the oracle itself, run at the dtype under test, as the yardstick for the rounding of others."""

import contextlib
import platform
import sys
from collections.abc import Mapping
from importlib.abc import MetaPathFinder
from typing import Any

import numpy as np

from tf_emb.parity.case import at_dtype
from tf_emb.parity.dtypes import as_numpy
from tf_emb.parity.engines.home import Home

ENGINES = {"numpy": Home(0, ("numpy",))}
# An oracle that could import what it judges would prove nothing, so here it cannot.
FORBIDDEN = ("tensorflow", "keras", "torch", "jax", "paddle", "gensim")
ALLOWED = ("tf_emb", "tf_emb.parity")


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
    """Return the engine; NumPy runs on the CPU, whatever device the others use.

    From here on the process cannot import a framework, nor any part of tf_emb but the harness itself.
    """
    for module in [*FORBIDDEN, *filter(_judged, sys.modules)]:
        sys.modules[module] = None  # type: ignore[assignment]
    sys.meta_path.insert(0, _Guard())
    return NumPy()


class _Guard(MetaPathFinder):
    """Refuses every part of tf_emb that a case may judge."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        """Raise ModuleNotFoundError where `fullname` is judged; leave the rest to the next finder."""
        if _judged(fullname):
            raise ModuleNotFoundError(f"the oracle's process cannot import {fullname}, which it judges", name=fullname)


def _judged(module: str) -> bool:
    return module.startswith("tf_emb.") and module not in ALLOWED and not module.startswith("tf_emb.parity.")
