"""Pictures moved at random: as SciPy moves them, by the generator alone, and nothing else changes."""

import numpy as np
import pytest
from scipy.ndimage import affine_transform

from tf_emb.methods.image.distortion import Distortion

PICTURES = np.random.default_rng(1).random((6, 9, 6, 2)).astype(np.float32)


def moved(distortion, seed=0, pictures=PICTURES):
    return distortion(pictures, np.random.default_rng(seed))


def test_a_picture_is_moved_as_by_another_library():
    distortion, count = Distortion(shift=0.3, rotation=40, zoom=0.3, fill=0.5), len(PICTURES)
    found, draw, middle = moved(distortion, 3), np.random.default_rng(3), np.array([4, 2.5])
    shifts = draw.uniform(-0.3, 0.3, (2, count)).T * [9, 6]
    angles, zooms = np.deg2rad(draw.uniform(-40, 40, count)), draw.uniform(0.7, 1.3, (2, count)).T
    for i, (shift, angle, zoom) in enumerate(zip(shifts, angles, zooms, strict=True)):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
        for channel in range(2):
            picture = PICTURES[i, ..., channel].astype(np.float64)
            expected = affine_transform(
                picture, turn, middle - shift - turn @ middle, order=1, mode="grid-constant", cval=0.5
            )
            np.testing.assert_allclose(found[i, ..., channel], expected, atol=1e-5)


def test_a_whole_pixel_down_and_right_is_a_copy_with_the_background_at_the_edge():
    class Most:
        """Draws the upper end of every range."""

        def uniform(self, low, high, shape):
            return np.full(shape, high)

    found = Distortion(shift=1 / 4, rotation=0, zoom=0, fill=7)(PICTURES[:, :4, :4], Most())
    np.testing.assert_allclose(found[:, 1:, 1:], PICTURES[:, :3, :3], atol=1e-5)
    assert (found[:, 0] == 7).all()
    assert (found[:, :, 0] == 7).all()


def test_shape_and_range_stay_and_so_does_the_array_of_the_caller():
    before = PICTURES.copy()
    found = moved(Distortion(0.5, 90, 0.5, fill=0.25))
    assert (found.shape, found.dtype) == (PICTURES.shape, np.float32)
    assert PICTURES.min() - 1e-6 <= found.min()
    assert found.max() <= PICTURES.max() + 1e-6
    np.testing.assert_array_equal(PICTURES, before)
    assert not np.allclose(found, PICTURES, atol=0.1)


def test_no_amounts_change_nothing():
    np.testing.assert_array_equal(moved(Distortion(0, 0, 0)), PICTURES)


def test_the_generator_decides_and_every_picture_is_moved_by_itself():
    np.testing.assert_array_equal(moved(Distortion()), moved(Distortion()))
    assert not np.allclose(moved(Distortion()), moved(Distortion(), 1))
    first, second, *_ = moved(Distortion(), pictures=np.repeat(PICTURES[:1], 2, 0))
    assert not np.allclose(first, second)


@pytest.mark.parametrize(
    ("name", "value"),
    [("shift", -0.1), ("shift", 1.5), ("rotation", 181), ("zoom", 1), ("zoom", -0.1), ("fill", np.nan)],
)
def test_an_amount_out_of_range_is_refused(name, value):
    with pytest.raises(ValueError, match=rf"`{name}` must be .*; got {value!r}\. Use 0 "):
        Distortion(**{name: value})
