"""The views of the page as pictures: PNG or SVG, without a browser."""

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tf_emb.projector.align import fit_pca
from tf_emb.projector.metadata import COLOURS, Column
from tf_emb.projector.outputs import check_picture
from tf_emb.projector.selection import By, Selection, prepare
from tf_emb.projector.tables import Normalize
from tf_emb.projector.views import TITLES, View, check_views, compute

LABELLED = 60  # points that get their label where there is room, the most frequent first
SIDES = 3  # panels side by side
# Okabe and Ito's colours without their pale yellow; told apart with every kind of colour vision.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999999", "#882255", "#44aa99")
CJK = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "Noto Serif CJK SC",
)  # fmt: skip
BASE = "DejaVu Sans"  # matplotlib ships it


def plot_projection(
    path: str | os.PathLike[str],
    vectors: Any,
    labels: Sequence[str] | None = None,
    *,
    columns: Mapping[str, Column] | None = None,
    colour: str = "",
    title: str = "",
    views: Sequence[str] = ("pca",),
    top: int | None = 1000,
    include: Iterable[str] = (),
    by: By = None,
    normalize: Normalize = "auto",
    labelled: int = LABELLED,
) -> Path:
    """Draw views of vectors, one panel per view, with the labels of the most frequent rows where there is room.

    Args:
        path: ends in .png, .svg or .pdf.
        vectors: what `log_projection` takes; one panel per table if it is a mapping.
        labels: the text of every row, unless `vectors` has labels.
        columns: more metadata by name.
        colour: the column that colours the points; the default is one of few categories, or the logarithm of counts.
        title: above the panels.
        views: of "pca", "umap" and "tsne".
        top: how many rows to draw.
        include: labels to write whatever their rank.
        by: what ranks the rows.
        normalize: whether to divide rows by their length.
        labelled: how many labels to try to write.

    Returns:
        `path`.

    Raises:
        ValueError: as `log_projection`; the suffix is another, or no font has the labels' characters.
        ImportError: matplotlib, or the library of a view, is not installed.
    """
    path = Path(path)
    check_picture(path)
    wanted, named = check_views(views), list(include)
    chosen = prepare(vectors, labels, columns, name="", top=top, include=named, by=by, normalize=normalize)
    panels = [panel for name in wanted.names for panel in _panels(name, chosen)]
    draw(path, panels, chosen, colour or chosen.colour(), title, labelled, named)
    return path


def _panels(name: str, chosen: Selection) -> list[View]:
    """Return one view per table; principal components are fitted once, to the first, so that panels compare."""
    first, *others = chosen.tensors.values()
    if name == "pca" and all(of.shape[1] == first.shape[1] for of in others):
        basis = fit_pca(first)
        views = [View(TITLES[name], name, basis.coordinates(of)) for of in chosen.tensors.values()]
    else:
        views = [compute(name, of) for of in chosen.tensors.values()]
    titles = [f"{key}: {of.title}" if key else of.title for key, of in zip(chosen.tensors, views, strict=True)]
    return [View(title, of.kind, of.points) for title, of in zip(titles, views, strict=True)]


