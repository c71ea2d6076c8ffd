"""What `tf-emb project` does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tf_emb.projector.check import check_projection
from tf_emb.projector.log import log_projection
from tf_emb.projector.parquet import export_parquet
from tf_emb.projector.plot import plot_projection
from tf_emb.projector.views import DEFAULT, check_views


def log(
    path: Path, logdir: Path, labels: Path | None, name: str, top: int, include: Sequence[str],
    views: str | None, image: Path | None, export: Path | None,
) -> None:  # fmt: skip
    """Log a file of vectors, and draw or export it."""
    # DEFAULT itself, because it leaves out what is not installed instead of refusing it.
    chosen = DEFAULT if views is None else tuple(view.strip() for view in views.split(",") if view.strip())
    names = check_views(chosen).names  # before a large file is read
    vectors, texts = load(path, labels)
    shown: dict[str, Any] = {"top": top, "include": include}
    log_projection(logdir, vectors, texts, name=name or path.stem, views=chosen, **shown)
    if image:
        print(f"{plot_projection(image, vectors, texts, views=names or ('pca',), **shown)} drawn")
    if export:
        view = "umap" if "umap" in names else "pca"
        print(f"{export} written; to open it:", *export_parquet(export, vectors, texts, view=view, **shown), sep="\n")


def load(path: Path, labels: Path | None) -> tuple[Any, list[str] | None]:
    """Read vectors in a format of `load_vectors` or .npy, and labels, one per line.

    Raises:
        ValueError: a file is not of its format, or a .npy comes without labels.
    """
    texts = None if labels is None else labels.read_text(encoding="utf-8").splitlines()
    if path.suffix != ".npy":
        from tf_emb.vectors import load_vectors

        return load_vectors(path), texts
    if texts is None:
        raise ValueError(f"`--labels` must be given for a .npy file; got none for {path}. Give one label per line.")
    import numpy as np

    return np.load(path, allow_pickle=False), texts


def problems(logdir: Path) -> list[str]:
    """Return what `check_projection` finds."""
    return check_projection(logdir)
