"""Runs of the projector as TensorBoard serves them over HTTP."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import numpy as np
import pytest
from projector_sample import BIG, LABELS, RUNS, SHOWN, log, quiet, table
from tensorboard_server import TensorBoard

from tf_emb.projector import log_epochs


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("projector") / "logs"


@pytest.fixture(scope="module")
def runs(logdir: Path) -> dict[str, str]:
    """Log what is served; return the name of each run for TensorBoard."""
    made = {}
    for name, tensors in RUNS.items():
        labels = BIG if name == "big" else LABELS
        below = logdir / "a" / "b" if name == "nested" else logdir
        if name == "text":
            with pytest.warns(UserWarning, match=r"zeros'\]` has 8 rows of zeros, the first in row 0.*'the'"):
                run = log(below, tensors, labels)
        else:
            run = log(below, tensors, labels, columns={"count": range(len(labels))}, name=name)
        made[name] = run.relative_to(logdir).as_posix()
    pictures = np.random.default_rng(0).random((8, 9, 7, 3))
    views = {"mine": table(8, 2), "solid": table(8, 3)}
    made["extras"] = log(logdir, table(8, 6), LABELS, sprites=pictures, views=views, name="extras").name
    return made


@pytest.fixture(scope="module", params=["alone", "tensorflow"])
def server(request: pytest.FixtureRequest, logdir: Path, runs: dict[str, str]) -> Iterator[TensorBoard]:
    """Both of TensorBoard's ways to read a file: its own, and TensorFlow's."""
    with TensorBoard(logdir, tensorflow=request.param == "tensorflow") as running:
        running.wait_for(lambda: set(running.runs()) >= set(runs.values()))
        yield running


def test_server_returns_the_same_bits(server: TensorBoard, runs: dict[str, str]) -> None:
    for name, tensors in RUNS.items():
        entries = server.info(runs[name])["embeddings"]
        assert [entry["tensorShape"] for entry in entries] == [list(t.shape) for t in tensors.values()]
        for entry, expected in zip(entries, tensors.values(), strict=True):
            served = server.tensor(runs[name], entry["tensorName"], expected.shape[1])
            np.testing.assert_array_equal(served.view(np.uint32), expected.view(np.uint32))


def test_server_returns_the_metadata_in_order(server: TensorBoard, runs: dict[str, str]) -> None:
    header, *rows = server.metadata(runs["nested"], "context")
    assert header == ["label", "count", "log10 count", "row"]
    assert [(row[0], row[1], row[3]) for row in rows] == [(label, str(i), str(i)) for i, label in enumerate(SHOWN)]
    assert server.metadata(runs["text"], "twos")[0] == ["label", "row"]


def test_server_finds_names_as_the_page_asks_for_them(server: TensorBoard, runs: dict[str, str]) -> None:
    names = [entry["tensorName"] for entry in server.info(runs["names"])["embeddings"]]
    assert names == ["a_b", "a_b_2", "c_d_e_f_20g", "tensor", "猫 (1)"]
    for name, expected in zip(names, RUNS["names"].values(), strict=True):
        url = f"{server.url('tensor', run=runs['names'])}&name={quote(name, safe='#&+%/')}"
        with urlopen(url, timeout=30) as answer:
            assert answer.read() == expected.tobytes()


def test_server_returns_bookmarks_that_are_json_and_exact(server: TensorBoard, runs: dict[str, str]) -> None:
    mine, solid = json.loads(server.get("bookmarks", run=runs["extras"], name="extras"))
    assert [state["label"] for state in (mine, solid)] == ["mine", "solid"]
    assert [state["selectedProjection"] for state in (mine, solid)] == ["custom", "umap"]
    flat = [[point["linear-x"], point["linear-y"]] for point in mine["projections"]]
    assert np.array_equal(np.array(flat, np.float32), table(8, 2))
    deep = [[point[f"umap-{axis}"] for axis in range(3)] for point in solid["projections"]]
    assert np.array_equal(np.array(deep, np.float32), table(8, 3))


def test_server_returns_the_pictures(server: TensorBoard, runs: dict[str, str]) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(server.get("sprite_image", run=runs["extras"], name="extras"))) as sheet:
        width, height = server.info(runs["extras"])["embeddings"][0]["sprite"]["singleImageDim"]
        assert (width, height) == (21, 27)  # enlarged by 3
        assert sheet.size == (3 * width, 3 * height)
        assert sheet.format == "PNG"


def test_server_notices_a_new_run(server: TensorBoard) -> None:
    made = log(server.logdir, {"t": table(3, 3)}, list("abc"), name="later").name
    server.wait_for(lambda: made in server.runs())


def test_the_newest_run_is_the_first(server: TensorBoard, runs: dict[str, str]) -> None:
    """The page opens the first."""
    last = log_epochs(server.logdir, {1: table(4, 3), 2: table(4, 3)}, list("abcd"), say=quiet).name
    server.wait_for(lambda: last in server.runs())
    found = server.runs()
    assert found[0] == last
    logged = [name for name in found if name in runs.values()]
    assert logged == list(runs.values())[::-1]
