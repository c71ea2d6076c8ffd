"""Engines, one file a framework. Each runs in a process of its own; none is imported by the parent."""

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

# Engine name -> (module, packages that must be installed).
HOMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "numpy": ("compare.engines.numpy", ("numpy",)),
    "torch": ("compare.engines.torch", ("torch",)),
    "keras-tensorflow": ("compare.engines.keras", ("keras", "tensorflow")),
    "keras-graph": ("compare.engines.keras", ("keras", "tensorflow")),
    "keras-xla": ("compare.engines.keras", ("keras", "tensorflow")),
    "keras-jax": ("compare.engines.keras", ("keras", "jax")),
    "keras-torch": ("compare.engines.keras", ("keras", "torch")),
    "gensim": ("compare.engines.gensim", ("gensim",)),
}
DEVICES = ("cpu", "gpu")


class Engine(Protocol):
    """What a worker needs of a framework."""

    device: str

    def versions(self) -> dict[str, str]:
        """Return package names and versions."""

    def load(self, x: Mapping[str, np.ndarray], dtype: str) -> dict[str, Any]:
        """Return `x` as the framework's tensors on the device; 0-d entries as Python numbers."""

    def scope(self) -> Any:
        """Return a context manager under which implementations run on the device."""

    def unload(self, value: Any) -> np.ndarray:
        """Return an output as a NumPy array."""


def missing(name: str) -> list[str]:
    """Return the packages that engine `name` needs and that are not installed."""
    return [package for package in HOMES[name][1] if importlib.util.find_spec(package) is None]


def start(name: str, device: str) -> Engine:
    """Load engine `name` on `device`.

    Raises:
        ImportError: the framework is not installed.
        ValueError: it sees no such device.
    """
    return importlib.import_module(HOMES[name][0]).load_engine(name, device)


def no_device(name: str, device: str) -> ValueError:
    """Return the error of an engine that cannot run on `device`."""
    return ValueError(f"`--device` must be one that {name} sees; got {device!r}. Use --device cpu.")
