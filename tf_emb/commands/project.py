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
    top: Annotated[int, typer.Option(min=2, max=100_000, help="Rows: the first, or the most frequent words.")] = 10_000,
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
    from tf_emb.files import printable
    from tf_emb.projector.log import log_projection
    from tf_emb.projector.parquet import export_parquet
    from tf_emb.projector.plot import plot_projection
    from tf_emb.projector.views import DEFAULT, check_views

    # DEFAULT itself, because it leaves out what is not installed instead of refusing it.
    chosen = DEFAULT if views is None else tuple(view.strip() for view in views.split(",") if view.strip())
    names = check_views(chosen).names  # before a large file is read
    _refuse(path, labels, logdir, image, export)
    vectors, texts = load(path, labels)
    log_projection(logdir, vectors, texts, name=name or path.stem, views=chosen, **shown)
    if image:
        drawn = plot_projection(image, vectors, texts, views=names or ("pca",), **shown)
        print(f"{printable(drawn)} drawn")
    if export:
        view = "umap" if "umap" in names else "pca"
        lines = export_parquet(export, vectors, texts, view=view, **shown)
        print(f"{printable(export)} written; to open it:", *map(printable, lines), sep="\n")


def _refuse(path: Path, labels: Path | None, logdir: Path, image: Path | None, export: Path | None) -> None:
    """Refuse outputs that could not be written, before a large file is read."""
    from tf_emb.files.outputs import check_folder
    from tf_emb.projector.outputs import check_parquet, check_picture

    inputs = [path, *([] if labels is None else [labels])]
    check_folder(logdir, "--logdir")
    if image:
        check_picture(image, inputs, "--image")
    if export:
        check_parquet(export, inputs, "--export")


def _check(logdir: Path) -> int:
    """Print what the page would show wrongly; return the exit status."""
    with silent_start():
        from tf_emb.files import printable
        from tf_emb.projector.check import check_projection

        problems = check_projection(logdir)
    print("\n".join(problems) or f"Nothing wrong in {printable(logdir)}.")
    return 1 if problems else 0


def load(path: Path, labels: Path | None) -> tuple[Any, list[str] | None]:
    """Read vectors, in one of word2vec's formats or .npy, and labels, one per line.

    Raises:
        ValueError: a file does not have its format, or a .npy comes without labels.
    """
    from tf_emb.projector.inputs import check_count, read_array, read_labels

    if path.suffix == ".npy" and labels is None:
        raise ValueError(f"`--labels` must be given for a .npy file; got none for {path}. Give one label per line.")
    texts = None if labels is None else read_labels(labels)
    if path.suffix == ".npy":
        vectors: Any = read_array(path, "VECTORS")
    else:
        from tf_emb.vectors import load_vectors

        vectors = load_vectors(path)
    check_count(texts, len(vectors), labels)
    return vectors, texts
