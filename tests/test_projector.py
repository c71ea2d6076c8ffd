"""The files of the projector: what is refused, and what is written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from projector_sample import BIG, log, quiet, table

from tf_emb.projector import log_projection, projection_address, run
from tf_emb.vectors import Vectors


@pytest.mark.parametrize("broken", ["replace", "metadata"])
def test_what_breaks_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(*((os, "replace") if broken == "replace" else (Path, "write_bytes")), full)
    with pytest.raises(OSError, match="disk full"):
        log(tmp_path, {"t": table(3, 3)}, list("abc"))
    assert not list(tmp_path.iterdir())


def test_the_event_that_makes_a_run_visible_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (seen.append(Path(b).name), replace(a, b)))
    made = log(tmp_path, table(3, 3), list("abc"))
    assert seen[0] == "projector_config.pbtxt"
    assert seen[1].startswith("events.out.tfevents.")
    newest = max(made.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert "tfevents" in newest.name


def test_run_holds_its_files_and_nothing_else(tmp_path: Path) -> None:
    made = log(tmp_path / "a", {"t": table(3, 3)}, list("abc"))
    assert made.parent == tmp_path / "a"
    names = sorted(path.name for path in made.iterdir())
    assert names[0].startswith("events.out.tfevents.")
    assert names[1:] == ["metadata.tsv", "projector_config.pbtxt", "tensor_0.bytes"]
    config = (made / "projector_config.pbtxt").read_text()
    assert 'tensor_name: "t"' in config
    assert 'tensor_path: "tensor_0.bytes"' in config
    assert 'metadata_path: "metadata.tsv"' in config


def test_every_log_is_a_new_run_and_the_old_ones_stay(tmp_path: Path) -> None:
    runs = [log(tmp_path, i + table(3, 3), list("abc")) for i in range(3)]
    assert len(set(runs)) == 3
    for i, made in enumerate(runs):
        assert (np.fromfile(made / "tensor_0.bytes", "<f4") == (i + table(3, 3)).ravel()).all()


def test_the_name_of_a_run_is_made_safe(tmp_path: Path) -> None:
    made = log(tmp_path, table(3, 3), list("abc"), name="../a#b&c+d%20 猫", step=7)
    assert made.parent == tmp_path
    assert made.name.startswith("_a_b_c_d_20 猫-step000007-")
    assert 'tensor_name: "_a_b_c_d_20 ' in (made / "projector_config.pbtxt").read_text()


def with_value(value: float, dtype: str = "f4") -> np.ndarray:
    values = table(3, 2).astype(dtype)
    values[1, 1] = value
    return values


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ({}, "`vectors` must hold at least one table; got an empty mapping"),
        ([[1, 2], [3], [4, 5]], "`vectors` must be numbers in rows of one length"),
        ([["a", "b"]] * 3, "`vectors` must be numbers in rows of one length"),
        (table(3), r"`vectors` must have shape .* got \(3,\)"),
        (table(3, 1), r"`vectors` must have shape .* got \(3, 1\)"),
        ({"t": table(3, 2), "u": table(4, 2)}, r"`vectors\['u'\]` must have shape .*\(3\).* got \(4, 2\)"),
        (with_value(np.nan), "`vectors` must be finite; got nan in row 1, label 'b'"),
        (with_value(-np.inf), "`vectors` must be finite; got -inf in row 1, label 'b'"),
        ({"t": with_value(1e300, "f8")}, r"`vectors\['t'\]` must be finite; got inf in row 1, label 'b'"),
    ],
)
def test_vectors_that_cannot_be_shown_are_refused(tmp_path: Path, vectors: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        log(tmp_path / "logs", vectors, list("abc"))
    assert not (tmp_path / "logs").exists()


def test_labels_are_needed_unless_the_vectors_have_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`labels` must be given"):
        log(tmp_path, table(3, 3), None)


@pytest.mark.parametrize(("rows", "top"), [(0, None), (1, None), (5, 1), (5, 100_001)])
def test_number_of_rows_is_bounded(tmp_path: Path, rows: int, top: int | None) -> None:
    with pytest.raises(ValueError, match="`top` must leave 2 to 100000 rows"):
        log(tmp_path / "logs", np.ones((rows, 2)), ["a"] * rows, top=top)


def test_zeros_are_reported_to_the_caller(tmp_path: Path) -> None:
    values = table(3, 2)
    values[1] = 0
    with pytest.warns(UserWarning, match=r"`vectors` has 1 rows of zeros, the first in row 1, label 'b'") as warned:
        log_projection(tmp_path, values, list("abc"), views=(), say=quiet)
    assert warned[0].filename == __file__


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"count": [1, 2]}, r"`columns\['count'\]` must have one value for each of 3 labels; got \(2,\)"),
        ({"count": [1, 2, np.nan]}, r"`columns\['count'\]` must be finite; got nan in row 2, label 'c'"),
        ({"label": [1, 2, 3]}, "`columns` must have names other than"),
        ({"row": [1, 2, 3]}, "`columns` must have names other than"),
        ({"__seq_next__": [1, 2, 3]}, "`columns` must have names other than"),
        ({"a\tb": [1, 2, 3], r"a\tb": [1, 2, 3]}, "`columns` must have names other than"),
    ],
)
def test_columns_that_cannot_be_shown_are_refused(
    tmp_path: Path, columns: dict[str, list[float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        log(tmp_path / "logs", table(3, 2), list("abc"), columns=columns)
    assert not (tmp_path / "logs").exists()


def written(tmp_path: Path, labels: list[str], **columns: Any) -> dict[str, tuple[str, ...]]:
    """Return the metadata that is written for these, by column."""
    made = log(tmp_path, {"t": table(len(labels), 3)}, labels, columns=columns)
    lines = (made / "metadata.tsv").read_text(encoding="utf-8").split("\n")[:-1]
    return {name: cells for name, *cells in zip(*(line.split("\t") for line in lines), strict=True)}


NUMBERS = [
    "7",
    " 7",
    "-1.",
    ".5",
    "+1E-3",
    "0x1F",
    "0b1",
    "0o7",
    "Infinity",
]  # as JavaScript's Number() sees them
WORDS = ["cat", "1_000", "NaN", "inf", "1e", "0x", "-0x1", "٧", ".", "Infinitys", "cat 7"]
BLANK = {"": "(blank)", "  ": "␣␣", "\u3000": "␣", "\t": r"\t", "\ufeff": r"\ufeff", "a\tb": r"a\tb", "é\n": r"é\n"}


def test_text_stays_text_and_can_be_seen(tmp_path: Path) -> None:
    labels = NUMBERS + WORDS + list(BLANK)
    expected = [number + "\u200b" for number in NUMBERS] + WORDS + list(BLANK.values())
    columns = written(tmp_path, labels, tag=labels)
    assert columns["label"] == columns["tag"] == expected


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    columns = written(tmp_path, list("abc"), n=np.array([1, 20, 3]), x=np.array([0.1, 1e-9, 2], "f4"))
    assert columns["n"] == ["1", "20", "3"]
    assert columns["x"] == ["0.1", "1e-09", "2.0"]


def test_counts_are_followed_by_their_logarithm(tmp_path: Path) -> None:
    columns = written(tmp_path, list("abc"), count=[1000, 0, 20])
    assert columns["count"] == ["1000", "0", "20"]
    assert columns["log10 count"] == ["3", "0", "1.301"]


def test_missing_text_and_broken_unicode_are_shown(tmp_path: Path) -> None:
    columns = written(tmp_path, ["a", "b\udce9", "c"], tag=["x", None, True], **{"2020": ["", "", ""]})
    assert columns["label"][1] == r"b\udce9"
    assert columns["tag"] == ["x", "(blank)", "True"]
    assert columns["2020"] == ["(blank)"] * 3


def test_only_repeated_text_is_folded(tmp_path: Path) -> None:
    values = [f"v{i}" for i in range(60)] * 2 + ["v59"] * 5
    columns = written(
        tmp_path,
        ["a"] * 125,
        many=values,
        few=[f"v{i % 50}" for i in range(125)],
        number=[float(v[1:]) for v in values],
        unique=[f"u{i}" for i in range(125)],
    )
    assert list(columns) == ["label", "many", "many (top 49)", "few", "number", "unique", "row"]
    assert columns["many"] == values
    folded = columns["many (top 49)"]
    assert len(set(folded)) == 50
    assert {f for f, v in zip(folded, values, strict=True) if f != v} == {"other"}
    assert "v59" in folded


@pytest.mark.parametrize(
    ("raw", "is_text"),
    [
        (b"\0\xff", False), (b"\0\n\xff", True), (b"\0\r\xff", True), ("é".encode()[:1], False), ("é".encode(), True),
        (b"a" * 10_000, True), (b"a" * 10_000 + b"\xff", False), (b"a" * 4095 + "é".encode() + b"a" * 9, True),
        (b"a" * 4095 + "é".encode()[:1], False), (b"a" * 5000 + b"\n\xff", True), (b"", True),
    ],
)  # fmt: skip
def test_raw_needs_an_undecodable_first_line(raw: bytes, is_text: bool) -> None:
    assert run.looks_like_text(raw) is is_text


@pytest.mark.parametrize("shift", range(3))
def test_no_character_lies_across_two_pieces(tmp_path: Path, shift: int) -> None:
    labels = ["x" * shift + label for label in BIG]
    columns = written(tmp_path, labels)
    (path,) = tmp_path.rglob("metadata.tsv")
    data = path.read_bytes()
    assert len(data) > 1_000_000
    data[:1_000_000].decode()
    assert columns["label"] == labels
    assert list(map(int, columns["row"])) == list(range(len(labels)))


@pytest.mark.parametrize(
    ("dim", "normalize", "unit"),
    [(49, "auto", True), (50, "auto", False), (50, True, True), (49, False, False)],
)
def test_rows_have_length_one_where_the_page_does_not_see_to_it(
    tmp_path: Path, dim: int, normalize: Any, unit: bool
) -> None:
    values = table(4, dim)
    made = log(tmp_path, values, list("abcd"), normalize=normalize)
    served = np.fromfile(made / "tensor_0.bytes", "<f4").reshape(4, dim)
    if unit:
        expected = values / np.linalg.norm(values.astype("f8"), axis=1, keepdims=True)
        np.testing.assert_array_equal(served, expected.astype("f4"))
    else:
        np.testing.assert_array_equal(served, values)


def test_two_dimensions_become_three_because_the_page_shows_nothing_below(tmp_path: Path) -> None:
    made = log(tmp_path, table(4, 2), list("abcd"))
    np.testing.assert_array_equal(
        np.fromfile(made / "tensor_0.bytes", "<f4").reshape(4, 3), np.pad(table(4, 2), ((0, 0), (0, 1)))
    )


def test_the_report_says_what_is_shown_and_how_to_see_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = log_projection(
        tmp_path, table(6, 60), list("abcdef"), top=3, columns={"count": [1, 9, 8, 7, 6, 5]}, views=("pca",)
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 of 6 rows, the largest by count; left out: 3, such as e, f, a; embedding (60 dimensions)"
    assert lines[1] == "Bookmarks, at the bottom right of the page: PCA."
    assert "Spherize" in lines[2]
    assert lines[3].endswith(f"tensorboard --logdir {tmp_path}")
    assert shutil.which(lines[3].split()[0])
    assert lines[4] == f"then open http://localhost:6006/#projector (reload it if it is open): run {made.name}"


def test_keyed_vectors_and_layers_are_taken_as_they_are(tmp_path: Path) -> None:
    import keras

    words, values = list("abcd"), table(4, 50)
    layer = keras.layers.Embedding(4, 50)
    with pytest.raises(ValueError, match="that is not built"):
        log(tmp_path, layer, words)
    layer.build(None)
    layer.set_weights([values])
    counted = Vectors(words, values, {"count": [4, 3, 2, 2]})
    for vectors, labels in [(layer, words), (counted, None), (counted.keyed(), None)]:
        made = log(tmp_path, vectors, labels)
        np.testing.assert_array_equal(np.fromfile(made / "tensor_0.bytes", "<f4").reshape(4, 50), values)
        assert (made / "metadata.tsv").read_text().splitlines()[4].startswith("d\t")


def test_counts_that_gensim_made_up_are_not_shown(tmp_path: Path) -> None:
    real, made_up = (Vectors(list("abc"), table(3, 3), {"count": of}) for of in ([9, 3, 3], [3, 2, 1]))
    for vectors in (real, real.keyed(), made_up):  # what is known of `Vectors` was never made up
        assert "count" in (log(tmp_path, vectors, None) / "metadata.tsv").read_text()
    assert "count" not in (log(tmp_path, made_up.keyed(), None) / "metadata.tsv").read_text()


def test_vectors_bring_their_labels_and_columns(tmp_path: Path) -> None:
    vectors = Vectors([1, None, "c"], table(3, 3), {"kind": ["x", "y", "x"], "count": [3, 9, 5]})
    rows = [line.split("\t") for line in (log(tmp_path, vectors, None) / "metadata.tsv").read_text().splitlines()]
    assert rows[0] == ["label", "kind", "count", "log10 count", "row"]
    assert [row[1:3] for row in rows[1:]] == [["x", "3"], ["y", "9"], ["x", "5"]]
    mine = log(tmp_path, vectors, list("abc"), columns={"count": [1, 2, 3], "new": [7, 8, 9]})
    rows = [line.split("\t") for line in (mine / "metadata.tsv").read_text().splitlines()]
    assert rows[0] == ["label", "count", "log10 count", "new", "kind", "row"]
    assert rows[1] == ["a", "1", "0", "7", "x", "0"]


def test_needs_no_tensorflow(tmp_path: Path) -> None:
    code = f"""import sys; from tf_emb.projector import log_projection
assert "tensorboard" not in sys.modules
from tf_emb.projector import views
log_projection({str(tmp_path)!r}, [[1, 2], [3, 4], [5, 7]], ["a", "b", "c"], views=("pca",))
with views._without_tensorflow():  # all that `views.umap` does but the computing
    import umap
loaded = {{name.split(".")[0] for name in sys.modules}}
assert {{"umap", "tensorboard"}} <= loaded and "tensorflow" not in loaded and "keras" not in loaded"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_address() -> None:
    assert projection_address() == "http://localhost:6006/#projector"
    assert projection_address("gpu", 7007) == "http://gpu:7007/#projector"
