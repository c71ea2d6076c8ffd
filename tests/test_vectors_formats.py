"""Files of vectors that others write and read, counts, labels of any kind, and large files in blocks."""

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors

from tf_emb.layers import Embedding
from tf_emb.vectors import Vectors, check_path, convert_vectors, formats, load_vectors, save_vectors

LABELS = ["the", "猫", "it's", "a\u00a0b", "\u3000c", "ﬁ\u0085"]  # white space that is not ASCII's is part of a word
BINARY = {"binary": True}
ODD = ["", "new york", " a ", "line\nbreak", "tab\t", "\ufeffmark", '"quoted"', "\\", "😀"]


def table(rows: int = len(LABELS), dim: int = 7) -> np.ndarray:
    return np.random.default_rng(rows).normal(size=(rows, dim)).astype(np.float32)


def same(found: Vectors | KeyedVectors, labels: list[str], values: np.ndarray) -> None:
    assert found.index_to_key == labels
    np.testing.assert_array_equal(found.vectors.view(np.uint32), values.view(np.uint32))


@pytest.mark.filterwarnings(  # gensim 4.4 opens a file without a first line twice and closes it once
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
@pytest.mark.parametrize(
    ("suffix", "options"),
    [(".txt", {}), (".bin", BINARY), (".glove", {"no_header": True}), (".txt.gz", {}), (".bin.bz2", BINARY)],
)
def test_gensim_reads_what_is_written(tmp_path: Path, suffix: str, options: dict[str, bool]) -> None:
    save_vectors(tmp_path / f"w{suffix}", Vectors(LABELS, table()))
    same(KeyedVectors.load_word2vec_format(str(tmp_path / f"w{suffix}"), **options), LABELS, table())


@pytest.mark.parametrize("suffix", [".txt", ".bin", ".txt.gz"])
def test_what_gensim_writes_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    Vectors(LABELS, table()).keyed().save_word2vec_format(str(path), binary=suffix == ".bin")
    same(load_vectors(path), LABELS, table())


def test_what_word2vec_c_writes_is_read(tmp_path: Path) -> None:
    values = np.array([[0.5, -2], [0.25, 3]], np.float32)  # the program ends text rows in a space, all rows in a break
    (tmp_path / "w.txt").write_bytes(b"2 2\n</s> 0.500000 -2.000000 \nb 0.250000 3.000000 \n")
    (tmp_path / "w.bin").write_bytes(b"2 2\n</s> " + values[0].tobytes() + b"\nb " + values[1].tobytes() + b"\n")
    for name in ("w.txt", "w.bin"):
        same(load_vectors(tmp_path / name), ["</s>", "b"], values)


def test_labels_with_spaces_in_text_are_read_from_the_right(tmp_path: Path) -> None:
    (tmp_path / "w.glove").write_bytes(b"the 1 2\n. . . 3 4\nat name@domain.com 5 6\r\n5 7 8\n1 1/2 -9 -1e3")
    found = load_vectors(tmp_path / "w.glove")  # as in GloVe's 840B
    assert found.index_to_key == ["the", ". . .", "at name@domain.com", "5", "1 1/2"]
    np.testing.assert_array_equal(found.vectors, np.array([[1, 2], [3, 4], [5, 6], [7, 8], [-9, -1000]], np.float32))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"2 3\nthe 1 2 3\ncat 4 5 6\n", "its first line is b'2 3.*, not a label and numbers"),
        (b"", "its first line is b''"),
        (b"the 1 2\ncat 3\n", "row 1 must have a label and 2 numbers; its line is b'cat 3'"),
        (b"the 1 2\ncat 3 4 5\n", "row 1 must have a label and 2 numbers"),
        (b"the 1 2\ncat 1.52.5 3\n", "row 1 must have 2 numbers; its line is b'cat 1.52.5 3"),
        (b"the 1 2\ncat 3 x\n", r"row 1 must have 2 numbers; its line is b'cat 3 x"),
    ],
)
def test_what_is_not_glove_is_refused_by_row(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "w.glove").write_bytes(content)
    with pytest.raises(ValueError, match=rf"^`path` must be a GloVe file.*w\.glove \({said}"):
        load_vectors(tmp_path / "w.glove")


