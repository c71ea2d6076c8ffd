"""The files of the projector: what is refused, and what is written."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from projector_sample import BIG, table

from tf_emb import projector
from tf_emb.projector import log_projection, projection_address


def test_run_is_complete_before_it_is_visible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        log_projection(tmp_path, {"t": table(3, 2)}, list("abc"))
    assert not list(tmp_path.glob("*tfevents*"))
    assert not (tmp_path / "projector_config.pbtxt").exists()


def test_run_holds_its_files_and_nothing_else(tmp_path: Path) -> None:
    run = log_projection(tmp_path / "a" / "run", {"t": table(3, 2)}, list("abc"))
    assert run == tmp_path / "a" / "run"
    names = sorted(path.name for path in run.iterdir())
    assert names[0].startswith("events.out.tfevents.")
    assert names[1:] == ["metadata.tsv", "projector_config.pbtxt", "tensor_0.bytes"]
    config = (run / "projector_config.pbtxt").read_text()
    assert 'tensor_path: "tensor_0.bytes"' in config
    assert 'metadata_path: "metadata.tsv"' in config


@pytest.mark.parametrize("used", ["projector_config.pbtxt", "events.out.tfevents.1.host"])
def test_used_run_is_refused(tmp_path: Path, used: str) -> None:
    (tmp_path / used).touch()
    with pytest.raises(ValueError, match=f"`logdir` must be a new run; got .* already has {used}"):
        log_projection(tmp_path, {"t": table(3, 2)}, list("abc"))


@pytest.mark.parametrize("character", "#&+%")
def test_run_that_hangs_the_page_is_refused(tmp_path: Path, character: str) -> None:
    with pytest.raises(ValueError, match="`logdir` must have none of"):
        log_projection(tmp_path / f"a{character}b", {"t": table(3, 2)}, list("abc"))


def with_value(value: float, dtype: str = "f4") -> np.ndarray:
    values = table(3, 2).astype(dtype)
    values[1, 1] = value
    return values


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({}, "`tensors` must map names to arrays; got an empty or other dict"),
        (table(3, 2), "`tensors` must map names to arrays; got an empty or other ndarray"),
        ({"t": [[1, 2], [3], [4, 5]]}, r"`tensors\['t'\]` must be numbers in rows of one length"),
        ({"t": table(3)}, r"`tensors\['t'\]` must have shape .* got \(3,\)"),
        ({"t": table(3, 1)}, r"`tensors\['t'\]` must have shape .* got \(3, 1\)"),
        ({"t": table(3, 2), "u": table(4, 2)}, r"`tensors\['u'\]` must have shape .*\(3\).* got \(4, 2\)"),
        ({"t": with_value(np.nan)}, r"`tensors\['t'\]` must be finite; got nan in row 1, label 'b'"),
        ({"t": with_value(-np.inf)}, r"`tensors\['t'\]` must be finite; got -inf in row 1, label 'b'"),
        ({"t": with_value(1e300, "f8")}, r"`tensors\['t'\]` must be finite; got inf in row 1, label 'b'"),
    ],
)
def test_tensors_that_cannot_be_shown_are_refused(tmp_path: Path, tensors: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        log_projection(tmp_path / "run", tensors, list("abc"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("rows", [0, 1, projector.MAX_ROWS + 1])
def test_number_of_rows_is_bounded(tmp_path: Path, rows: int) -> None:
    with pytest.raises(ValueError, match=f"`labels` must have 2 to 100000 rows.*; got {rows}"):
        log_projection(tmp_path / "run", {"t": np.ones((rows, 2))}, ["a"] * rows)


def test_zeros_are_reported_to_the_caller(tmp_path: Path) -> None:
    values = table(3, 2)
    values[1] = 0
    with pytest.warns(UserWarning, match=r"has 1 rows of zeros, the first is row 1, label 'b'") as warned:
        log_projection(tmp_path / "run", {"t": values}, list("abc"))
    assert warned[0].filename == __file__


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"count": [1, 2]}, r"`columns\['count'\]` must have one value for each of 3 labels; got \(2,\)"),
        ({"count": [1, 2, np.nan]}, r"`columns\['count'\]` must be finite; got nan in row 2, label 'c'"),
        ({"label": [1, 2, 3]}, "`columns` must have names other than"),
        ({"row": [1, 2, 3]}, "`columns` must have names other than"),
        ({"a\tb": [1, 2, 3], r"a\tb": [1, 2, 3]}, "`columns` must have names other than"),
    ],
)
def test_columns_that_cannot_be_shown_are_refused(
    tmp_path: Path, columns: dict[str, list[float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        log_projection(tmp_path / "run", {"t": table(3, 2)}, list("abc"), columns=columns)
    assert not (tmp_path / "run").exists()


def written(tmp_path: Path, labels: list[str], **columns: Any) -> dict[str, tuple[str, ...]]:
    """Return the metadata that is written for these, by column."""
    run = log_projection(tmp_path / "run", {"t": table(len(labels), 2)}, labels, columns=columns)
    lines = (run / "metadata.tsv").read_text(encoding="utf-8").split("\n")[:-1]
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
WORDS = ["cat", "1_000", "NaN", "inf", "1e", "0x", "-0x1", "٧", "."]
BLANK = {"": "(blank)", "  ": "␣␣", "\u3000": "␣", "\t": r"\t", "\ufeff": r"\ufeff"}


def test_text_stays_text_and_can_be_seen(tmp_path: Path) -> None:
    labels = NUMBERS + WORDS + list(BLANK)
    expected = [number + "\u200b" for number in NUMBERS] + WORDS + list(BLANK.values())
    columns = written(tmp_path, labels, tag=labels)
    assert columns["label"] == columns["tag"] == expected


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    columns = written(tmp_path, list("abc"), n=np.array([1, 20, 3]), x=np.array([0.1, 1e-9, 2], "f4"))
    assert columns["n"] == ["1", "20", "3"]
    assert columns["x"] == ["0.1", "1e-09", "2.0"]


def test_missing_text_and_broken_unicode_are_shown(tmp_path: Path) -> None:
    columns = written(tmp_path, ["a", "b\udce9", "c"], tag=["x", None, True], **{"2020": ["", "", ""]})
    assert columns["label"][1] == r"b\udce9"
    assert columns["tag"] == ["x", "(blank)", "True"]
    assert columns["2020"] == ["(blank)"] * 3


def test_only_repeated_text_is_folded(tmp_path: Path) -> None:
    values = [f"v{i}" for i in range(60)] * 2 + ["v59"] * 5
    columns = written(
        tmp_path, ["a"] * 125, many=values, few=[f"v{i % 50}" for i in range(125)],
        number=[float(v[1:]) for v in values], unique=[f"u{i}" for i in range(125)],
    )  # fmt: skip
    assert list(columns) == ["label", "many", "many (top 49)", "few", "number", "unique", "row"]
    assert columns["many"] == values
    folded = columns["many (top 49)"]
    assert len(set(folded)) == 50
    assert {f for f, v in zip(folded, values, strict=True) if f != v} == {"other"}
    assert "v59" in folded


@pytest.mark.parametrize(
    ("raw", "is_text"),
    [(b"\0\xff", False), (b"\0\n\xff", True), (b"\0\r\xff", True), ("é".encode()[:1], False), ("é".encode(), True)],
)
def test_raw_needs_an_undecodable_first_line(raw: bytes, is_text: bool) -> None:
    assert projector._looks_like_text(raw) is is_text


@pytest.mark.parametrize("shift", range(3))
def test_no_character_lies_across_two_pieces(tmp_path: Path, shift: int) -> None:
    labels = ["x" * shift + label for label in BIG]
    columns = written(tmp_path, labels)
    data = (tmp_path / "run" / "metadata.tsv").read_bytes()
    assert len(data) > 1_000_000
    data[:1_000_000].decode()
    assert columns["label"] == labels
    assert list(map(int, columns["row"])) == list(range(len(labels)))


def test_needs_no_tensorflow(tmp_path: Path) -> None:
    code = f"""import sys; from tf_emb.projector import log_projection
assert "tensorboard" not in sys.modules
log_projection({str(tmp_path / "run")!r}, {{"t": [[1, 2], [3, 4]]}}, ["a", "b"])
assert "tensorboard" in sys.modules and "tensorflow" not in sys.modules"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_address() -> None:
    assert projection_address() == "http://localhost:6006/#projector"
    assert projection_address("gpu", 7007) == "http://gpu:7007/#projector"
