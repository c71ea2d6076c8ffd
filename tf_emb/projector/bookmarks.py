"""Views as bookmarks of the page: one radio button each, with the points exactly where they were put."""

import json
from collections.abc import Sequence

import numpy as np

from tf_emb.projector.views import View

_KEYS = {"pca": "pca-{}", "umap": "umap-{}", "custom": "linear-{}"}
_AXES = {"custom": "xy"}
# Every key the page reads when it loads a bookmark. Without one of the custom texts it breaks off half-way.
_CUSTOM = {
    f"custom{axis}{kind}": value for axis in ("XLeft", "XRight", "YUp", "YDown")
    for kind, value in (("Text", ""), ("Regex", False))
}  # fmt: skip


def encode(views: Sequence[View], shape: tuple[int, int], pca: np.ndarray, colour: str = "") -> str:
    """Return the bookmarks file of a tensor.

    Args:
        views: one bookmark for each.
        shape: the shape of the tensor.
        pca: coordinates on principal components, shape (rows, components). A bookmark replaces all coordinates;
            without these the page's PCA tab would be empty afterwards.
        colour: the metadata column by which points are coloured.
    """
    return "[" + ",\n".join(_state(view, shape, pca, colour) for view in views) + "]"


def _state(view: View, shape: tuple[int, int], pca: np.ndarray, colour: str) -> str:
    """Return one bookmark. It may lack `shuffledDataIndices`, and must not have [] there: that empties later views."""
    shown = view.points.shape[1]
    flat = view.flat or view.kind == "custom" or shown == 2
    state = {
        "label": view.title, "isSelected": False, "selectedProjection": view.kind, "dataSetDimensions": shape,
        "tSNEIteration": 0, "tSNEPerplexity": 30, "tSNELearningRate": 1, "tSNEis3d": True,
        "umapIs3d": not flat, "umapNeighbors": 15, "umapMinDist": 0.1,
        "pcaComponentDimensions": [0, 1] if view.kind == "pca" and flat else [0, 1, 2],
        "customSelectedSearchByMetadataOption": "label", **_CUSTOM,
        "selectedPoints": [], "selectedColorOptionName": colour or "No color map", "forceCategoricalColoring": False,
        "selectedLabelOption": "label", "cameraDef": _camera(flat),
    }  # fmt: skip
    return json.dumps(state, ensure_ascii=False)[:-1] + ', "projections": [' + _projections(view, pca) + "]}"


def _camera(flat: bool) -> dict[str, object]:
    """Return the page's initial camera; without it the page may keep that of another number of dimensions."""
    position = [0, 0, 4] if flat else [0.45, 0.9, 1.6]
    return {"orthographic": flat, "position": position, "target": [0, 0, 0], "zoom": 1}


def _projections(view: View, pca: np.ndarray) -> str:
    """Return the coordinates of every row, each float32 as the shortest decimal that reads back as itself."""
    keys = [_KEYS[view.kind].format(axis) for axis in _AXES.get(view.kind, "0123456789")]
    columns = dict(zip(keys, view.points.T, strict=False))
    columns |= {key: column for i, column in enumerate(pca.T) if (key := f"pca-{i}") not in columns}
    if "pca-2" not in columns:
        columns["pca-2"] = np.zeros(len(pca), np.float32)
    pattern = "{" + ",".join(f'"{key}":%s' for key in columns) + "}"
    cells = [column.astype(np.float32).astype(str).tolist() for column in columns.values()]
    return ",".join(pattern % row for row in zip(*cells, strict=True))