def test_a_heading_that_is_missing_suggests_glove(tmp_path: Path) -> None:
    (tmp_path / "w.txt").write_bytes(b"the 1 2\n")
    with pytest.raises(ValueError, match=r"a file that begins with a row is GloVe's, name it \.glove"):
        load_vectors(tmp_path / "w.txt")


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".npz.gz", ".safetensors.zst"])
def test_arrays_keep_counts_and_labels_of_any_kind(tmp_path: Path, suffix: str) -> None:
    counts = np.arange(len(ODD))[::-1] * 2**40
    save_vectors(tmp_path / f"w{suffix}", Vectors(ODD, table(len(ODD)), {"count": counts}))
    found = load_vectors(tmp_path / f"w{suffix}")
    same(found, ODD, table(len(ODD)))
    assert [found.get_vecattr(label, "count") for label in ODD] == counts.tolist()


@pytest.mark.parametrize("suffix", [".txt", ".bin", ".glove", ".npz", ".safetensors"])
def test_counts_that_are_not_known_are_not_made_up(tmp_path: Path, suffix: str) -> None:
    save_vectors(tmp_path / f"w{suffix}", Vectors(LABELS, table()))
    assert "count" not in load_vectors(tmp_path / f"w{suffix}").columns


def test_the_arrays_have_the_names_that_are_documented(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    save_vectors(tmp_path / "w.npz", Vectors(["a", "b c"], [[1.5], [2]], {"count": [3, 2]}))
    with np.load(tmp_path / "w.npz") as arrays:
        assert {name: arrays[name].tolist() for name in arrays} == {
            "vectors": [[1.5], [2]],
            "labels": ["a", "b c"],
            "counts": [3, 2],
        }
        assert arrays["vectors"].dtype == np.float32
    save_vectors(tmp_path / "w.safetensors", Vectors(["a", "猫"], [[1.5], [2]]))
    tensors = load_file(tmp_path / "w.safetensors")
    assert tensors.keys() == {"vectors", "labels"}
    assert tensors["labels"].tobytes().decode() == '["a", "猫"]'


def test_labels_that_npz_cannot_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`labels` must not end in NUL, .* got 'b\\x00' in row 1"):
        save_vectors(tmp_path / "w.npz", Vectors(["a", "b\0"], [[1], [2]]))
    with pytest.raises(ValueError, match=r"`labels` must be short for \.npz, .* got one of 30000000 characters"):
        save_vectors(tmp_path / "w.npz", Vectors([*"abcdefghi", "x" * 30_000_000], np.zeros((10, 1))))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_other_files_are_no_arrays(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    save_vectors(path, Vectors(LABELS, table()))
    for content in (b"", b"text", path.read_bytes()[:-100], b"PK\x03\x04 and more"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"^`path` must be .* arrays?|tensors .*; got .*w{suffix} \("):
            load_vectors(path)


def test_arrays_of_other_names_are_refused_with_those_there_are(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", table=np.ones((1, 1)), labels=np.array(["a"]))
    with pytest.raises(ValueError, match=r"it has no array vectors; it has labels, table"):
        load_vectors(tmp_path / "w.npz")
    np.savez(tmp_path / "w.npz", vectors=np.ones((2, 1)), labels=np.array(["a"]))
    with pytest.raises(ValueError, match=r"`matrix` must have shape \(1, dim\)"):
        load_vectors(tmp_path / "w.npz")
    with (tmp_path / "w.npz").open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(ValueError, match="it holds one array without a name"):
        load_vectors(tmp_path / "w.npz")


@pytest.mark.parametrize("suffix", [".txt", ".bin", ".npz"])
def test_of_rows_with_one_label_the_first_is_kept_and_it_is_said(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    save_vectors(path, Vectors(["aa", "bb", "cc"], [[1], [2], [3]], {"count": [7, 8, 9]}))
    path.write_bytes(path.read_bytes().replace(b"cc", b"aa"))
    if suffix == ".npz":
        np.savez(path, vectors=np.float32([[1], [2], [3]]), labels=["aa", "bb", "aa"], counts=[7, 8, 9])
    with pytest.warns(
        UserWarning, match=r"w\..* has 1 rows whose label an earlier row has, the first 'aa' in rows 0 and 2"
    ):
        found = load_vectors(path)
    same(found, ["aa", "bb"], np.float32([[1], [2]]))
    if suffix == ".npz":
        assert found.columns["count"].tolist() == [7, 8]


@pytest.mark.parametrize("block", [1, 50, 1000])
@pytest.mark.parametrize("suffix", [".txt", ".bin", ".glove"])
def test_blocks_of_any_size_give_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, block: int
) -> None:
    labels, values = [f"w{i}" for i in range(2345)], table(2345, 3)
    save_vectors(tmp_path / f"w{suffix}", Vectors(labels, values))
    monkeypatch.setattr(formats, "_BLOCK", block)
    same(load_vectors(tmp_path / f"w{suffix}"), labels, values)


def test_nine_digits_bring_back_every_bit(tmp_path: Path) -> None:
    bits = np.random.default_rng(1).integers(0, 2**32, (1000, 200), dtype=np.uint32)
    values = bits.view(np.float32)
    values[np.isnan(values)] = 0.1  # a nan comes back as a nan, of other bits
    save_vectors(tmp_path / "w.txt", Vectors([str(i) for i in range(1000)], values))
    same(load_vectors(tmp_path / "w.txt"), [str(i) for i in range(1000)], values)


@pytest.mark.parametrize(("module", "name"), [("safetensors", "w.safetensors"), ("backports", "w.txt.zst")])
def test_a_package_that_is_missing_names_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str
) -> None:
    save_vectors(tmp_path / name, Vectors(LABELS, table()))
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, f"{module}.numpy", None)
    for function in (
        lambda: load_vectors(tmp_path / name),
        lambda: save_vectors(tmp_path / name, Vectors(LABELS, table())),
    ):
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'tf-emb\["):
            function()


def test_a_file_cut_short_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "w.txt.gz"
    save_vectors(path, Vectors(LABELS, table()))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"`path` must be a whole \.gz file by its suffix"):
        load_vectors(path)


