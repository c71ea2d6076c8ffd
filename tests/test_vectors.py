"""Tables as files, there and back; `Vectors` and what they refuse."""

from pathlib import Path
from typing import IO

import numpy as np
import pytest

from tf_emb.vectors import Vectors, files, load_vectors, save_vectors

LABELS = ["the", "猫", "0", "it's"]
FORMATS = [".txt", ".vec", ".bin", ".glove", ".npz", ".safetensors"]
SUFFIXES = [*FORMATS, ".BIN", *(f + ".gz" for f in FORMATS), ".bin.bz2", ".txt.xz", ".npz.zst", ".Txt.GZ"]


def table() -> np.ndarray:
    """Return every kind of finite float32: random bits, and the ends of the range."""
    bits = np.random.default_rng(0).integers(0, 2**32, (len(LABELS), 500), dtype=np.uint32)
    values = bits.view(np.float32)
    values[~np.isfinite(values)] = 0.1
    limits = np.finfo(np.float32)
    values[0, :5] = [-0.0, 1e-45, limits.tiny, limits.max, limits.min]
    return values


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.array_equal(a.view(np.uint32), b.view(np.uint32)))


def test_rows_keep_their_labels_order_and_bits() -> None:
    vectors = Vectors(LABELS, table())
    assert vectors.labels == vectors.index_to_key == LABELS
    assert same_bits(vectors.matrix, table())
    assert same_bits(vectors.keyed().vectors, table())
    assert vectors.matrix.dtype == np.float32
    assert same_bits(vectors["猫"], table()[1])
    assert "count" not in vectors.keyed().expandos


def test_counts_are_those_given() -> None:
    vectors = Vectors(LABELS, table(), {"count": np.array([9, 2, 5, 1])})
    for of in (vectors, vectors.keyed(), Vectors.from_keyed(vectors.keyed())):
        assert [of.get_vecattr(label, "count") for label in LABELS] == [9, 2, 5, 1]
        assert of.index_to_key == LABELS


