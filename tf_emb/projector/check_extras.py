"""What the page would show wrongly of a tensor's pictures and bookmarks, which anybody may have written."""

import io
import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from tf_emb.projector.sprites import MAX_SIDE

Get = Callable[[str, str | None], bytes]  # a page of TensorBoard's plugin and a tensor's name to what is served
_NEEDED = [
    "projections", "selectedProjection", "selectedPoints", "tSNEPerplexity", "tSNELearningRate", "tSNEIteration",
    "pcaComponentDimensions", "dataSetDimensions", *(f"custom{a}{k}" for a in ("XLeft", "XRight", "YUp", "YDown")
    for k in ("Text", "Regex")),
]  # fmt: skip


class RefusedError(Exception):
    """The plugin answered with an error."""


def in_short(said: object) -> str:
    """Return what another program said, in one line of 300 characters at most."""
    line = " ".join(str(said)[:3000].split())
    return line if len(line) <= 300 else f"{line[:299]}…"


def sprite(get: Get, name: str, entry: dict[str, Any], rows: int) -> Iterator[str]:
    """Yield what is wrong with the pictures of a tensor; their pixels are never decoded.

    Args:
        get: returns what TensorBoard's plugin serves, or raises `RefusedError`.
        name: the tensor's name.
        entry: its entry in the configuration.
        rows: how many rows it has.
    """
    said = entry.get("sprite", {})
    if not said.get("imagePath"):
        return
    try:
        sheet = _size(get("sprite_image", name))
    except RefusedError as error:
        yield f"its pictures cannot be read: {error}."
        return
    if max(sheet) > MAX_SIDE:
        yield f"its pictures are {sheet[0]} x {sheet[1]} pixels; the page refuses more than {MAX_SIDE}. Shrink them."
    tile = said.get("singleImageDim", [])
    if len(tile) != 2:
        yield f"the size of one of its pictures must be two numbers; got {tile[:4]}. Log width and height."
        return
    width, height = tile
    places = (sheet[0] // width) * (sheet[1] // height) if width and height else 0
    if places < rows:
        yield f"there is room for {places} pictures of {width} x {height} pixels, but there are {rows} rows."


def _size(data: bytes) -> tuple[int, int]:
    """Return the width and height that an image claims; a PNG's checksums must be right.

    Raises:
        RefusedError: it is no image.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # what is too large is said by the caller
            image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "GIF", "BMP", "WEBP"))
            size: tuple[int, int] = image.size
            image.verify()
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        raise RefusedError(in_short(error)) from None
    return size


def bookmarks(get: Get, name: str, entry: dict[str, Any], rows: int) -> Iterator[str]:
    """Yield what is wrong with the bookmarks of a tensor; the arguments are those of `sprite`."""
    if not entry.get("bookmarksPath"):
        return
    try:
        states = json.loads(get("bookmarks", name), parse_constant=_refuse)
    except (RefusedError, ValueError, RecursionError) as error:
        yield f"its bookmarks cannot be read: {in_short(error)}."
        return
    if not isinstance(states, list):
        yield f"its bookmarks must be a list; got {_kind(states)}. Log them again."
        return
    for number, state in enumerate(states):
        if isinstance(state, dict):
            yield from _bookmark(f"bookmark {in_short(repr(state.get('label', '')))}", state, rows)
        else:
            yield f"bookmark {number} must be an object; got {_kind(state)}. Log it again."


def _bookmark(label: str, state: dict[str, Any], rows: int) -> Iterator[str]:
    missing = [key for key in _NEEDED if key not in state]
    if missing:
        yield f"{label} lacks {', '.join(missing)}, without which the page breaks off. Log it again."
        return
    points = state["projections"]
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        yield f"{label} must have a list of coordinates, an object for each row. Log it again."
    elif len(points) != rows:
        yield f"{label} has coordinates of {len(points)} rows; the tensor has {rows}."
    elif state["selectedProjection"] == "tsne":
        yield f"{label} is a t-SNE, which the page resumes: its points drift. Make it 'umap' or 'custom'."
    elif state.get("shuffledDataIndices") == []:
        yield f"{label} has an empty shuffledDataIndices, after which all views are empty. Leave it out."


def _kind(value: object) -> str:
    """Return what JSON calls a value of its."""
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