def test_the_same_vectors_are_the_same_bytes_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for time, name in enumerate(("a.txt.gz", "b.txt.gz")):
        monkeypatch.setattr("time.time", lambda time=time: 1e9 + 60 * time)
        save_vectors(tmp_path / name, Vectors(LABELS, table()))
    assert (tmp_path / "a.txt.gz").read_bytes() == (tmp_path / "b.txt.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.txt.gz").read_bytes()).startswith(b"6 7\nthe ")


@pytest.mark.parametrize(("name", "suffix"), [("a.BIN", ".bin"), ("a.b.vec.gz", ".vec"), ("x/w.npz.zst", ".npz")])
def test_check_path_returns_the_suffix_of_the_format(name: str, suffix: str) -> None:
    assert check_path(name) == suffix


@pytest.mark.parametrize("target", [".txt.gz", ".vec", ".glove", ".npz", ".safetensors", ".bin"])
def test_there_and_back_is_the_same_file(tmp_path: Path, target: str) -> None:
    first, other, last = tmp_path / "first.bin", tmp_path / f"other{target}", tmp_path / "last.bin"
    save_vectors(first, Vectors(LABELS, table()))
    assert convert_vectors(first, other) == (len(LABELS), 7, False)
    convert_vectors(other, last)
    assert first.read_bytes() == last.read_bytes()


def test_convert_keeps_counts_or_says_that_they_are_lost(tmp_path: Path) -> None:
    save_vectors(tmp_path / "a.npz", Vectors(LABELS, table(), {"count": [6, 5, 4, 3, 2, 1]}))
    assert convert_vectors(tmp_path / "a.npz", tmp_path / "b.safetensors")[2] is False
    assert load_vectors(tmp_path / "b.safetensors").columns["count"].tolist() == [6, 5, 4, 3, 2, 1]
    assert convert_vectors(tmp_path / "b.safetensors", tmp_path / "c.bin")[2] is True


def test_keyed_vectors_own_their_table_and_work_as_gensims() -> None:
    values, counts = table(), np.arange(6)
    keyed = Vectors(LABELS, values, {"count": counts}).keyed()
    expected = KeyedVectors(7)
    expected.add_vectors(LABELS, values)
    values[:] = counts[:] = 0
    assert keyed.most_similar("猫", topn=5) == expected.most_similar("猫", topn=5)
    assert keyed.get_vecattr("猫", "count") == 1
    keyed.add_vectors(["new"], [np.ones(7)])
    np.testing.assert_array_equal(keyed["new"], np.ones(7))


def test_a_file_is_one_call_away_from_a_keras_layer(tmp_path: Path) -> None:
    save_vectors(tmp_path / "w.npz", Vectors(LABELS, table()))
    layer = Embedding.from_keyed_vectors(load_vectors(tmp_path / "w.npz"))
    np.testing.assert_array_equal(layer(np.array([1, 0])).numpy(), table()[[1, 0]])
