"""What is claimed, grouped as the library is. A module that defines `CASES` is found by itself."""

from collections.abc import Mapping

import numpy as np


def parameters(values: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Return numbers as the 0-d arrays by which a case's inputs hold them."""
    return {name: np.array(value) for name, value in values.items()}
