"""One picture per row, in one large image that the page cuts into tiles."""

import io
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

MAX_SIDE = 8192  # pixels; the page refuses more
SMALLEST = 28  # pixels; the page blurs what it enlarges, so smaller pictures are enlarged here, by whole factors


def atlas(pictures: ArrayLike, rows: np.ndarray, total: int) -> tuple[bytes, tuple[int, int]]:
    """Return a PNG of the pictures of `rows`, and the (width, height) of one, shrunk to fit if necessary.

    There are as many tiles across as down, as the page's list of neighbours assumes.

    Args:
        pictures: shape (total, height, width) or (total, height, width, 3 or 4): uint8, or floats in 0..1.
        rows: which of them, in which order.
        total: how many labels were given.

    Raises:
        ValueError: they are not that.
    """
    images = _checked(pictures, total)[rows]
    side = math.ceil(math.sqrt(len(images)))
    width, height = tile_size(images.shape[2], images.shape[1], side)
    from PIL import Image

    sheet = Image.new("RGBA", (side * width, side * height))
    for i, image in enumerate(images):
        tile = Image.fromarray(image).convert("RGBA")
        sheet.paste(_resized(tile, width, height), (i % side * width, i // side * height))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue(), (width, height)


def tile_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Return the size of a tile, so that `side` of them fit into `MAX_SIDE` pixels."""
    limit = MAX_SIDE // side
    largest = max(width, height)
    factor: float = max(1, SMALLEST // largest)
    if largest * factor > limit:
        factor = limit / largest
    return max(1, int(width * factor)), max(1, int(height * factor))


def _resized(tile: Any, width: int, height: int) -> Any:
    from PIL import Image

    if (width, height) == tile.size:
        return tile
    larger = width > tile.width
    return tile.resize((width, height), Image.Resampling.NEAREST if larger else Image.Resampling.LANCZOS)


def _checked(pictures: ArrayLike, total: int) -> np.ndarray:
    """Return pictures as uint8, shape (rows, height, width[, channels])."""
    array = np.asarray(pictures)
    good = array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (3, 4))
    if not good or len(array) != total or 0 in array.shape:
        raise ValueError(
            f"`sprites` must have shape ({total}, height, width) or ({total}, height, width, 3 or 4), one picture per "
            f"label; got {array.shape}."
        )
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind != "f" or not (array.min() >= 0 and array.max() <= 1):
        raise ValueError(
            f"`sprites` must be uint8, or floats from 0 to 1; got {array.dtype} from {array.min()} to {array.max()}."
        )
    return (255 * array).round().astype(np.uint8)
