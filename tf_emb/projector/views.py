"""Coordinates that the page shows as they are: PCA, UMAP and t-SNE of all rows, or the user's own; as bookmarks."""

import json
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tf_emb.projector.align import fit_pca
from tf_emb.projector.tables import unit_rows

DEFAULT = ("pca", "umap")
LIBRARIES = {"umap": "umap", "tsne": "openTSNE"}
TITLES = {"pca": "PCA", "umap": "UMAP", "tsne": "t-SNE"}
PERPLEXITY = 30.0
MANY = 10_000
NEIGHBOURS = 15
Views = Sequence[str] | Mapping[str, ArrayLike]
_KEYS = {"pca": "pca-{}", "umap": "umap-{}", "custom": "linear-{}"}
_AXES = {"custom": "xy"}
# Every key the page reads when it loads a bookmark. Without one of the custom texts it breaks off half-way.
_CUSTOM = {
    f"custom{axis}{kind}": value
    for axis in ("XLeft", "XRight", "YUp", "YDown")
    for kind, value in (("Text", ""), ("Regex", False))
}


@dataclass(frozen=True)
class View:
    """A picture of a table.

    Attributes:
        title: the name of its bookmark on the page.
        kind: the tab of the page that shows it: "pca", "umap" or "custom". Never "tsne", which keeps moving.
        points: float32, shape (rows, 2, 3 or more); the tab shows the first two or three columns.
        flat: whether to show only two columns of three.
    """

    title: str
    kind: str
    points: np.ndarray
    flat: bool = False


@dataclass(frozen=True)
class Wanted:
    """Views to make.

    Attributes:
        names: those to compute.
        own: those the user computed, by title.
        without: in words, what was left out because a library is missing.
    """

    names: list[str]
    own: dict[str, ArrayLike]
    without: str = ""

    @property
    def titles(self) -> list[str]:
        """The titles of all views."""
        return [*(TITLES[name] for name in self.names), *self.own]


def check_views(views: Views) -> Wanted:
    """Return which views to make, before anything is computed.

    Raises:
        ValueError: a name is unknown.
        ImportError: a library is missing; of the default views, those without their library are left out instead.
    """
    if isinstance(views, Mapping):
        return Wanted([], dict(views))
    names = [views] if isinstance(views, str) else list(views)
    for name in names:
        if name not in TITLES:
            raise ValueError(f"`views` must be of {', '.join(TITLES)}; got {name!r}. Pass a mapping for your own.")
    missing = [name for name in names if not _installed(name)]
    if missing and views is not DEFAULT:
        raise ImportError(needs(TITLES[missing[0]], LIBRARIES[missing[0]]))
    said = "; ".join(needs(TITLES[name], LIBRARIES[name]) for name in missing)
    return Wanted([name for name in names if name not in missing], {}, said)


def needs(what: str, package: str, extra: str = "projector") -> str:
    """Return the sentence that says what to install."""
    return f"{what} needs the package {package}: pip install 'tf-emb[{extra}]'"


def _installed(view: str) -> bool:
    from importlib.util import find_spec

    return view not in LIBRARIES or find_spec(LIBRARIES[view]) is not None


def compute(name: str, table: np.ndarray) -> View:
    """Return the view of a table, shape (rows, dim), float32."""
    if name == "pca":
        return View(TITLES[name], "pca", fit_pca(table).coordinates(table))
    if name == "umap":
        return View(f"UMAP of all {len(table):,} rows", "umap", umap(table))
    return View(f"t-SNE of all {len(table):,} rows", "custom", tsne(table))


def own(title: str, points: ArrayLike, rows: int) -> View:
    """Return a view that the user computed; only the tab "umap" shows three columns exactly.

    Raises:
        ValueError: the coordinates are not finite, or not of shape (rows, 2 or 3).
    """
    array = np.asarray(points, np.float32)
    if array.ndim != 2 or len(array) != rows or array.shape[1] not in (2, 3) or not np.isfinite(array).all():
        raise ValueError(
            f"`views[{title!r}]` must be finite, of shape ({rows}, 2 or 3), one row per label; got {array.shape}. "
            "Correct it, or leave it out."
        )
    return View(title, "custom" if array.shape[1] == 2 else "umap", array)


def umap(table: np.ndarray) -> np.ndarray:
    """Return 2-D coordinates by UMAP on cosines, the same in each call (McInnes et al. 2018).

    The library's defaults, except that it starts from principal components, which needs no eigenvectors of a graph.
    """
    with _without_tensorflow():
        from umap import UMAP
    few = min(NEIGHBOURS, len(table) - 1)
    reducer = UMAP(n_neighbors=few, metric="cosine", init="pca", random_state=0, n_jobs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about numba's threads and equal points: nothing to act on
        return np.asarray(reducer.fit_transform(table), np.float32)


@contextmanager
def _without_tensorflow() -> Iterator[None]:
    """Keep umap from loading TensorFlow, which takes five seconds for a class that is not used here."""
    if "tensorflow" in sys.modules or "umap" in sys.modules:
        yield
        return
    sys.modules["tensorflow"] = None  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ImportWarning)
            yield
    finally:
        del sys.modules["tensorflow"]


def tsne(table: np.ndarray) -> np.ndarray:
    """Return 2-D coordinates by t-SNE on cosines (van der Maaten and Hinton 2008; Poličar et al. 2024)."""
    from openTSNE import TSNE

    perplexity = min(PERPLEXITY, (len(table) - 1) / 3)
    jobs = 1 if len(table) < MANY else -1  # few rows take longer on many threads than on one
    unit = unit_rows(table)  # between unit rows, the Euclidean distance orders as the cosine does
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = TSNE(perplexity=perplexity, initialization="pca", random_state=0, n_jobs=jobs).fit(unit)
    return np.asarray(fitted, np.float32)


def marks(pictures: Sequence[View], matrix: np.ndarray, colour: str) -> str:
    """Return the bookmarks file of a tensor, one bookmark per picture; or "" without pictures.

    A bookmark replaces all coordinates, so it carries principal components too: else the page's PCA tab would be empty.

    Args:
        pictures: the views, each with a radio button of its own on the page.
        matrix: the tensor.
        colour: the metadata column by which points are coloured.
    """
    if not pictures:
        return ""
    pca = next((of.points for of in pictures if of.kind == "pca"), None)
    pca = fit_pca(matrix).coordinates(matrix) if pca is None else pca
    return "[" + ",\n".join(_state(view, matrix.shape, pca, colour) for view in pictures) + "]"


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
