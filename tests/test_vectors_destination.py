"""What is said of a destination before the work that it is for, and the old names of writing."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tf_emb.vectors import Vectors, check_destination, load_vectors, save_vectors, to_keyed_vectors

LABELS = ["the", "猫"]
TABLE = np.float32([[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("name", "labels", "said"),
    [
        ("w.npy", None, "`path` must end in one of"),
        ("none/w.bin", None, "`path` must lie in a folder"),
        ("input.txt", None, "`path` must be another file than what is read"),
        ("link.txt", None, "`path` must be another file than what is read"),
        ("folder.txt", None, "`path` must be a file"),
        ("w.txt", ["new york"], "`labels` must be words without white space"),
        ("w.npz", ["a\0"], "`labels` must not end in NUL"),
        ("w.glove", ["\ufeffa"], "`labels` must not begin with a byte-order mark"),
        ("w.npz", ["a", "a"], "`labels` must be different"),
        ("w.safetensors", ["\ud800"], "`labels` must be Unicode text"),
        ("w.bin", range(3), "`labels` must be strings; got 0"),
        ("w.bin", ["a" * 1_048_577], "`labels` must be no longer than 1,048,576 bytes"),
    ],
)
def test_what_could_not_be_written_is_refused_beforehand(
    tmp_path: Path, name: str, labels: list[str] | None, said: str
) -> None:
    (tmp_path / "input.txt").write_text("1 1\na 1\n")
    (tmp_path / "link.txt").symlink_to("input.txt")
    (tmp_path / "folder.txt").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match=said):
        check_destination(tmp_path / name, inputs=[tmp_path / "input.txt"], labels=labels, dim=3)
    assert sorted(tmp_path.iterdir()) == before


def test_a_destination_without_room_is_refused_beforehand(tmp_path: Path) -> None:
    check_destination(tmp_path / "w.bin", labels=["a"], dim=3)
    with pytest.raises(ValueError, match="`path` must have room: 4,000,000,000,000,001 bytes are needed"):
        check_destination(tmp_path / "w.bin", labels=["a"], dim=10**15)


@pytest.mark.parametrize(("module", "name"), [("safetensors", "w.safetensors"), ("backports", "w.txt.zst")])
def test_a_destination_that_needs_an_extra_is_refused_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, f"{module}.numpy", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'tf-emb\["):
        check_destination(tmp_path / name)


def test_the_old_names_write_and_convert_labels_and_a_matrix(tmp_path: Path) -> None:
    save_vectors(tmp_path / "w.bin", LABELS, TABLE)
    for found in (load_vectors(tmp_path / "w.bin"), to_keyed_vectors(LABELS, TABLE)):
        assert found.index_to_key == LABELS
        np.testing.assert_array_equal(found.vectors, TABLE)


def test_a_table_may_stay_in_its_file(tmp_path: Path) -> None:
    save_vectors(tmp_path / "w.npz", Vectors(LABELS, TABLE, {"count": [2, 1]}))
    found = load_vectors(tmp_path / "w.npz", mapped=True)
    assert isinstance(found.matrix, np.memmap)
    np.testing.assert_array_equal(found.matrix, TABLE)
    assert found.most_similar("the", topn=1)[0][0] == "猫"
    assert found.columns["count"].tolist() == [2, 1]
    np.savez_compressed(tmp_path / "v.npz", vectors=TABLE, labels=LABELS)
    with pytest.raises(ValueError, match="only float32 in rows that are not compressed can be mapped"):
        load_vectors(tmp_path / "v.npz", mapped=True)
    save_vectors(tmp_path / "w.bin", Vectors(LABELS, TABLE))
    with pytest.raises(ValueError, match=r"`mapped` is for \.npz"):
        load_vectors(tmp_path / "w.bin", mapped=True)