def draw(
    path: Path, panels: Sequence[View], chosen: Selection, colour: str, title: str, labelled: int, named: Sequence[str]
) -> None:
    """Write a figure whose panels share colours and labels."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    words = _worded(chosen, labelled, named)
    across = min(len(panels), SIDES)
    down = -(-len(panels) // across)
    style = {"font.family": family_for([title, *(chosen.labels[i] for i in words), *(of.title for of in panels)]),
             "svg.fonttype": "path", "axes.unicode_minus": False}  # fmt: skip
    with mpl.rc_context(style):
        figure = Figure(figsize=(6.2 * across + 1.2, 5.6 * down), layout="constrained")
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for i, (panel, ax) in enumerate(zip(panels, axes, strict=False)):
            _panel(ax, panel, chosen, colour)
            if i + 1 == across:
                _key(figure, ax, colour)
        figure.draw_without_rendering()  # fixes where the axes are, and so the labels
        for panel, ax in zip(panels, axes, strict=False):
            _write_labels(ax, panel.points[:, :2], chosen.labels, words)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        if title:
            figure.suptitle(title)
        figure.savefig(path, dpi=130)


def _worded(chosen: Selection, labelled: int, named: Sequence[str]) -> list[int]:
    ranked = (
        np.argsort(-np.asarray(chosen.columns["count"])) if "count" in chosen.columns else np.arange(len(chosen.labels))
    )
    first = [i for i, label in enumerate(chosen.labels) if label in set(named)]
    return [*first, *(int(i) for i in ranked if i not in set(first))][: labelled + len(first)]


def _panel(ax: Any, panel: View, chosen: Selection, colour: str) -> None:
    points = panel.points[:, :2]
    _scatter(ax, points, chosen, colour)
    ax.set_title(panel.title, fontsize=10)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.margins(0.06)
    ax.set_aspect("equal", "datalim")
    for side in ax.spines.values():
        side.set_color("#cccccc")


def _scatter(ax: Any, points: np.ndarray, chosen: Selection, colour: str) -> None:
    """Draw the points, by category, by number, or plain."""
    size = float(np.clip(9000 / len(points), 6, 24))
    values = _values(chosen, colour)
    if values is None:
        ax.scatter(*points.T, s=size, color=PALETTE[0], alpha=0.6, linewidths=0)
    elif values.dtype.kind in "iuf":
        ax.scatter(*points.T, s=size, c=values, cmap=_from_pale_to_dark(), alpha=0.8, linewidths=0)
    else:
        for i, value in enumerate(sorted(set(values))[:COLOURS]):
            where = values == value
            ax.scatter(*points[where].T, s=size, color=PALETTE[i % len(PALETTE)], alpha=0.8, linewidths=0, label=value)


def _from_pale_to_dark() -> Any:
    """Return colours for numbers, without the yellow that is invisible on white paper."""
    import matplotlib as mpl
    from matplotlib.colors import ListedColormap

    return ListedColormap(mpl.colormaps["viridis_r"](np.linspace(0.2, 1, 256)))


def _key(figure: Any, ax: Any, colour: str) -> None:
    """Explain the colours beside the last panel of the first row, by a legend or a bar."""
    if ax.get_legend_handles_labels()[1]:
        ax.legend(title=colour, fontsize=8, markerscale=2, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    elif colour:
        figure.colorbar(ax.collections[0], ax=ax, label=colour, shrink=0.6, aspect=30, pad=0.02)


def _values(chosen: Selection, colour: str) -> np.ndarray | None:
    if colour == "log10 count":
        return np.log10(np.maximum(np.asarray(chosen.columns["count"]), 1))
    if colour and colour not in chosen.columns:
        raise ValueError(f"`colour` must be one of {list(chosen.columns)}; got {colour!r}. Choose one, or none.")
    if not colour:
        return None
    values = np.asarray(chosen.columns[colour])
    return values if values.dtype.kind in "iuf" else np.array(list(map(str, values)))


def _write_labels(ax: Any, points: np.ndarray, labels: Sequence[str], words: Sequence[int]) -> None:
    """Write each label above its point, unless it would overlap one that is already there."""
    from matplotlib.patheffects import withStroke

    taken: list[Any] = []
    for word in words:
        written = ax.annotate(
            labels[word].replace("$", r"\$"),
            points[word],
            (0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8,
            color="#111111",
            zorder=5,
            path_effects=[withStroke(linewidth=2, foreground="white")],
            in_layout=False,
        )
        box = written.get_window_extent()
        if any(box.overlaps(other) for other in taken):
            written.remove()
        else:
            taken.append(box)


def family_for(texts: Iterable[str]) -> list[str]:
    """Return the fonts to draw `texts` with, the first that has a character draws it.

    Raises:
        ValueError: no installed font has some of the characters.
    """
    wanted = {character for text in texts for character in text if character.isprintable()}
    missing, family = wanted - _characters(BASE), [BASE]
    for name in _installed() if missing else ():
        if missing & _characters(name):
            family.append(name)
            missing -= _characters(name)
        if not missing:
            break
    if missing:
        some = "".join(sorted(missing)[:8])
        raise ValueError(
            f"`labels` must be in characters that an installed font has; got {some!r} "
            f"({len(missing)} such characters). Install one, on Debian: apt-get install fonts-noto-cjk."
        )
    return family


@cache
def _installed() -> dict[str, str]:
    """Return the files of the installed fonts by name, those made for Chinese first."""
    from matplotlib import font_manager

    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in known and "cjk" in path.lower():  # installed since matplotlib last looked
            font_manager.fontManager.addfont(path)
    files = {entry.name: entry.fname for entry in font_manager.fontManager.ttflist}
    # The last resort has a box for every character there is.
    others = sorted(name for name in files if name not in CJK and not name.startswith("Last Resort"))
    return {name: files[name] for name in [*CJK, *others] if name in files}


@cache
def _characters(name: str) -> frozenset[str]:
    from matplotlib import font_manager

    return frozenset(map(chr, font_manager.get_font(_installed()[name]).get_charmap()))
