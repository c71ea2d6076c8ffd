"""The page in a real browser: what a person sees is what NumPy computes."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from projector_sample import BIG, LABELS, PROTOTYPES, RUNS, SHOWN, log, quiet, table
from tensorboard_server import TensorBoard

from compare.docs import browser, samples
from compare.docs.browser import Projector
from tf_emb.projector import log_epochs, log_side_by_side
from tf_emb.projector.align import fit_pca
from tf_emb.projector.views import tsne, umap

pytestmark = pytest.mark.browser
TOP = 300
RED = np.zeros((9, 8, 8, 3), np.uint8) + np.array([255, 0, 0], np.uint8)


@pytest.fixture(scope="module")
def words() -> Any:
    return samples.lee(epochs=5)


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browser") / "logs"


@pytest.fixture(scope="module")
def runs(logdir: Path, words: Any) -> dict[str, str]:
    """Log what is looked at; return the name of each run."""
    vectors, kinds, pictures = samples.digits(200)
    epochs = {epoch: epoch * table(8, 50) + epoch for epoch in (1, 2, 3)}
    space = table(40, 55)
    made = {
        "words": log(logdir, words, None, top=TOP, include=["fire"], views=("pca", "umap", "tsne")),
        "short": log(logdir, words.vectors[:, :20], words.index_to_key, normalize="auto"),
        "own": log(logdir, table(9, 4), [*LABELS, "cat"], views={"flat": table(9, 2), "deep": table(9, 3)}),
        "chinese": log(logdir, samples.chinese(min_count=2), None),
        "digits": log(logdir, vectors, kinds, columns={"digit": kinds}, sprites=pictures, views=("pca",)),
        "red": log(logdir, table(9, 3), [f"r{i}" for i in range(9)], sprites=RED),
        "epochs": log_epochs(logdir, epochs, LABELS, say=quiet),
        "sides": log_side_by_side(logdir, {"numpy": space, "torch": space + np.float32(1e-7), "keras": space},
                                  [f"w{i}" for i in range(40)], say=quiet),
        "two": log(logdir / "a", table(8, 2), LABELS, name="two"),
        "big": log(logdir / "a", RUNS["big"]["wide"], BIG, name="big"),
        "prototypes": log(logdir, table(3, 60), PROTOTYPES, columns={"kind": PROTOTYPES}),
    }  # fmt: skip
    return {name: run.relative_to(logdir).as_posix() for name, run in made.items()}


@pytest.fixture(scope="module")
def server(logdir: Path, runs: dict[str, str]) -> Iterator[TensorBoard]:
    with TensorBoard(logdir) as running:
        running.wait_for(lambda: set(running.runs()) >= set(runs.values()))
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if browser.chromium() is None:
        pytest.skip(f"none of {', '.join(browser.NAMES)} is installed")
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with browser.launched() as running:
        yield running


@pytest.fixture
def page(server: TensorBoard, chromium: Any) -> Iterator[Projector]:
    """A page that must have nothing to complain of at the end."""
    with Projector(chromium, f"http://127.0.0.1:{server.port}") as shown:
        yield shown
        assert shown.messages() == []


def exact(page: Projector, kind: str, points: np.ndarray) -> None:
    """Hold the page's coordinates to float32 points, bit by bit."""
    tab, drawn = page.coordinates()
    assert tab == kind
    np.testing.assert_array_equal(np.array(drawn, np.float32), points)