@pytest.mark.parametrize(
    ("labels", "rows", "counts", "message"),
    [
        (["a", "b"], 4, None, r"`matrix` must have shape \(2, dim\).*; got \(4, 500\)"),
        (LABELS, 4, [1, 2], r"`columns\['count'\]` must have 4 values.*; got 2"),
        (LABELS, 4, [[1]] * 4, r"`columns\['count'\]` must be numbers, one per row; got shape \(4, 1\)"),
        (LABELS, 4, ["x"] * 4, r"`columns\['count'\]` must be numbers, one per row; got .* dtype <U1"),
        ([*LABELS[:3], 7], 4, None, "`labels` must be strings; got 7 in row 3"),
        ([*LABELS[:3], []], 4, None, r"`labels` must be strings; got \[\] in row 3"),
    ],
)
def test_rows_that_do_not_match_are_refused(
    tmp_path: Path, labels: list[str], rows: int, counts: list[int] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        save_vectors(tmp_path / "w.npz", Vectors(labels, table()[:rows], {"count": counts} if counts else {}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("matrix", [table()[:, 0], [[1, 2], [3]], [["a"]] * 4, None])
def test_what_is_no_matrix_is_refused(matrix: object) -> None:
    with pytest.raises(ValueError, match=r"`matrix` must (have shape \(4, dim\).*; got \(|be numbers in rows of one)"):
        Vectors(LABELS, matrix)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_keep_labels_order_and_bits(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"words{suffix}"
    save_vectors(path, Vectors(LABELS, table()))
    loaded = load_vectors(str(path))
    assert loaded.index_to_key == LABELS
    assert same_bits(loaded.vectors, table())
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_formats_are_those_of_word2vec(tmp_path: Path) -> None:
    values = np.array([[1.5, -2], [0.25, 3]], np.float32)
    for suffix in (".txt", ".bin"):
        save_vectors(tmp_path / f"w{suffix}", Vectors(["猫", "b"], values))
    assert (tmp_path / "w.txt").read_text("utf-8") == "2 2\n猫 1.5 -2\nb 0.25 3\n"
    expected = b"2 2\n" + "猫 ".encode() + values[0].tobytes() + b"b " + values[1].tobytes()
    assert (tmp_path / "w.bin").read_bytes() == expected


@pytest.mark.parametrize("name", ["words.npy", "words", "words.gz", "words.txt.zip"])
def test_unknown_suffix_is_refused(tmp_path: Path, name: str) -> None:
    message = r"`path` must end in one of .bin, .glove, .npz, .safetensors, .txt, .vec, .*; got '" + name
    with pytest.raises(ValueError, match=message):
        save_vectors(tmp_path / name, Vectors(LABELS, table()))
    with pytest.raises(ValueError, match=message):
        load_vectors(tmp_path / name)


@pytest.mark.parametrize("label", ["new york", "a\tb", "a\n", " a", "a\rb", "", " "])
@pytest.mark.parametrize("suffix", [".txt", ".bin", ".glove"])
def test_labels_that_the_format_cannot_carry_are_refused(tmp_path: Path, suffix: str, label: str) -> None:
    with pytest.raises(ValueError, match="`labels` must be words without white space") as caught:
        save_vectors(tmp_path / f"words{suffix}", Vectors(["a", label, "b c", "d"], table()))
    assert f"got {label!r} in row 1." in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_label_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`labels` must be different; got 'a' in rows 0 and 3, and 1 such"):
        save_vectors(tmp_path / "words.txt", Vectors(["a", "b", "c", "a"], table()))
    assert not list(tmp_path.iterdir())


def test_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "words.txt"
    save_vectors(path, Vectors(["old"], np.ones((1, 2))))

    def half(file: IO[bytes], rows: object) -> None:
        file.write(b"4 500\nthe 0.1")
        raise OSError("disk full")

    monkeypatch.setitem(files.FORMATS, ".txt", files.FORMATS[".txt"]._replace(write=half))
    with pytest.raises(OSError, match="disk full"):
        save_vectors(path, Vectors(LABELS, table()))
    assert load_vectors(path).index_to_key == ["old"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("w.txt", b"the 0.1 0.2\ncat 0.3 0.4\n"),  # no header, as GloVe writes
        ("w.txt", b"2 2\nthe 0.1 0.2\n"),  # cut short
        ("w.txt", b"1 2\nthe 0.1 0.2\ncat 0.3 0.4\n"),  # more than it says
        ("w.txt", b"2 2\nthe 0.1 0.2 0.3\ncat 0.3 0.4 0.5\n"),  # another size
        ("w.txt", b"1 2\nthe 0.1 x\n"),
        ("w.txt", b"2 1\nthe 0.1\n\n"),  # a row of nothing
        ("w.txt", b"1 1\n 0.1\n"),  # no label
        ("w.txt", b"1 1\n\xe9 0.1\n"),  # not UTF-8
        ("w.txt", b"1 0\nthe\n"),
        ("w.txt", b""),
        ("w.txt", b"2 2\nthe 0.1\ncat 0.2 0.3 0.4\n"),  # as many numbers, but not in a row
        ("w.txt", b"2 2\nthe  0.1\ncat 0.2 0.3\t0.4\n"),  # the same, with as many spaces as there should be
        ("w.txt", b"1 2\nthe 1.52.5 3\n"),  # two numbers without a space
        ("w.bin", b"1 2\nthe\ncat 12345678"),  # a label across lines
        ("w.bin", b"2 2\nthe 12345678"),
        ("w.bin", b"1 2\nthe 12345678cat 12345678"),  # more than it says
        ("w.bin", b"1 2\n 12345678"),
        ("w.bin", b"1 2\n\xe9 12345678"),
        ("w.bin", b""),
        ("w.bin", b"2 2\ncat 0.12345 0.2345\ndog 0.12345 0.2345\n"),  # text
        ("w.txt", b"1 2\nthe \x00\x00\xc0\x3f\x00\x00\x00\xc0"),  # binary
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match="`path` must be a word2vec file"):
        load_vectors(tmp_path / name)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.txt"):
        load_vectors(tmp_path / "none.txt")
