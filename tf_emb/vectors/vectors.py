"""`Vectors`: a table of vectors, a label for every row, and whatever else is known of each row."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from tf_emb.vectors.search import Search

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

    from tf_emb.layers import Embedding

Column = Sequence[Any] | np.ndarray


class Vectors(Search):
    """Labelled vectors, with the methods of gensim's KeyedVectors.

    A key is a label, or the number of a row. A label that several rows share stands for the first of them; ask for
    the others by number. Labels are usually strings; any other hashable label is kept as it is, and takes precedence
    over a row number, as in gensim.

    Args:
        labels: shape (rows,).
        matrix: shape (rows, dim). It is not copied if it has the right dtype, and may be an `np.memmap`.
        columns: more about the rows by name, each of length rows: "count" for occurrences, classes, degrees ...
        dtype: of the table; None keeps that of `matrix` if it is a floating type of NumPy.

    Attributes:
        labels: shape (rows,); also `index_to_key`.
        matrix: shape (rows, dim), read-only, because norms are cached; also `vectors`.
        columns: by name.

    Raises:
        ValueError: `matrix` does not have two axes, or the lengths differ.
    """

    def __init__(
        self,
        labels: Sequence[Any] | np.ndarray,
        matrix: ArrayLike,
        columns: Mapping[str, Column] | None = None,
        *,
        dtype: DTypeLike | None = np.float32,
    ) -> None:
        self.labels: list[Any] = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
        self.matrix = _read_only(_table(matrix, dtype, len(self.labels)))
        self.columns: dict[str, Column] = dict(columns or {})
        for name, column in self.columns.items():
            if len(column) != len(self.labels):
                raise ValueError(
                    f"`columns[{name!r}]` must have {len(self.labels)} values, one per row; got {len(column)}. "
                    "Cut both to the same rows."
                )

    @property
    def vectors(self) -> np.ndarray:
        """The table, under gensim's name."""
        return self.matrix

    @property
    def index_to_key(self) -> list[Any]:
        """The labels, under gensim's name."""
        return self.labels

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the labels, as over a dictionary's keys."""
        return iter(self.labels)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        """Return the table: `np.asarray(vectors)` is `vectors.matrix`."""
        return np.array(self.matrix, dtype) if copy else np.asarray(self.matrix, dtype)

    def __repr__(self) -> str:
        return f"Vectors({len(self):,} x {self.vector_size}, columns {list(self.columns)})"

    def get_vecattr(self, key: Any, attr: str) -> Any:
        """Return the value of a key in a column, as `get_vecattr("king", "count")`."""
        return self.columns[attr][self.get_index(key)]

    def get_normed_vectors(self) -> np.ndarray:
        """Return a table of rows of length one, shape (rows, dim); rows of zeros stay."""
        return self.matrix / np.where(self.norms == 0, 1, self.norms)[:, None]

    def take(self, rows: np.ndarray) -> "Vectors":
        """Return some rows, in the order given.

        Args:
            rows: integers, shape (any number,); all rows in their order cause no copy of the table.
        """
        columns = {name: take(column, rows) for name, column in self.columns.items()}
        return Vectors(take(self.labels, rows), take(self.matrix, rows), columns, dtype=None)

    def with_columns(self, columns: Mapping[str, Column]) -> "Vectors":
        """Return the same vectors with more columns; see `columns`."""
        return Vectors(self.labels, self.matrix, self.columns | dict(columns), dtype=None)

    def keyed(self) -> "KeyedVectors":
        """Return a copy as gensim's KeyedVectors, with the column "count" as its attribute.

        Raises:
            ValueError: a label occurs twice.
            ImportError: gensim is not installed.
        """
        try:
            from gensim.models import KeyedVectors
        except ImportError:
            raise ImportError("KeyedVectors need the extra `gensim`: pip install 'tf-emb[gensim]'.") from None
        check_different(self.labels)
        found = KeyedVectors(self.vector_size)
        # Not add_vectors: it takes one call per row, and gensim 4.4 fails to unpack its `extras`.
        found.vectors, found.index_to_key = np.array(self.matrix, np.float32), list(self.labels)
        found.key_to_index = dict(self.key_to_index)
        if "count" in self.columns:
            found.expandos["count"] = np.array(self.columns["count"], np.int64)
        return found

    @classmethod
    def from_keyed(cls, vectors: "KeyedVectors") -> "Vectors":
        """Return gensim's KeyedVectors as `Vectors`, the table not copied.

        The column "count" is there unless gensim made the counts up: when it reads a file, which holds none, it fills
        in rows, rows - 1, ..., 1.
        """
        counts = getattr(vectors, "expandos", {}).get("count")
        known = counts is not None and not np.array_equal(counts, np.arange(len(vectors), 0, -1))
        return cls(vectors.index_to_key, vectors.vectors, {"count": np.asarray(counts)} if known else None, dtype=None)

    def to_embedding(self, freeze: bool = True, **kwargs: Any) -> "Embedding":
        """Return a Keras layer whose row i is the vector of `labels[i]`; `kwargs` are those of the layer."""
        from tf_emb.layers import Embedding

        return Embedding.from_pretrained(self.matrix, freeze, **kwargs)


def as_vectors(vectors: Any) -> Vectors:
    """Return `Vectors` as they are, and gensim's KeyedVectors as `Vectors`.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(vectors, Vectors):
        return vectors
    if hasattr(vectors, "index_to_key"):
        return Vectors.from_keyed(vectors)
    raise ValueError(
        f"`vectors` must be `Vectors` or gensim's KeyedVectors; got {type(vectors).__name__}. Pass "
        "Vectors(labels, matrix), or a model's .vectors() or .wv."
    )


def take(values: Any, rows: np.ndarray) -> Any:
    """Return the values of some rows: an array of an array, a list of anything else."""
    if len(rows) == len(values) and np.array_equal(rows, np.arange(len(rows))):  # no copy of a large table
        return values if isinstance(values, np.ndarray) else list(values)
    if isinstance(values, np.ndarray):
        return values[rows]
    return [values[i] for i in rows]


def repeated(labels: Sequence[Any]) -> list[tuple[int, int]]:
    """Return, for every row whose label an earlier row has, the first such row and the row itself."""
    first: dict[Any, int] = {}
    return [(first[label], i) for i, label in enumerate(labels) if first.setdefault(label, i) != i]


def check_different(labels: Sequence[Any]) -> None:
    """Refuse a label that occurs twice."""
    twice = repeated(labels)
    if twice:
        (first, second), names = twice[0], {labels[row] for _, row in twice}
        raise ValueError(
            f"`labels` must be different; got {labels[first]!r} in rows {first} and {second}, and {len(names)} "
            "such labels in all. Keep one row per label."
        )


def _table(matrix: ArrayLike, dtype: DTypeLike | None, rows: int) -> np.ndarray:
    mapped = isinstance(matrix, np.memmap)  # which stays one; other subclasses of arrays have other rules
    try:
        table = np.asanyarray(matrix, dtype) if mapped else np.asarray(matrix, dtype)
        if not np.issubdtype(table.dtype, np.floating):
            table = table.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`matrix` must be numbers in rows of one length; got {error}. Correct them.") from None
    if table.ndim != 2 or len(table) != rows:
        raise ValueError(
            f"`matrix` must have shape ({rows}, dim), one row per label; got {table.shape}. Cut both to the same rows."
        )
    return table


def _read_only(table: np.ndarray) -> np.ndarray:
    view = table.view()
    view.flags.writeable = False
    return view
