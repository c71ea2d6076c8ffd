"""What an engine is, and where it lives: the vocabulary that every file of this package shares."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np


class Home(NamedTuple):
    """Where an engine comes from.

    Attributes:
        column: its place in a report; engines are listed in ascending order.
        needs: packages that must be installed.
        quick: whether `--quick` runs it.
        extra: the extra of tf-emb that installs it: `pip install 'tf-emb[extra]'`.
        module: the module whose `load_engine` starts it; filled in by the package.
    """

    column: float
    needs: tuple[str, ...]
    quick: bool = True
    extra: str = "compare"
    module: str = ""

    @property
    def optional(self) -> bool:
        """Whether the extra `compare` leaves it out; where it is absent, a report names it but gives it no column."""
        return self.extra != "compare"


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


def no_device(name: str, device: str) -> ValueError:
    """Return the error of an engine that cannot run on `device`."""
    return ValueError(f"`--device` must be one that {name} can use; got {device!r}. Use --device cpu.")
