"""Files of vectors as anyone may make them: each is read right, or refused in one line with little memory."""

import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tf_emb.vectors import Vectors, check_path, convert_vectors, formats, load_vectors, save_vectors

TEXT = b"2 2\nthe 1 2\ncat 3 4\n"
ONE = b"\0\0\x80\x3f"
SUFFIXES = [".txt", ".bin", ".glove", ".npz", ".safetensors"]


def refused(path: Path, said: str, **options: str) -> None:
    """Expect one line that says so, and hardly any memory for it."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=said) as caught:
            load_vectors(path, **options)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith("`path` must")
    assert "\n" not in str(caught.value)


def npy(shape: object, dtype: str = "<f4", data: bytes = b"") -> bytes:
    heading = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(heading)) + heading + data


def npz(path: Path, method: int = zipfile.ZIP_STORED, **arrays: bytes) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in arrays.items():
            file.writestr(f"{name}.npy", content)
    return path


def tensors(path: Path, about: object, data: bytes = b"") -> Path:
    heading = about if isinstance(about, bytes) else json.dumps(about).encode()
    path.write_bytes(struct.pack("<Q", len(heading)) + heading + data)
    return path


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_numbers_that_are_not_finite_are_refused_with_row_and_label(tmp_path: Path, suffix: str, value: float) -> None:
    path = tmp_path / f"w{suffix}"
    table = np.float32([[1, 2], [3, 12345678], [5, 6]])
    with pytest.raises(ValueError, match=r"`vectors` must be finite as float32; row 1, 'cat'"):
        save_vectors(path, Vectors(["the", "cat", "dog"], np.where(table > 99, value, table)))
    assert not path.exists()
    save_vectors(path, Vectors(["the", "cat", "dog"], table))
    for old, new in ((b"12345678", str(value).encode()), (table[1, 1].tobytes(), np.float32(value).tobytes())):
        path.write_bytes(path.read_bytes().replace(old, new))
    if suffix == ".npz":
        np.savez(path, vectors=np.where(table > 99, value, table), labels=["the", "cat", "dog"])
    refused(path, rf"row 1, 'cat', must have finite numbers; got {value}")


def test_numbers_beyond_float32_are_not_finite(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", vectors=np.array([[1e300]]), labels=["a"])
    refused(tmp_path / "w.npz", "row 0, 'a', must have finite numbers")
    with pytest.raises(ValueError, match="must be finite as float32"):
        save_vectors(tmp_path / "v.bin", Vectors(["a"], [[1e300]], dtype=np.float64))


@pytest.mark.parametrize("content", [TEXT + b"\n", TEXT + b" \r\n\n", TEXT[:-1], b"\xef\xbb\xbf" + TEXT])
def test_blank_last_lines_and_a_byte_order_mark_are_no_rows(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.txt").write_bytes(content)
    (tmp_path / "w.glove").write_bytes(content.replace(b"2 2\n", b""))
    for name in ("w.txt", "w.glove"):
        found = load_vectors(tmp_path / name)
        assert (found.labels, found.matrix.tolist()) == (["the", "cat"], [[1, 2], [3, 4]])


@pytest.mark.parametrize("block", [1, 5, 1000])
def test_a_blank_line_between_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(formats, "_BLOCK", block)
    (tmp_path / "w.txt").write_bytes(b"2 2\nthe 1 2\n\ncat 3 4\n")
    refused(tmp_path / "w.txt", "a blank line stands between its rows|its line is b''")


@pytest.mark.parametrize("suffix", [".txt", ".bin"])
def test_labels_that_are_not_utf8_have_a_way_out(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(b"1 1\nna\xefve " + (b"1\n" if suffix == ".txt" else ONE))
    refused(path, "errors='replace' reads it all the same")
    assert load_vectors(path, errors="replace").labels == ["na\ufffdve"]
    assert load_vectors(path, errors="ignore").labels == ["nave"]
    with pytest.raises(ValueError, match="`errors` must be one of strict, replace"):
        load_vectors(path, errors="surrogateescape")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_odd_labels_come_back_or_are_not_written(tmp_path: Path, suffix: str) -> None:
    for odd in ["\x85", "\u2028", "\v", "\f", "\u00a0", "\x1c", "\0a", "\ufeff", "\x1b[1m", "\ud800", "7", "nan"]:
        labels = [odd, f"a{odd}b", f"{odd}{odd}"]
        path = tmp_path / f"w{suffix}"
        try:
            save_vectors(path, Vectors(labels, [[1], [2], [3]]))
        except ValueError as error:
            assert str(error).startswith("`labels` must")  # noqa: PT017
            assert odd in "\v\f\ud800" or suffix == ".glove"
        else:
            assert load_vectors(path).labels == labels


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_binary_labels_with_spaces_are_never_read_as_others(tmp_path: Path, encoding: str) -> None:
    rng, path = np.random.default_rng(0), tmp_path / "w.bin"
    for _ in range(300):
        table = rng.normal(size=(rng.integers(2, 6), rng.integers(1, 9))).astype("<f4") * 10.0 ** rng.integers(-6, 6)
        table = np.float32(table)
        labels = ["".join(rng.choice([*"abcXYZ 1é"], rng.integers(1, 9))).strip() + f" {i}" for i in range(len(table))]
        labels = [label if rng.random() < 0.5 else label.replace(" ", "") for label in labels[:-1]] + ["last"]
        rows = zip(labels, table, strict=True)
        packed = b"".join(label.encode(encoding) + b" " + row.tobytes() for label, row in rows)
        path.write_bytes(b"%d %d\n" % table.shape + packed)
        if any(" " in label for label in labels):
            with pytest.raises(ValueError, match="`path` must be a word2vec file"):
                load_vectors(path)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_vectors_of_spaces_and_line_breaks_before_a_letter_of_two_bytes_are_read(tmp_path: Path, end: bytes) -> None:
    rows = {"out": b"\n\n\n\n  \n ", "bout": b" \n  \n\n\n\n", "х": ONE + ONE}
    packed = b"".join(label.encode() + b" " + row + end for label, row in rows.items())
    (tmp_path / "w.bin").write_bytes(b"3 2\n" + packed)
    found = load_vectors(tmp_path / "w.bin")
    assert (found.labels, found.matrix.tobytes()) == (list(rows), b"".join(rows.values()))


def test_bits_of_all_kinds_are_written_so_that_no_label_is_in_doubt(tmp_path: Path) -> None:
    bits = np.random.default_rng(0).integers(0, 256, (2_000, 40), dtype=np.uint8)
    bits[:, 0] = 32
    table = bits.view("<f4")
    table[~np.isfinite(table)] = 1
    save_vectors(tmp_path / "w.bin", Vectors([f"w{i}" for i in range(2_000)], table))
    assert load_vectors(tmp_path / "w.bin").matrix.tobytes() == table.tobytes()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"vectors": npy((10**9, 100)), "labels": npy((10**9,), "<U5")}, "says that it has 400000000000 bytes; 0 are"),
        ({"vectors": npy((10**9, 0)), "labels": npy((10**9,), "<U0")}, r"must have shape \(rows, dim\)"),
        ({"vectors": npy((1, 1), data=ONE), "labels": npy((10**9,), "<U0")}, r"must have shape \(1000000000, dim\)"),
        ({"vectors": npy((1, 1), "|O", b"\x80\x04N."), "labels": b""}, "not be of type object"),
        ({"vectors": npy((-1, 1)), "labels": b""}, "its array vectors has no shape"),
        ({"vectors": npy((1, 1), data=ONE), "labels": npy((1,), "<U1", b"\xff\xff\xff\xff")}, "no Unicode text"),
        ({"vectors": npy((1, 1), data=ONE), "labels": npy((1,), "<i4", b"a\0\0\0")}, "not be of type int32"),
        ({"vectors": npy("(" * 900), "labels": b""}, "has no heading of NumPy's"),
        ({"vectors": npy((2, 1), data=ONE), "labels": b""}, "says that it has 8 bytes; 4 are there"),
    ],
)
def test_archives_that_say_what_is_not_there_are_refused(tmp_path: Path, arrays: dict[str, bytes], said: str) -> None:
    refused(npz(tmp_path / "w.npz", **arrays), said)


def test_an_archive_that_inflates_without_end_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("vectors.npy", "w") as member:
            member.write(npy((70_000, 1000)))
            for _ in range(280):
                member.write(bytes(1_000_000))
        file.writestr("labels.npy", npy((70_000,), "<U0"))
    (tmp_path / "w.npz").write_bytes(content.getvalue())
    refused(tmp_path / "w.npz", "its array vectors says that it has 28.* bytes")


def test_other_arrays_stay_unread(tmp_path: Path) -> None:
    path = npz(
        tmp_path / "w.npz", other=b"\x93NUMPY", vectors=npy((1, 1), data=ONE), labels=npy((1,), "<U1", b"a\0\0\0")
    )
    assert load_vectors(path).labels == ["a"]


GOOD = {
    "vectors": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]},
    "labels": {"dtype": "U8", "shape": [5], "data_offsets": [4, 9]},
}


@pytest.mark.parametrize(
    ("change", "data", "said"),
    [
        (
            {"vectors": {"dtype": "F32", "shape": [10**9, 9], "data_offsets": [0, 36 * 10**9]}},
            b'["a"]',
            "must lie in the",
        ),
        ({"vectors": {"dtype": "F32", "shape": [10**9, 1], "data_offsets": [0, 4]}}, b'["a"]', "says that it has"),
        ({"vectors": {"dtype": "F32", "shape": ["1", 1], "data_offsets": [0, 4]}}, b'["a"]', "must have a type"),
        ({"vectors": None}, b'["a"]', "must have a type"),
        ({}, b"[[]] ", "must be a list of strings"),
        ({}, b'{"a"}', "must be a list of strings"),
        ({}, b'"abc"', "must be a list of strings"),
        ({}, b'["a",', "must be a list of strings"),
        ({}, b'["a\xff"', "must be UTF-8"),
        ({}, b"[]   ", r"must have shape \(0, dim\)"),
    ],
)
def test_tensors_that_say_what_is_not_there_are_refused(
    tmp_path: Path, change: dict[str, object], data: bytes, said: str
) -> None:
    refused(tensors(tmp_path / "w.safetensors", GOOD | change, ONE + data), said)
    assert load_vectors(tensors(tmp_path / "w.safetensors", GOOD, ONE + b'["a"]')).labels == ["a"]


def test_headings_of_tensors_that_are_none_are_refused(tmp_path: Path) -> None:
    for heading in (b"[" * 100_000, b"null", b"{", b'{"a":' + b"9" * 5000 + b"}"):
        refused(tensors(tmp_path / "w.safetensors", heading), "its heading|has no array")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("w.bin", b"1 1\n" + b"a" * 2_000_000, "a label must be no longer than"),
        ("w.bin", b"1 999999999\na 1234", "a row has at most"),
        ("w.txt", b"1 999999999\na 1 2", "a row has at most"),
        ("w.txt", b"1 2\n" + b"a" * 200_000, "a line must be shorter than"),
        ("w.glove", b"a" + b" 1" * 200_000, "a line must be shorter than"),
        ("w.bin", b"9" * 900 + b" 1\na 1234", "its first line is"),
        ("w.bin", b"1000000000 1000\na 1234", "it ends in row 0 of 1000000000"),
        ("w.txt", b"1000000000 1000\na 1\n", "row 0 must have a label and 1000 numbers"),
        ("w.bin", b"3 1\na 1234\nb 1234c 1234\n", "row 2 must begin in a line of its own"),
    ],
)
def test_rows_labels_and_lines_without_end_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, said: str
) -> None:
    monkeypatch.setattr(formats, "_LINE", 100_000)
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, said)


@pytest.mark.parametrize("name", ["w.kv", "w.model", "w.pkl", "w.KV.gz"])
def test_pickles_are_refused_with_the_way_to_convert(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04cos\nsystem\n")
    for function in (lambda: load_vectors(tmp_path / name), lambda: check_path(name)):
        with pytest.raises(ValueError, match=r"must not be a pickle.*KeyedVectors\.load\(.*save_word2vec_format"):
            function()


def test_what_is_read_is_not_overwritten(tmp_path: Path) -> None:
    save_vectors(tmp_path / "a.txt", Vectors(["a"], [[1]]))
    (tmp_path / "b.txt").symlink_to("a.txt")
    (tmp_path / "c.txt").hardlink_to(tmp_path / "a.txt")
    before = (tmp_path / "a.txt").read_bytes()
    for name in ("a.txt", "b.txt", "c.txt"):
        with pytest.raises(ValueError, match="must be another file than what is read"):
            convert_vectors(tmp_path / "a.txt", tmp_path / name)
        assert (tmp_path / "a.txt").read_bytes() == before
