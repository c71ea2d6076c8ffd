"""Pictures shifted, turned and zoomed at random: more pictures of the same classes to learn from.

With the middle of the picture as origin, the value at a place p = (row, column) is that of the source at

    R(angle) (p / zoom) - shift,    R(angle) = [[cos, -sin], [sin, cos]]

by bilinear interpolation, and `fill` outside (Simard, Steinkraus and Platt 2003, "Best Practices for Convolutional
Neural Networks Applied to Visual Document Analysis", section 2). Nothing is mirrored, as a mirrored letter is
another one.
"""

from dataclasses import dataclass

import numpy as np
from keras import ops


@dataclass(frozen=True)
class Distortion:
    """How far a picture may be moved; every amount is drawn uniformly for each picture.

    Attributes:
        shift: the largest shift, as a share of the height (up or down) and of the width (left or right).
        rotation: the largest rotation either way, in degrees.
        zoom: height and width are scaled separately, by factors from 1 - zoom to 1 + zoom.
        fill: the value outside of the picture, usually that of its background.

    Raises:
        ValueError: an amount is out of its range.
    """

    shift: float = 0.1
    rotation: float = 10.0
    zoom: float = 0.1
    fill: float = 0.0

    def __post_init__(self) -> None:
        for name, most in (("shift", 1), ("rotation", 180)):
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise ValueError(f"`{name}` must be from 0 to {most}; got {value!r}. Use 0 for none.")
        if not 0 <= self.zoom < 1:
            raise ValueError(f"`zoom` must be 0 or more and below 1; got {self.zoom!r}. Use 0 for none.")
        if not np.isfinite(self.fill):
            raise ValueError(f"`fill` must be a finite number; got {self.fill!r}. Use 0 for a black background.")

    def __call__(self, pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return distorted copies.

        Args:
            pictures: floats, shape (rows, height, width, channels).
            rng: the source of every random draw.

        Returns:
            float32, the same shape; no value is outside the range of `pictures` and `fill`.
        """
        moves = self._moves(rng, *pictures.shape[:3])
        x = np.asarray(pictures, np.float32)
        moved = ops.image.affine_transform(
            x, moves, fill_mode="constant", fill_value=self.fill, data_format="channels_last"
        )
        return ops.convert_to_numpy(moved)

    def _moves(self, rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
        """Return (a, b, c, d, e, f, 0, 0) per picture: (x, y) comes from column a x + b y + c and row d x + e y + f."""
        down, right = rng.uniform(-self.shift, self.shift, (2, count)) * np.array([[height], [width]])
        angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation, count))
        tall, wide = rng.uniform(1 - self.zoom, 1 + self.zoom, (2, count))
        cos, sin, none = np.cos(angle), np.sin(angle), np.zeros(count)
        x, y = (width - 1) / 2, (height - 1) / 2
        of_column = [cos / wide, sin / tall, x - cos / wide * x - sin / tall * y - right]
        of_row = [-sin / wide, cos / tall, y + sin / wide * x - cos / tall * y - down]
        return np.stack([*of_column, *of_row, none, none], 1).astype(np.float32)
