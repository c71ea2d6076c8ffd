"""Engines, one file a framework. Each runs in a process of its own; none is imported by the parent."""

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np


class Home(NamedTuple):
    """Where an engine is.

    Attributes:
        module: holds its `load_engine`.
        needs: packages that must be installed.
        quick: whether `--quick` runs it.
        extra: what to install with `pip install -e '.[extra]'`.
    """

    module: str
    needs: tuple[str, ...]
    quick: bool = True
    extra: str = "compare"

    @property
    def optional(self) -> bool:
        """Whether `make` leaves it out: where it is absent it is named, but has no column of its own."""
        return self.extra != "compare"


HOMES = {
    "numpy": Home("compare.engines.numpy", ("numpy",)),
    "torch": Home("compare.engines.torch", ("torch",)),
    "keras-tensorflow": Home("compare.engines.keras", ("keras", "tensorflow")),
    # Compiling every job with XLA would take half of the quick minute; JAX goes through the same compiler.
    "keras-graph": Home("compare.engines.keras", ("keras", "tensorflow"), quick=False),
    "keras-xla": Home("compare.engines.keras", ("keras", "tensorflow"), quick=False),
    "keras-jax": Home("compare.engines.keras", ("keras", "jax")),
    "keras-torch": Home("compare.engines.keras", ("keras", "torch")),
    # It is a dependency of tf_emb itself.
    "gensim": Home("compare.engines.gensim", ("gensim",)),
    "paddle": Home("compare.engines.paddle", ("paddle",), quick=False, extra="paddle"),
}
# Every way to run a Keras layer. A case whose layers are Keras 3's implements all of them with one function.
KERAS = tuple(name for name in HOMES if name.startswith("keras-"))
KERAS_TENSORFLOW = tuple(name for name in KERAS if "tensorflow" in HOMES[name].needs)
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
    return [package for package in HOMES[name].needs if importlib.util.find_spec(package) is None]


def start(name: str, device: str) -> Engine:
    """Load engine `name` on `device`.

    Raises:
        ImportError: the framework is not installed.
        ValueError: it sees no such device.
    """
    return importlib.import_module(HOMES[name].module).load_engine(name, device)


def no_device(name: str, device: str) -> ValueError:
    """Return the error of an engine that cannot run on `device`."""
    return ValueError(f"`--device` must be one that {name} sees; got {device!r}. Use --device cpu.")