def cosine_neighbours(vectors: np.ndarray, row: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    wide = vectors.astype(np.float64)
    unit = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    far = 1 - unit @ unit[row]
    order = np.argsort(far, kind="stable")
    order = order[order != row][:count]
    return order, far[order]


def test_the_neighbours_on_the_page_are_numpys(page: Projector, runs: dict[str, str], words: Any) -> None:
    page.show(runs["words"])
    labels = [row["label"] for row in page.metadata()]
    assert len(labels) == TOP
    page.search("f")
    assert sorted(page.matches()) == sorted(label for label in labels if "f" in label)
    page.choose("fire")
    shown = np.array([words[label] for label in labels])
    centred = shown.astype(np.float64) - shown.astype(np.float64).mean(axis=0)
    check_neighbours(page, labels, centred)
    page.page.locator("#normalize-data-checkbox").click()
    page.page.wait_for_function("!projector.normalizeData && projector.dataSet.points[0].projections['pca-0'] != null")
    page.choose("fire")
    check_neighbours(page, labels, shown)


def test_the_neighbours_of_short_vectors_are_numpys(page: Projector, runs: dict[str, str], words: Any) -> None:
    page.show(runs["short"])
    labels = [row["label"] for row in page.metadata()]
    page.choose("fire")
    check_neighbours(page, labels, words.vectors[:, :20])


def check_neighbours(page: Projector, labels: list[str], vectors: np.ndarray) -> None:
    found = page.neighbours()
    assert len(found) == 100
    rows, distances = cosine_neighbours(vectors, labels.index("fire"), 100)
    np.testing.assert_allclose([distance for _, distance in found], distances, atol=6e-4)  # three decimals are shown
    places = {labels[row]: i for i, row in enumerate(rows)}
    for i, (label, _) in enumerate(found):  # the same words in the same order, but for ties within float32
        assert abs(distances[i] - distances[places[label]]) < 1e-5


def test_bookmarks_are_exact_and_leave_every_tab_full(page: Projector, runs: dict[str, str], words: Any) -> None:
    page.show(runs["words"])
    shown = np.array([words[row["label"]] for row in page.metadata()])
    views = dict(zip(page.bookmarks(), [("pca", None), ("umap", umap(shown)), ("custom", tsne(shown))], strict=True))
    assert list(views) == ["PCA", f"UMAP of all {TOP} rows", f"t-SNE of all {TOP} rows"]
    basis = fit_pca(shown).coordinates(shown)
    for label, (kind, points) in views.items():
        page.click_bookmark(label)
        exact(page, kind, basis[:, :3] if points is None else points)
        page.set_up("() => panels.projections.showTab('pca')")
        exact(page, "pca", basis[:, :3])


def test_your_own_coordinates_are_exact(page: Projector, runs: dict[str, str]) -> None:
    page.show(runs["own"])
    page.click_bookmark("flat")
    exact(page, "custom", table(9, 2))
    page.click_bookmark("deep")
    exact(page, "umap", table(9, 3))
    page.page.wait_for_timeout(500)
    exact(page, "umap", table(9, 3))  # a t-SNE would have moved


def test_metadata_is_text_where_it_was_text(page: Projector, runs: dict[str, str]) -> None:
    page.show(runs["own"])
    assert page.metadata() == [{"label": label, "row": i} for i, label in enumerate([*SHOWN, "cat"])]
    page.show(runs["big"])
    assert [row["label"] for row in page.metadata()] == BIG
    page.show(runs["prototypes"])
    assert [(row["label"], row["kind"]) for row in page.metadata()] == [(name, name) for name in PROTOTYPES]


def test_epochs_are_switched_by_bookmarks(page: Projector, runs: dict[str, str]) -> None:
    page.show(runs["epochs"], "epochs")
    assert page.bookmarks() == ["epoch 1", "epoch 2", "epoch 3"]
    basis = fit_pca(3 * table(8, 50) + 3)
    for epoch in (1, 3, 2):
        page.click_bookmark(f"epoch {epoch}")
        exact(page, "pca", basis.coordinates(epoch * table(8, 50) + epoch)[:, :3])
    page.show(runs["epochs"], "epochs, paths")
    lines = page.set_up("() => projector.dataSet.sequences.map(sequence => sequence.pointIndices)")
    assert lines == [[i, i + 8, i + 16] for i in range(8)]
    page.click_bookmark("paths")
    stacked = np.concatenate([epoch * table(8, 50) + epoch for epoch in (1, 2, 3)])
    exact(page, "pca", basis.coordinates(stacked)[:, :2])  # flat, as lines in depth are hard to read


def test_engines_coincide(page: Projector, runs: dict[str, str]) -> None:
    space, label = table(40, 55), "PCA, one basis for all"
    basis = fit_pca(space)
    drawn = {}
    for name in ("numpy", "torch", "keras"):
        page.show(runs["sides"], name)
        page.click_bookmark(label)
        drawn[name] = np.array(page.coordinates()[1], np.float32)
        exact(page, "pca", basis.coordinates(space + np.float32(1e-7) if name == "torch" else space)[:, :3])
    np.testing.assert_array_equal(drawn["keras"], drawn["numpy"])
    assert np.abs(drawn["torch"] - drawn["numpy"]).max() < 1e-7 * np.sqrt(55) + 1e-6  # the move, and float32's rounding
    page.show(runs["sides"], "side by side, together")
    page.click_bookmark(label)
    together = np.array(page.coordinates()[1], np.float32)
    np.testing.assert_array_equal(together, np.concatenate([drawn[name] for name in ("numpy", "torch", "keras")]))
    page.show(runs["sides"], "torch minus numpy")
    assert "length of the difference" in page.metadata()[0]


def test_chinese_words_are_found(page: Projector, runs: dict[str, str]) -> None:
    page.show(runs["chinese"])
    labels = [row["label"] for row in page.metadata()]
    assert "误差" in labels
    page.search("数")
    assert sorted(page.matches()) == sorted(label for label in labels if "数" in label)
    page.choose("误差")
    assert page.set_up("() => projector.selectedPointIndices") == [labels.index("误差")]
    assert {label for label, _ in page.neighbours()} <= set(labels) - {"误差"}


def test_pictures_are_drawn(page: Projector, runs: dict[str, str], tmp_path: Path) -> None:
    from PIL import Image

    page.show(runs["red"])
    shot = np.asarray(Image.open(page.screenshot(tmp_path / "red.png")).convert("RGB")).astype(int)
    middle = shot[100:, 330:970]
    assert ((middle[..., 0] > 200) & (middle[..., 1:].max(axis=2) < 60)).sum() > 9 * 50
    page.show(runs["digits"])
    assert page.set_up("() => [panels.inspector.spriteMeta.nCols, panels.inspector.spriteMeta.aspectRatio]") == [15, 1]
    page.choose("7\u200b")
    assert len(page.neighbours()) == 100


def test_two_dimensions_are_visible(page: Projector, runs: dict[str, str]) -> None:
    page.show(runs["two"])
    assert np.isfinite(np.array(page.coordinates()[1], float)).all()


def test_the_page_is_right_after_three_logs_while_tensorboard_stays_open(
    server: TensorBoard, chromium: Any, runs: dict[str, str]
) -> None:
    for i in range(3):
        made = log(server.logdir, table(8, 60) + i, LABELS, name="again").name
        server.wait_for(lambda made=made: made in server.runs())
        with Projector(chromium, f"http://127.0.0.1:{server.port}") as page:
            page.show()
            assert page.shown() == (made, "again")  # the newest, without choosing it
            vectors = page.set_up("() => projector.originalDataSet.points.map(point => [...point.vector])")
            np.testing.assert_array_equal(np.array(vectors, np.float32), table(8, 60) + i)
            assert page.messages() == []


def test_a_screenshot_is_a_picture(page: Projector, runs: dict[str, str], tmp_path: Path) -> None:
    from PIL import Image

    page.show(runs["digits"])
    page.colour_by("digit")
    path = page.screenshot(tmp_path / "page.png")
    assert Image.open(io.BytesIO(path.read_bytes())).size == (1280, 800)
