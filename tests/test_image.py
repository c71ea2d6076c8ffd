"""The image network: shapes, what each objective learns, and that a seed decides all."""

import numpy as np
import pytest

from tf_emb.methods.image import ResidualBlock, channels, image_network, image_vectors, train_images

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


def test_a_block_has_a_shortcut_where_the_shape_changes():
    for block, kernels in ((ResidualBlock(3), 2), (ResidualBlock(3, 2), 3), (ResidualBlock(4), 3)):
        block.build((None, 4, 4, 3))
        assert len(block.trainable_weights) == 2 * kernels


def test_what_is_no_picture_or_objective_is_refused():
    with pytest.raises(ValueError, match="`pictures` must have shape"):
        channels(np.zeros((3, 16)))
    with pytest.raises(ValueError, match="`objective` must be"):
        train_images(PICTURES, CLASSES, objective="other")
