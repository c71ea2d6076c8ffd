"""Autoencoders: what they give back, that they learn, and that a seed decides all."""

import keras
import numpy as np
import pytest

from tf_emb.methods.autoencoder import Autoencoder, train_autoencoder

ROWS = (np.random.default_rng(0).normal(size=(64, 2)) @ np.random.default_rng(1).normal(size=(2, 6))).astype("float32")


def test_vectors_are_the_code_of_every_row_with_labels_and_columns():
    model = Autoencoder(6, 3, hidden=(5,), noise=0.5)
    found = model.vectors(ROWS, columns={"class": ["a"] * 64})
    assert list(found.labels) == [str(i) for i in range(64)]
    assert found.columns["class"][0] == "a"
    np.testing.assert_allclose(found.matrix, np.asarray(model.encoder(ROWS)), rtol=1e-5, atol=1e-6)
    assert [layer.units for layer in model.decoder.layers] == [5, 6]


def test_two_dims_hold_a_plane_and_one_does_not():
    errors = []
    for dim in (1, 2):
        model = train_autoencoder(ROWS, dim, hidden=(), noise=0.0, epochs=60, batch=16, rate=0.03)
        errors.append(float(np.square(np.asarray(model(ROWS)) - ROWS).mean()))
    assert errors[1] < 0.02 * errors[0]


def test_the_seed_decides_weights_noise_and_order():
    one, same, other = (
        train_autoencoder(ROWS, 2, hidden=(4,), epochs=2, seed=s).vectors(ROWS).matrix for s in (3, 3, 4)
    )
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


def test_bias_free_layers_have_kernels_only():
    assert len(Autoencoder(6, 2, bias=False).weights) == 2
    assert len(Autoencoder(6, 2).weights) == 4


@pytest.mark.parametrize("dim", [0, 7])
def test_a_dim_out_of_range_is_refused(dim):
    with pytest.raises(ValueError, match="`dim` must be from 1 to `features`, 6"):
        Autoencoder(6, dim)


@pytest.mark.parametrize("rows", [np.zeros((4, 2, 2)), np.zeros((0, 3))])
def test_rows_must_be_a_table(rows):
    with pytest.raises(ValueError, match="`x` must have shape"):
        train_autoencoder(rows)


def test_float64_is_kept():
    model = Autoencoder(6, 2, dtype="float64")
    assert {keras.backend.standardize_dtype(w.dtype) for w in model.weights} == {"float64"}
