"""Runs of the projector as TensorBoard serves them, and as its page shows them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import numpy as np
import pytest
from projector_sample import BIG, LABELS, NESTED, RUNS, SHOWN, table
from tensorboard_server import TensorBoard

from tf_emb.projector import log_projection


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("projector") / "logs"
    for run, tensors in RUNS.items():
        labels = BIG if run == "big" else LABELS
        if run == "text":
            with pytest.warns(UserWarning, match=r"zeros'\]` has 8 rows of zeros, the first is row 0.*'the'"):
                log_projection(path / run, tensors, labels)
        else:
            log_projection(path / run, tensors, labels, columns={"count": range(len(labels))})
    return path


@pytest.fixture(scope="module", params=["alone", "tensorflow"])
def server(request: pytest.FixtureRequest, logdir: Path) -> Iterator[TensorBoard]:
    """Both of TensorBoard's ways to read a file: its own, and TensorFlow's."""
    with TensorBoard(logdir, tensorflow=request.param == "tensorflow") as running:
        running.wait_for(lambda: set(running.runs()) >= set(RUNS))
        yield running


def test_server_returns_the_same_bits(server: TensorBoard) -> None:
    for run, tensors in RUNS.items():
        entries = server.info(run)["embeddings"]
        assert [entry["tensorShape"] for entry in entries] == [list(t.shape) for t in tensors.values()]
        for entry, expected in zip(entries, tensors.values(), strict=True):
            served = server.tensor(run, entry["tensorName"], expected.shape[1])
            np.testing.assert_array_equal(served.view(np.uint32), expected.view(np.uint32))


def test_server_returns_the_metadata_in_order(server: TensorBoard) -> None:
    header, *rows = server.metadata(NESTED, "context")
    assert header == ["label", "count", "row"]
    assert rows == [[label, str(i), str(i)] for i, label in enumerate(SHOWN)]
    assert server.metadata("text", "twos")[0] == ["label", "row"]


def test_server_finds_names_as_the_page_asks_for_them(server: TensorBoard) -> None:
    names = [entry["tensorName"] for entry in server.info("names")["embeddings"]]
    assert names == ["a_b", "a_b_2", "c_d_e_f_20g", "tensor", "猫 (1)"]
    for name, expected in zip(names, RUNS["names"].values(), strict=True):
        url = f"{server.url('tensor', run='names')}&name={quote(name, safe='#&+%/')}"
        with urlopen(url, timeout=30) as answer:
            assert answer.read() == expected.tobytes()


FLAGS = (
    "--no-sandbox --headless --disable-background-networking --use-angle=swiftshader "
    "--enable-unsafe-swiftshader --no-first-run --disable-component-update --disable-sync"
)
# The page races with itself when the run is changed while another is loading, so each is let finish.
READY = """([run, shape]) => {
    const find = (root, name) => root?.shadowRoot?.querySelector(name);
    window.projector = find(document.querySelector("vz-projector-dashboard"), "vz-projector");
    window.panel = find(projector, "vz-projector-data-panel");
    const data = projector?.dataSet, point = data?.points[0];
    if (point?.metadata.row !== 0 || !("pca-0" in point.projections)) return false;
    if (find(projector, "#notification-dialog").opened) return false;
    if (panel.selectedRun === run) return String(data.dim) === String(shape);
    panel.selectedRun = run;
}"""
MESSAGES = """() => [projector.shadowRoot.querySelector("#toast").text,
    ...[...projector.shadowRoot.querySelectorAll(".error")].map(error => error.innerText)].filter(Boolean)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(names)} is installed")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS.split())
        yield running
        running.close()


@pytest.mark.browser
@pytest.mark.parametrize("run", [NESTED, "big"])
@pytest.mark.parametrize("server", ["alone"], indirect=True)
def test_page_shows_the_run(server: TensorBoard, browser: Any, run: str, tmp_path: Path) -> None:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server.url("projector_binary.html"))
    first, *others = sorted(RUNS[run])  # the page shows the first by name
    page.wait_for_function(READY, arg=[run, RUNS[run][first].shape], timeout=30_000)
    assert page.evaluate("panel.tensorNames.map(tensor => tensor.name)") == [first, *others]
    points = page.evaluate("projector.dataSet.points.map(point => point.metadata)")
    labels = BIG if run == "big" else SHOWN
    assert points == [{"label": label, "count": i, "row": i} for i, label in enumerate(labels)]
    page.screenshot(path=tmp_path / "page.png")
    assert page.evaluate(MESSAGES) == []
    page.close()
    assert errors == []


def test_server_notices_a_new_run(server: TensorBoard, request: pytest.FixtureRequest) -> None:
    run = f"later {request.node.name}".replace("[", " ").replace("]", "")
    log_projection(server.logdir / run, {"t": table(3, 2)}, list("abc"))
    server.wait_for(lambda: run in server.runs())
