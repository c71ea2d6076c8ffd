"""Embeddings of other kinds, one file or folder each: every method returns `Vectors`, or a model that has them.

A method is imported when it is first used, as `tf_emb.methods.kernel` or as
`from tf_emb.methods.kernel import random_fourier_features`: some load TensorFlow, others NumPy alone.
"""

import importlib
import pkgutil
from typing import Any

__all__ = sorted(module.name for module in pkgutil.iter_modules(__path__))


def __getattr__(name: str) -> Any:
    """Import a method's module on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}.")
    return importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    """List the methods, loaded or not."""
    return __all__
