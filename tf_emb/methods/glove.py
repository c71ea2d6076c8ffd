"""GloVe: vectors whose products are the logarithms of co-occurrences.

    E = 1/2 sum over cells of f(X_ij) (w_i . w~_j + b_i + b~_j - log X_ij)^2,  f(x) = min(1, x / x_max)^alpha
    e_ij = f(X_ij) (w_i . w~_j + b_i + b~_j - log X_ij)
    dE/dw_i = sum_j e_ij w~_j,  dE/dw~_j = sum_i e_ij w_i,  dE/db_i = sum_j e_ij,  dE/db~_j = sum_i e_ij

Pennington, Socher and Manning 2014, "GloVe: Global Vectors for Word Representation", equations 8 and 9. The vector of a
word is w_i + w~_i (section 4.2).

A step takes many cells, drawn from the whole matrix, by AdaGrad (Duchi, Hazan and Singer 2011), with t = rate g:

    a += t^2,  w -= t / sqrt(a),  a = 1 at first

The authors' program takes one cell per step and adds t^2 to `a` after the step. Here g is a sum over all cells of a row
in the step, from one state, and adding it first keeps the step below 1 however many there are. As in the program, the
learning rate of the biases is 1.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from tf_emb.corpus import EncodedCorpus, prepare
from tf_emb.corpus.checks import MOST_THREADS, integer, number, seed_of, shown
from tf_emb.corpus.pairs import check_pairs
from tf_emb.methods.cooccurrence import Cooccurrences, cooccurrences
from tf_emb.ops.csr import csr_matrix, csr_product, csr_transposed
from tf_emb.threads import run_threads
from tf_emb.vectors import Vectors

Tables = tuple[Any, Any, Any, Any]


def weights(x: np.ndarray, *, x_max: float = 100.0, alpha: float = 0.75) -> np.ndarray:
    """Return f(x) = min(1, x / x_max)^alpha, the shape and dtype of `x`.

    Raises:
        ValueError: `x_max` is not above 0, or `alpha` not a finite number.
    """
    x_max = number("x_max", x_max, "a number above 0", lambda value: value > 0, "The paper's is 100.")
    alpha = number("alpha", alpha, "a finite number", remedy="The paper's is 0.75.")
    return np.minimum(x / x_max, 1) ** np.asarray(alpha, x.dtype)


def start_tables(vocab: int, dim: int, seed: int = 0, dtype: Any = tf.float32) -> Tables:
    """Return words, contexts and their accumulators, TensorFlow variables of shape (vocab, dim + 2).

    A word's row is [w, b, 1] and a context's [w~, 1, b~], so that their product includes the biases. Values are
    uniform in (-1/2, 1/2) / dim, as in the authors' program; accumulators are 1.

    Raises:
        ValueError: `vocab` or `dim` is not an integer of 1 or more, or `seed` no seed.
    """
    integer("vocab", vocab, remedy="Use len(vocabulary).")
    integer("dim", dim, remedy="Use 100.")
    seed = seed_of(seed)
    draw = np.random.default_rng(seed)
    sides = [(draw.random((vocab, dim + 2)) - 0.5) / dim for _ in range(2)]
    sides[0][:, dim + 1] = sides[1][:, dim] = 1
    accumulators = [tf.ones((vocab, dim + 2), dtype) for _ in sides]
    return tuple(tf.Variable(tf.cast(of, dtype)) for of in (*sides, *accumulators))


def rates(dim: int, rate: float, dtype: Any) -> tuple[Any, Any]:
    """Return the learning rate of every column of words and of contexts: 1 for the biases, 0 for the constant ones."""
    return tuple(tf.constant([rate] * dim + last, dtype) for last in ([1, 0], [0, 1]))


def slopes(left: Any, right: Any, row: Any, column: Any, log_x: Any, f: Any) -> tuple[Any, Any, Any]:
    """Return E of a batch of cells, and its gradients.

    Args:
        left: shape (rows, dim + 2), see `start_tables`.
        right: shape (columns, dim + 2).
        row: int32, shape (cells,), the row of `left` for each cell, nondecreasing.
        column: int32, shape (cells,), likewise of `right`.
        log_x: shape (cells,), log X.
        f: shape (cells,), the weight of each cell.
    """
    product = tf.gather(left, row) * tf.gather(right, column)
    # A product with ones adds up rows faster than TensorFlow's reduction of a last axis.
    far = tf.matmul(product, tf.ones((left.shape[1], 1), left.dtype))[:, 0] - log_x
    e = f * far
    matrix = csr_matrix(row, column, e, tf.shape(left)[0], tf.shape(right)[0])
    of_left = csr_product(matrix, right, tf.shape(left)[0])
    of_right = csr_product(csr_transposed(matrix, e.dtype), left, tf.shape(right)[0])
    return tf.reduce_sum(e * far) / 2, of_left, of_right


def take_step(tables: Tables, rate: tuple[Any, Any], row: Any, column: Any, log_x: Any, f: Any) -> Any:
    """Take one AdaGrad step on a batch of cells, and return their E before it.

    Args:
        tables: see `start_tables`; changed in place.
        rate: see `rates`.
        row: int32, shape (cells,), ids of words, nondecreasing.
        column: int32, shape (cells,), ids of contexts.
        log_x: shape (cells,), log X.
        f: shape (cells,), the weight of each cell.
    """
    (left_ids, of_row), (right_ids, of_column) = tf.unique(row), tf.unique(column)
    left, right = tf.gather(tables[0], left_ids), tf.gather(tables[1], right_ids)
    loss, of_left, of_right = slopes(left, right, of_row, of_column, log_x, f)
    _descend(tables[0], tables[2], left_ids, left, rate[0] * of_left)
    _descend(tables[1], tables[3], right_ids, right, rate[1] * of_right)
    return loss


def _descend(table: Any, accumulator: Any, ids: Any, rows: Any, change: Any) -> None:
    held = tf.gather(accumulator, ids) + tf.square(change)
    accumulator.scatter_update(tf.IndexedSlices(held, ids))
    table.scatter_update(tf.IndexedSlices(rows - change / tf.sqrt(held), ids))


def fit_cells(
    cells: Cooccurrences,
    tables: Tables,
    *,
    x_max: float = 100.0,
    alpha: float = 0.75,
    rate: float = 0.05,
    epochs: int = 15,
    batch: int = 16_384,
    threads: int = 1,
    seed: int = 0,
) -> list[float]:
    """Train the tables on cells, and return the mean E per cell of every epoch.

    Args:
        cells: see `cooccurrences`.
        tables: see `start_tables`; changed in place.
        x_max: the value from which cells weigh 1.
        alpha: the exponent by which weights fall below it.
        rate: the learning rate of the vectors.
        epochs: passes over the cells.
        batch: cells per step, drawn at random once; the order of the steps is drawn anew in each epoch.
        threads: threads that share the tables without locks; with more than one, runs differ.
        seed: the seed of every random draw.

    Raises:
        ValueError: there are no cells, one has no row in `tables`, or a number is out of its range.
    """
    _check_cells(cells, tables)
    rate = number("rate", rate, "a number above 0", lambda value: value > 0, "The default is 0.05.")
    for name, value in {"epochs": epochs, "batch": batch}.items():
        integer(name, value, remedy="Use 1 or more.")
    integer("threads", threads, 1, MOST_THREADS, "Use 1, or the number of cores.")
    seed = seed_of(seed)
    draw = np.random.default_rng(seed)
    dtype = tables[0].dtype
    log_x = np.log(cells.value).astype(dtype.as_numpy_dtype)
    f = weights(cells.value, x_max=x_max, alpha=alpha).astype(dtype.as_numpy_dtype)
    by_column = rates(tables[0].shape[1] - 2, rate, dtype)
    kinds = [tf.TensorSpec([None], of) for of in (tf.int32, tf.int32, dtype, dtype)]
    step = tf.function(lambda *cell: take_step(tables, by_column, *cell)).get_concrete_function(*kinds)
    parts = np.array_split(draw.permutation(len(cells)), -(-len(cells) // batch))
    for part in parts:
        part.sort()  # cells are ordered by row

    def train(part: np.ndarray, epoch: int) -> tuple[int, float]:
        given = (cells.row[part], cells.column[part], log_x[part], f[part])
        return epoch, float(step(*map(tf.constant, given)))

    def jobs() -> Iterator[Callable[[], Any]]:
        for epoch in range(epochs):
            yield from (partial(train, parts[i], epoch) for i in draw.permutation(len(parts)))

    sums = np.zeros(epochs)

    def note(found: tuple[int, float]) -> bool:
        sums[found[0]] += found[1]
        return False

    run_threads(jobs(), threads, note)
    return list(sums / len(cells))


def _check_cells(cells: Any, tables: Tables) -> None:
    if not isinstance(cells, Cooccurrences):
        raise ValueError(f"`cells` must be Cooccurrences; got {shown(cells)}. Use cooccurrences(ids, vocab).")
    if not len(cells):
        raise ValueError("`cells` must hold at least one cell; got none. Give more text, or lower `min_count`.")
    if not (np.isfinite(cells.value) & (cells.value > 0)).all():
        raise ValueError("`cells` must have finite values above 0; got another. Use cooccurrences(ids, vocab).")
    rows, last = tables[0].shape[0], max(int(cells.row.max()), int(cells.column.max()))
    if last >= rows or min(int(cells.row.min()), int(cells.column.min())) < 0:
        raise ValueError(
            f"`tables` must have a row for each word; got {rows}, and a cell of word {last}. Make them new."
        )


def train_glove(
    corpus: Any, dim: int = 100, *, window: int = 15, min_count: int = 5, seed: int = 0, **kwargs: Any
) -> Vectors:
    """Return the GloVe vectors of a corpus, with the counts of the words as a column.

    Args:
        corpus: an `EncodedCorpus`, or what `tf_emb.corpus.prepare` takes: a file, a stream, lists of tokens.
        dim: the size of the vectors.
        window: the largest distance at which words count as near.
        min_count: words seen less often are left out.
        seed: the seed of every random draw.
        **kwargs: arguments of `fit_cells`: x_max, alpha, rate, epochs, batch, threads.

    Raises:
        ValueError: the corpus cannot be read, or leaves nothing to learn.
    """
    integer("dim", dim, remedy="Use 100.")
    seed = seed_of(seed)
    of = corpus if isinstance(corpus, EncodedCorpus) else prepare(corpus, min_count=min_count)
    check_pairs(of)
    tables = start_tables(len(of.vocabulary), dim, seed)
    fit_cells(cooccurrences(of.ids, len(of.vocabulary), window=window), tables, seed=seed, **kwargs)
    matrix = (tables[0] + tables[1]).numpy()[:, :dim]
    return Vectors(of.vocabulary.words, matrix, {"count": of.vocabulary.counts.tolist()})
