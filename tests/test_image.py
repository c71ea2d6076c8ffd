"""The image network: shapes, what each objective learns, and that a seed decides all."""

import keras
import numpy as np
import pytest

from tf_emb.methods.image.distortion import Distortion
from tf_emb.methods.image.network import ResidualBlock, channels, image_network, image_vectors, train_images

DRAW = np.random.default_rng(0)
CLASSES = np.arange(24) % 2
PICTURES = (DRAW.random((24, 4, 4)) * 0.5 + 0.5 * (CLASSES[:, None, None] == (np.arange(4) > 1))).astype(np.float32)


@pytest.mark.parametrize("objective", ["softmax", "cosine", "contrastive"])
def test_classes_part(objective):
    network = train_images(PICTURES, CLASSES, 4, objective=objective, epochs=15, batch=24, filters=4, rate=0.01)
    z = image_vectors(network, PICTURES).matrix
    assert z.shape == (24, 4)
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, rtol=1e-5)
    cosines, alike = z @ z.T, CLASSES[:, None] == CLASSES
    assert cosines[alike].mean() > cosines[~alike].mean() + 0.2


def test_the_seed_decides_the_network():
    one, same, other = (
        image_vectors(image_network((4, 4, 1), 3, filters=2, seed=s), PICTURES).matrix for s in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


def trained(**given):
    network = train_images(PICTURES, CLASSES, 3, **{"epochs": 2, "batch": 8, "filters": 2} | given)
    return image_vectors(network, PICTURES).matrix


def test_the_seed_decides_the_training_whatever_was_drawn_elsewhere():
    one = trained(seed=1)
    keras.utils.set_random_seed(7)
    np.testing.assert_array_equal(trained(seed=1), one)
    assert not np.allclose(trained(seed=2), one)


def test_pictures_are_moved_by_default_and_as_they_are_if_asked_for():
    still = trained(distortion=None)
    np.testing.assert_array_equal(trained(distortion=Distortion(0, 0, 0)), still)
    assert not np.allclose(trained(), still, atol=1e-4)


@pytest.mark.parametrize("distortion", [None, Distortion()])
def test_the_arrays_of_the_caller_stay(distortion):
    pictures, classes = PICTURES.copy(), CLASSES.copy()
    train_images(pictures, classes, 3, epochs=1, filters=2, distortion=distortion)
    np.testing.assert_array_equal(pictures, PICTURES)
    np.testing.assert_array_equal(classes, CLASSES)


@pytest.fixture
def steps(monkeypatch):
    """Note the pictures and the classes of every step instead of making it."""
    noted = []
    monkeypatch.setattr(keras.Model, "train_on_batch", lambda self, x, y: noted.append((x, y)))
    return noted


def test_the_steps_of_a_pass_share_the_pictures_evenly(steps):
    given = dict(zip(map(bytes, PICTURES), CLASSES, strict=True))
    train_images(PICTURES, CLASSES, batch=10, epochs=2, distortion=None)
    assert [len(x) for x, _ in steps] == [8] * 6
    for half in (steps[:3], steps[3:]):
        seen = {bytes(picture[..., 0]): of for x, y in half for picture, of in zip(x, y, strict=True)}
        assert seen == given
    assert not np.array_equal(steps[0][0], steps[3][0])


def test_every_pass_moves_the_pictures_anew_and_keeps_their_classes(steps):
    bars = np.zeros((20, 8, 8), np.float32)
    bars[:10, 2:6, 3:5] = bars[10:, 3:5, 2:6] = 1  # upright, and lying
    train_images(bars, np.arange(20) // 10, batch=20, epochs=2)
    (first, classes), (second, again) = steps
    assert not np.allclose(np.sort(first.sum((1, 2, 3))), np.sort(second.sum((1, 2, 3))))
    for x, y in ((first, classes), (second, again)):
        lying = x[:, 3:5].sum((1, 2, 3)) > x[:, :, 3:5].sum((1, 2, 3))
        np.testing.assert_array_equal(lying, y == 1)


@pytest.mark.parametrize(("pictures", "batch", "passes"), [(24, 24, 1000), (24, 8, 334), (24, 1, 42), (90, 1, 20)])
def test_by_default_there_are_a_thousand_steps_and_twenty_passes_at_least(steps, pictures, batch, passes):
    train_images(np.zeros((pictures, 4, 4)), np.arange(pictures) % 2, batch=batch, distortion=None)
    assert len(steps) == passes * -(-pictures // batch)


def test_a_block_has_a_shortcut_where_the_shape_changes():
    for block, kernels in ((ResidualBlock(3), 2), (ResidualBlock(3, 2), 3), (ResidualBlock(4), 3)):
        block.build((None, 4, 4, 3))
        assert len(block.trainable_weights) == 2 * kernels


def test_what_is_no_picture_or_objective_is_refused():
    with pytest.raises(ValueError, match="`pictures` must have shape"):
        channels(np.zeros((3, 16)))
    with pytest.raises(ValueError, match="`objective` must be"):
        train_images(PICTURES, CLASSES, objective="other")


@pytest.mark.parametrize("name", ["epochs", "batch"])
def test_less_than_one_pass_or_picture_is_refused(name):
    with pytest.raises(ValueError, match=rf"`{name}` must be 1 or more; got 0\. Use 1"):
        train_images(PICTURES, CLASSES, **{name: 0})
