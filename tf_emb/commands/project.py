"""`tf-emb project`: log, draw, export and check vectors for the Embedding Projector."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tf_emb.commands.terminal import silent_start


def project(
    vectors: Annotated[Path | None, typer.Argument(help="A file that `train` wrote, word2vec's, or .npy.")] = None,
    logdir: Annotated[Path, typer.Option(help="The folder given to tensorboard --logdir.")] = Path("logs"),
    labels: Annotated[Path | None, typer.Option(help="Text file, one label per line; needed for .npy.")] = None,
    name: Annotated[str, typer.Option(help="Name of the new run; the file's name by default.")] = "",
    top: Annotated[int, typer.Option(min=2, help="Number of rows: the first, or the most frequent words.")] = 10_000,
    include: Annotated[list[str] | None, typer.Option(help="Show this word too; repeat for more.")] = None,
    views: Annotated[str | None, typer.Option(help="pca, umap, tsne, separated by commas; '' for none.")] = None,
    image: Annotated[Path | None, typer.Option(help="Also draw the views: .png, .svg or .pdf.")] = None,
    export: Annotated[Path | None, typer.Option(help="Also write a .parquet for Embedding Atlas.")] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Read the logdir back through TensorBoard; exit 1 if something would be shown wrongly."
        ),
    ] = False,
) -> None:
    """Log vectors as a new run of TensorBoard's Embedding Projector, check what is there, or both."""
    if vectors is None and not check:
        raise ValueError("`VECTORS` must be given, or --check; got neither. Try tf-emb project vectors.bin.")
    if vectors is not None:
        shown: dict[str, Any] = {"top": top, "include": include or []}
        _show(vectors, labels, logdir, name, views, image, export, shown)
    if check:
        raise typer.Exit(_check(logdir))


def _show(
    path: Path,
    labels: Path | None,
    logdir: Path,
    name: str,
    views: str | None,
    image: Path | None,
    export: Path | None,
    shown: dict[str, Any],
) -> None:
    """Log a file of vectors, and draw or export it; `shown` selects the rows."""
    from tf_emb.projector.log import log_projection
    from tf_emb.projector.parquet import export_parquet
    from tf_emb.projector.plot import plot_projection
    from tf_emb.projector.views import DEFAULT, check_views

    # DEFAULT itself, because it leaves out what is not installed instead of refusing it.
    chosen = DEFAULT if views is None else tuple(view.strip() for view in views.split(",") if view.strip())
    names = check_views(chosen).names  # before a large file is read
    vectors, texts = load(path, labels)
    log_projection(logdir, vectors, texts, name=name or path.stem, views=chosen, **shown)
    if image:
        print(f"{plot_projection(image, vectors, texts, views=names or ('pca',), **shown)} drawn")
    if export:
        view = "umap" if "umap" in names else "pca"
        print(f"{export} written; to open it:", *export_parquet(export, vectors, texts, view=view, **shown), sep="\n")


def _check(logdir: Path) -> int:
    """Print what the page would show wrongly; return the exit status."""
    with silent_start():
        from tf_emb.projector.check import check_projection

        problems = check_projection(logdir)
    print("\n".join(problems) or f"Nothing wrong in {logdir}.")
    return 1 if problems else 0


def load(path: Path, labels: Path | None) -> tuple[Any, list[str] | None]:
    """Read vectors, in one of word2vec's formats or .npy, and labels, one per line.

    Raises:
        ValueError: a file does not have its format, or a .npy comes without labels.
    """
    texts = None if labels is None else labels.read_text(encoding="utf-8").splitlines()
    if path.suffix != ".npy":
        from tf_emb.vectors import load_vectors

        return load_vectors(path), texts
    if texts is None:
        raise ValueError(f"`--labels` must be given for a .npy file; got none for {path}. Give one label per line.")
    import numpy as np

    return np.load(path, allow_pickle=False), texts
