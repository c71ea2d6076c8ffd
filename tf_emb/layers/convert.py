"""To and from PyTorch modules, and from labelled vectors, for `Embedding`. Nothing here imports torch."""

import sys
from typing import TYPE_CHECKING, Any, Self

import keras
import numpy as np

from tf_emb.layers.words import as_table

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


class Conversions:
    """Constructors from other libraries' tables, and ways back."""

    @classmethod
    def from_pretrained(cls, matrix: Any = None, freeze: bool = True, **kwargs: Any) -> Self:
        """Return a layer that holds `matrix`, the padding row as it is given.

        Args:
            matrix: shape (vocab, dim): an array, a tensor of any library, nested lists; or what has such `vectors`,
                as gensim's KeyedVectors and `tf_emb.Vectors` do. Its dtype, if it has one, becomes the layer's
                unless `dtype` is given.
            freeze: whether the table is not trained.
            **kwargs: what the class takes. PyTorch's `embeddings` is `matrix`, and `_freeze` is `freeze`.

        Raises:
            TypeError: `matrix` is missing, or given twice.
            ValueError: `matrix` does not have two axes.
        """
        if (matrix is None) == (kwargs.get("embeddings") is None):
            raise TypeError("`matrix` must be given once, under this name or `embeddings`. Give the table alone.")
        matrix = kwargs.pop("embeddings", None) if matrix is None else matrix
        freeze = kwargs.pop("_freeze", freeze)
        matrix = getattr(matrix, "vectors", matrix)
        if str(getattr(matrix, "dtype", None)) == "torch.bfloat16":  # which becomes float32 on its way, exactly
            kwargs.setdefault("dtype", "bfloat16")
        table = as_table(matrix)
        if table.ndim != 2 or 0 in table.shape:
            raise ValueError(f"`matrix` must have shape (vocab, dim); got {table.shape}. Give one row a word.")
        floating = hasattr(matrix, "dtype") and keras.backend.is_float_dtype(table.dtype.name)
        kwargs.setdefault("dtype", table.dtype.name if floating else keras.config.floatx())
        return cls(*table.shape, weights=table, trainable=not freeze, **kwargs)  # type: ignore[call-arg]

    @classmethod
    def from_torch(cls, module: Any, **kwargs: Any) -> Self:
        """Return a layer with the table and every argument of a `torch.nn.Embedding`.

        It is trained if the module's weight requires a gradient. `sparse` stays what it is here: the numbers are
        those of a dense gradient, because the gradient of a lookup is summed before an optimizer sees it.

        Args:
            module: a torch.nn.Embedding, on any device.
            **kwargs: what the class takes beyond.
        """
        names = ("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq")
        own = {name: getattr(module, name) for name in names}
        weight = module.weight
        return cls.from_pretrained(weight, freeze=not weight.requires_grad, **own, **kwargs)

    @classmethod
    def from_keyed_vectors(cls, vectors: "KeyedVectors", freeze: bool = True, **kwargs: Any) -> Self:
        """Return a layer whose row i is the vector of `vectors.index_to_key[i]`, gensim's or a `tf_emb.Vectors`."""
        return cls.from_pretrained(vectors, freeze, **kwargs)

    def to_torch(self, sparse: bool = False) -> Any:
        """Return a `torch.nn.Embedding` with this layer's table and arguments.

        Args:
            sparse: whether the module's gradients are sparse, which only some of PyTorch's optimizers take.

        Raises:
            ValueError: the layer trains some of its rows, which PyTorch's does not.
            RuntimeError: PyTorch has not been imported. This package never imports it by itself.
        """
        torch = sys.modules.get("torch")
        if torch is None:
            raise RuntimeError("`to_torch` must find torch imported; it is not. Write `import torch` first.")
        if self.trainable_rows is not None:  # type: ignore[attr-defined]
            raise ValueError(
                "`trainable_rows` must be None: PyTorch trains a table as a whole. Freeze it, or mask grad."
            )
        kind, own = self._torch_class()
        matrix = self.matrix()
        exact = matrix.astype(np.float32) if matrix.dtype.name == "bfloat16" else matrix
        return kind.from_pretrained(
            torch.from_numpy(exact).to(getattr(torch, matrix.dtype.name)),
            freeze=not self.trainable,  # type: ignore[attr-defined]
            sparse=sparse,
            **{name: getattr(self, name) for name in ("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq")},
            **own,
        )

    def _torch_class(self) -> tuple[Any, dict[str, Any]]:
        """Return PyTorch's class for this layer, and the arguments that only it takes."""
        return sys.modules["torch"].nn.Embedding, {}

    def matrix(self) -> np.ndarray:
        """Return a copy of the table as rows are read, shape (vocab, dim), at its own dtype: numbers, if quantised."""
        return np.array(keras.ops.convert_to_numpy(keras.ops.copy(self._as_read())))  # type: ignore[attr-defined]
