"""gensim: an independent, compiled word2vec, at float32 on the CPU."""

import contextlib
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np

from tf_emb.parity.engines.home import Home

ENGINES = {"gensim": Home(7, ("gensim",))}


class Gensim:
    """Plain arrays on the CPU, whatever device the others use: gensim supports no other."""

    device = "cpu"

    def __init__(self) -> None:
        import gensim

        self.gensim = gensim

    def versions(self) -> dict[str, str]:
        """Return the versions of gensim, and of SciPy, whose BLAS multiplies its rows."""
        return {"gensim": str(self.gensim.__version__), "scipy": metadata.version("scipy")}

    def load(self, x: Mapping[str, np.ndarray], dtype: str) -> dict[str, Any]:
        """Return arrays; 0-d entries as Python numbers."""
        return {name: array if np.ndim(array) else array.item() for name, array in x.items()}

    def scope(self) -> Any:
        """Nothing to enter."""
        return contextlib.nullcontext()

    def unload(self, value: Any) -> np.ndarray:
        """Return `value` as an array."""
        return np.asarray(value)


def load_engine(name: str, device: str) -> Gensim:
    """Return the engine."""
    return Gensim()
