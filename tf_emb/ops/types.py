"""Names that say, in a signature, what a tensor holds: its dtype and its shape.

Keras and TensorFlow ship without type information and three backends run the same code, so mypy sees what all tensors
have in common (`Tensor`) and nothing of shape or dtype: those are for the reader, and are kept by the tests.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias


class Tensor(Protocol):
    """A floating-point tensor of any shape, of whichever backend is running; NumPy arrays have its methods too."""

    @property
    def shape(self) -> Any:
        """The size of each axis; None where a symbolic tensor does not know it."""

    @property
    def dtype(self) -> Any:
        """A name, or the backend's own object."""

    def __getitem__(self, key: Any, /) -> Any: ...
    def __add__(self, other: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Any: ...
    def __rsub__(self, other: Any, /) -> Any: ...
    def __mul__(self, other: Any, /) -> Any: ...
    def __truediv__(self, other: Any, /) -> Any: ...
    def __pow__(self, other: Any, /) -> Any: ...
    def __neg__(self) -> Any: ...
    def __eq__(self, other: Any, /) -> Any: ...
    def __ne__(self, other: Any, /) -> Any: ...
    def __lt__(self, other: Any, /) -> Any: ...
    def __ge__(self, other: Any, /) -> Any: ...
    def __gt__(self, other: Any, /) -> Any: ...


Output: TypeAlias = Any  # a tensor of the backend that is running, with all its methods; the docstring has its shape
Rows: TypeAlias = Tensor  # shape (rows, dim); (..., dim) beside ids of any shape
Table: TypeAlias = Tensor  # shape (vocab, dim): a tensor, or a Keras variable
Held: TypeAlias = Any  # what a Keras variable holds: a tf.Variable, a torch.nn.Parameter or a JAX array
Weights: TypeAlias = Tensor  # shape (places,): one number per place
Ids: TypeAlias = Tensor  # integers of any width and shape: a tensor, or a NumPy array
Index: TypeAlias = Tensor  # int32 or int64, shape (places,): the row, or the segment, that each place belongs to
Mask: TypeAlias = Tensor  # bool, the shape of what it masks
Count: TypeAlias = int | Tensor  # a number of rows or segments: an int, or an integer scalar tensor in a graph
DType: TypeAlias = Any  # a name such as "float32", or the backend's own object
Shape: TypeAlias = Any  # a tuple of ints, None for an unknown size; Keras nests the shapes of several inputs
CSRMatrix: TypeAlias = Any  # TensorFlow's variant tensor that holds a sparse matrix
Graph: TypeAlias = Any  # a tf.Graph that is being built
Initializer: TypeAlias = str | Callable[..., Tensor]  # what keras.initializers.get takes


class Variable(Tensor, Protocol):
    """A Keras variable."""

    value: Any

    def assign(self, value: Any, /) -> Any:
        """Set the value."""


class Slices(Protocol):
    """The gradient of some rows of a table, a tf.IndexedSlices."""

    values: Any  # shape (slices, dim)
    indices: Any  # int32 or int64, shape (slices,): the row of each slice
    dense_shape: Any  # the table's
