"""A surface: one way by which something that nobody of us has made comes in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Surface:
    """How an input is made, and how it is given to the product.

    An input depends on the generator alone, so that its number makes it again. What takes long once, such as an import
    or a valid file to mutate, belongs to the first call of `make`, which no limit of time holds.

    Attributes:
        name: as printed.
        make: makes one input in the empty folder given, and returns what `use` takes.
        use: gives it to the product; returns, or raises. The folder is the current one.
    """

    name: str
    make: Callable[[np.random.Generator, Path], Path | Any]
    use: Callable[[Any], object]
