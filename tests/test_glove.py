"""GloVe: what is counted, that training fits it, and that a seed decides all."""

import numpy as np
import pytest

from tf_emb.corpus import lee_background
from tf_emb.methods.cooccurrence import Cooccurrences, cooccurrences
from tf_emb.methods.glove import fit_cells, start_tables, train_glove, weights

IDS = np.array([0, 1, 2, 0, -1, 1, 1, -1, -1, 2], np.int32)


def dense(found, vocab=3):
    table = np.zeros((vocab, vocab))
    table[found.row, found.column] = found.value
    return table


def test_cells_are_sums_of_inverse_distances_within_sentences():
    assert np.array_equal(dense(cooccurrences(IDS, 3, window=2)), [[0, 1.5, 1.5], [1.5, 2, 1], [1.5, 1, 0]])
    assert dense(cooccurrences(IDS, 3, window=3))[0, 0] == pytest.approx(2 / 3)


def test_cells_do_not_depend_on_the_pieces():
    ids = np.random.default_rng(0).integers(-1, 9, 500).astype(np.int32)
    whole = cooccurrences(ids, 9, window=5)
    for piece in (1, 3, 7, 250):
        parts = cooccurrences(ids, 9, window=5, piece=piece)
        assert np.array_equal(parts.row, whole.row)
        assert np.array_equal(parts.column, whole.column)
        np.testing.assert_allclose(parts.value, whole.value, rtol=1e-13)


def test_a_window_below_one_and_no_cells_are_refused():
    with pytest.raises(ValueError, match="`window` must be an integer of 1 or more; got 0"):
        cooccurrences(IDS, 3, window=0)
    with pytest.raises(ValueError, match="`cells` must hold at least one cell"):
        fit_cells(cooccurrences(IDS[:1], 3, window=2), start_tables(3, 2))


def test_weights_rise_to_one_at_x_max():
    np.testing.assert_allclose(weights(np.array([0.0, 6.25, 100, 400])), [0, 0.125, 1, 1])


def test_tables_of_low_rank_are_found():
    draw = np.random.default_rng(0)
    log_x = draw.normal(size=(12, 2)) @ draw.normal(size=(2, 12))
    row, column = np.divmod(np.arange(144, dtype=np.int32), 12)
    tables = start_tables(12, 4)
    losses = fit_cells(
        Cooccurrences(row, column, np.exp(log_x).ravel()), tables, x_max=1e-9, epochs=400, batch=48, rate=0.5
    )
    assert losses[-1] < 1e-3 * losses[0]
    np.testing.assert_allclose(tables[0].numpy() @ tables[1].numpy().T, log_x, atol=0.2)
    assert np.all(tables[0].numpy()[:, -1] == 1)
    assert np.all(tables[1].numpy()[:, -2] == 1)


@pytest.mark.parametrize("threads", [1, 2])
def test_vectors_of_text_come_with_counts(threads):
    found = train_glove(lee_background()[:20], 8, window=4, epochs=2, batch=512, threads=threads)
    assert found.matrix.shape == (len(found.labels), 8)
    assert found.matrix.dtype == np.float32
    assert found.columns["count"][0] == max(found.columns["count"])
    assert np.isfinite(found.matrix).all()


def test_the_seed_decides_all_with_one_thread():
    one, same, other = (train_glove(lee_background()[:10], 4, epochs=1, seed=seed).matrix for seed in (1, 1, 2))
    np.testing.assert_allclose(one, same, rtol=1e-4, atol=1e-6)  # sums of many threads come in any order
    assert not np.allclose(one, other, atol=1e-3)
