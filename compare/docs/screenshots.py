"""The pictures of docs/projector.md: real data is logged, opened in a browser and captured."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from compare import SUITE
from compare.bench.projector.measurement import PLUGIN, server, until
from compare.cases.word2vec import logged as vectors
from compare.docs import browser, samples
from compare.docs.browser import Projector
from tf_emb.parity.plan import Options
from tf_emb.parity.run import run_comparison
from tf_emb.projector import log_epochs, log_projection, plot_projection

COLOURS = 192  # in a picture's palette, which makes its file a quarter of the size
NAMED = ["fire", "palestinian", "cricket", "government"]
CHARACTERS = 6_000_000  # of a Chinese text: enough for good neighbours, in two minutes


def take(out: Path, chinese: Path | None, only: str = "") -> list[Path]:
    """Take the pictures whose name contains `only`; return their paths. README.zh-CN.md is the default Chinese text.

    Raises:
        ValueError: no name contains `only`, or there is no browser.
    """
    scenes = {name: scene for name, scene in SCENES.items() if only in name}
    if not scenes:
        raise ValueError(f"`--only` must be part of one of {', '.join(SCENES)}; got {only!r}.")
    out.mkdir(parents=True, exist_ok=True)
    taken: list[Path] = []
    with browser.launched() as running:
        for name, scene in scenes.items():
            with tempfile.TemporaryDirectory(prefix="screenshots-") as folder:
                logdir = Path(folder) / "logs"
                look = scene(logdir, out, chinese)
                taken.append(_photographed(running, logdir, out / f"{name}.png", look))
                taken += [path for path in [out / f"{name}-plot.png"] if path.exists()]
    return [_smaller(path) for path in taken]


def _photographed(running: Any, logdir: Path, path: Path, look: Callable[[Projector], None]) -> Path:
    with server(logdir, dict(os.environ)) as (process, base):
        until(lambda: len(urlopen(f"{base}/{PLUGIN}/runs").read()) > 2, process)
        with Projector(running, base) as page:
            look(page.show())
            if page.messages():
                raise RuntimeError(f"the page complains: {page.messages()}")
            return page.screenshot(path)


def _smaller(path: Path) -> Path:
    from PIL import Image

    with Image.open(path) as image:
        reduced = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)
    return path


def _words(logdir: Path, out: Path, chinese: Path | None) -> Callable[[Projector], None]:
    words = samples.lee()
    log_projection(logdir, words, name="lee news", views=("umap", "pca"))
    plot_projection(out / "words-plot.png", words, views=("pca", "umap"), include=NAMED)

    def look(page: Projector) -> None:
        page.click_bookmark(page.bookmarks()[0])
        page.choose("fire")

    return look


def _chinese(logdir: Path, out: Path, chinese: Path | None) -> Callable[[Projector], None]:
    path = chinese or samples.CHINESE
    small = path == samples.CHINESE
    words = samples.chinese(path, CHARACTERS, dim=50 if small else 100, min_count=2 if small else 20, epochs=5)
    word = words.index_to_key[0] if "音乐" not in words else "音乐"
    log_projection(logdir, words, name="中文词语", views=("umap", "pca"), top=3000, include=[word])
    plot_projection(out / "chinese-plot.png", words, views=("pca", "umap"), top=600, include=[word])

    def look(page: Projector) -> None:
        page.click_bookmark(page.bookmarks()[0])
        page.choose(word)

    return look


def _digits(logdir: Path, out: Path, chinese: Path | None) -> Callable[[Projector], None]:
    rows, kinds, pictures = samples.digits()
    log_projection(
        logdir, rows, kinds, name="digits", columns={"digit": kinds}, sprites=pictures, views=("tsne", "pca")
    )
    return lambda page: page.click_bookmark(page.bookmarks()[0])


def _epochs(logdir: Path, out: Path, chinese: Path | None) -> Callable[[Projector], None]:
    words, tables = samples.lee_epochs(6)
    counts = [words.get_vecattr(word, "count") for word in words.index_to_key]
    shown = {epoch: tables[epoch] for epoch in (1, 2, 4, 6)}
    log_epochs(logdir, shown, words.index_to_key, name="lee news", columns={"count": counts}, paths=12, include=NAMED)

    def look(page: Projector) -> None:
        page.show(tensor="lee news, paths")
        page.click_bookmark("paths")
        page.label_all([f"palestinian ({epoch})" for epoch in shown])

    return look


def _engines(logdir: Path, out: Path, chinese: Path | None) -> Callable[[Projector], None]:
    with tempfile.TemporaryDirectory(prefix="compare-") as work:
        result = run_comparison(Options(SUITE, cases=("word2vec",), dtypes=("float32",)), Path(work))
        vectors.log(result, Path(work), logdir)
    (logdir / "vectors.png").replace(out / "engines-plot.png")

    def look(page: Projector) -> None:
        page.click_bookmark(page.bookmarks()[0])
        page.choose("fire")

    return look


SCENES: dict[str, Callable[[Path, Path, Path | None], Callable[[Projector], None]]] = {
    "words": _words, "chinese": _chinese, "digits": _digits, "epochs": _epochs, "engines": _engines,
}  # fmt: skip
