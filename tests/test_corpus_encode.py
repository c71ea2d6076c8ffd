"""A corpus as one array of ids on disk: the right ids, in one pass, in memory that does not grow with the text."""

import gc
import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_emb.corpus import EncodedCorpus, Vocabulary, count_vocabulary, encode, encode_corpus, lee_background, prepare

ROOT = Path(__file__).parent.parent
TEXT = b"b a c\na d b a\n\nc e\n"  # a: 3; b, c: 2; d, e: 1


def stream(text: bytes = TEXT) -> io.BytesIO:
    return io.BytesIO(text)


def check(corpus: EncodedCorpus, ids: list[int], raw: int, known: int, sentences: int) -> None:
    assert corpus.ids.dtype == np.int32
    assert corpus.ids.tolist() == ids
    assert (corpus.raw_words, corpus.known_words, corpus.sentences) == (raw, known, sentences)


def test_ids_by_count_and_minus_one_after_every_sentence() -> None:
    corpus = prepare(stream(), min_count=1)
    assert corpus.vocabulary.words == ("a", "b", "c", "d", "e")
    assert corpus.vocabulary.counts.tolist() == [3, 2, 2, 1, 1]
    check(corpus, [1, 0, 2, -1, 0, 3, 1, 0, -1, -1, 2, 4, -1], 9, 9, 4)


def test_rare_words_are_left_out_and_counted() -> None:
    check(prepare(stream(), min_count=2), [1, 0, 2, -1, 0, 1, 0, -1, -1, 2, -1], 9, 7, 4)
    check(prepare(stream(), min_count=1, max_vocab=1), [0, -1, 0, 0, -1, -1, -1], 9, 3, 4)


def test_a_vocabulary_that_is_there_already() -> None:
    vocabulary = Vocabulary(("c", "zebra", "a"), np.array([9, 1, 1]))
    corpus = encode_corpus(stream(), vocabulary)
    check(corpus, [2, 0, -1, 2, 2, -1, -1, 0, -1], 9, 5, 4)
    assert corpus.vocabulary is vocabulary
    check(encode_corpus(stream(b""), vocabulary), [], 0, 0, 0)


def test_the_last_line_needs_no_line_break() -> None:
    check(prepare(stream(b"a b\na"), min_count=1), [0, 1, -1, 0, -1], 3, 3, 2)


def test_tokens_of_ones_own_and_tokenizers_by_name() -> None:
    check(prepare([["new york", "", "new york"], []], min_count=1), [0, 1, 0, -1, -1], 3, 3, 2)
    assert prepare(stream("我爱 我".encode()), "characters", min_count=1).vocabulary.words == ("我", "爱")
    check(encode_corpus(stream(b"ab a"), Vocabulary(("a",), np.ones(1)), "characters"), [0, 0, -1], 3, 2, 1)


def test_lee_is_encoded_as_word_by_word() -> None:
    documents = lee_background()
    vocabulary = Vocabulary.build(documents, min_count=3)
    expected = np.concatenate([np.append(vocabulary.encode(document), -1) for document in documents])
    corpus = prepare(iter(documents), min_count=3)
    np.testing.assert_array_equal(corpus.ids, expected)
    assert corpus.vocabulary.words == vocabulary.words
    np.testing.assert_array_equal(corpus.vocabulary.counts, vocabulary.counts)
    assert corpus.raw_words == sum(map(len, documents))


SENTENCES = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=9), min_size=1, max_size=9)


@given(
    sentences=SENTENCES, min_count=st.integers(1, 3), max_vocab=st.none() | st.integers(1, 4), batch=st.integers(1, 9)
)
def test_any_text_in_any_batches(sentences: list[list[str]], min_count: int, max_vocab: int | None, batch: int) -> None:
    options = {"min_count": min_count, "max_vocab": max_vocab}
    text = "".join(" ".join(sentence) + "\n" for sentence in sentences).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encode, "_BATCH", batch)
        try:
            vocabulary = Vocabulary.build(sentences, **options)
        except ValueError:
            with pytest.raises(ValueError, match="`min_count` must leave at least one word"):
                prepare(stream(text), **options)
            return
        corpora = [prepare(stream(text), **options), encode_corpus(stream(text), vocabulary)]
    expected = [i for sentence in sentences for i in (*vocabulary.encode(sentence).tolist(), -1)]
    for corpus in corpora:
        check(corpus, expected, sum(map(len, sentences)), int(vocabulary.counts.sum()), len(sentences))
        assert corpus.vocabulary.words == vocabulary.words
        np.testing.assert_array_equal(corpus.vocabulary.counts, vocabulary.counts)
    assert count_vocabulary(stream(text), **options).words == vocabulary.words


def test_an_endless_line_and_lines_differ_in_the_ends_of_sentences_only(tmp_path: Path) -> None:
    words = np.random.default_rng(0).zipf(1.5, 1_000_000).clip(max=5000).astype(str).tolist()
    endless, lines = tmp_path / "endless.txt", tmp_path / "lines.txt"
    endless.write_text(" ".join(words))
    lines.write_text("\n".join(" ".join(words[i : i + 17]) for i in range(0, len(words), 17)))
    assert endless.stat().st_size > 1 << 20  # more than a piece
    one, many = prepare(endless), prepare(lines)
    assert (one.sentences, many.sentences) == (1, -(-1_000_000 // 17))
    assert one.ids[-1] == -1
    np.testing.assert_array_equal(one.ids[:-1], many.ids[many.ids != -1])
    assert one.vocabulary.words == many.vocabulary.words
    assert (one.raw_words, one.known_words) == (many.raw_words, many.known_words)
    assert one.raw_words == 1_000_000


def test_the_ids_stay_at_a_path(tmp_path: Path) -> None:
    path = tmp_path / "ids"
    corpus = prepare(stream(), min_count=2, path=path)
    np.testing.assert_array_equal(np.fromfile(path, np.int32), corpus.ids)
    assert isinstance(corpus.ids, np.memmap)
    assert [file.name for file in tmp_path.iterdir()] == ["ids"]
    encode_corpus(stream(b"c"), corpus.vocabulary, path=path)
    assert np.fromfile(path, np.int32).tolist() == [2, -1]
    assert corpus.ids.tolist()[:3] == [1, 0, 2]  # the first array keeps what it had


def test_a_failure_leaves_no_file_and_the_old_one(tmp_path: Path) -> None:
    def failing() -> Iterator[list[str]]:
        yield ["a"] * 9
        raise RuntimeError("no more")

    path = tmp_path / "ids"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError):
        prepare(failing(), path=path)
    with pytest.raises(ValueError, match="min_count"):
        prepare(stream(), path=path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ids_without_a_path_go_with_the_array(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    corpus = prepare(stream(), min_count=1)
    assert isinstance(corpus.ids, np.memmap)
    assert str(tmp_path) in Path("/proc/self/maps").read_text()  # there on disk it is
    assert not list(tmp_path.iterdir())  # under no name
    del corpus
    gc.collect()
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()


def test_the_array_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        prepare(stream(), min_count=1).ids[0] = 7


@pytest.mark.parametrize("wrong", [0, -3])
def test_max_vocab_is_at_least_one(wrong: int) -> None:
    with pytest.raises(ValueError, match=rf"^`max_vocab` must be an integer of 1 or more; got {wrong}\. Use None"):
        prepare(stream(), max_vocab=wrong)


@pytest.mark.parametrize("wrong", [None, 3, b"a"])
def test_tokens_are_strings(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"^`source` must hold lists of strings; got .* in sentence 1\. Leave it out"):
        prepare([["a", wrong]], min_count=1)  # type: ignore[list-item]


def test_a_file_that_is_not_there_is_named() -> None:
    for function in (prepare, count_vocabulary):
        with pytest.raises(ValueError, match=r"^`source` must be a readable file; got nowhere\.txt \(No such file"):
            function("nowhere.txt")


PEAK = """
import sys
from tf_emb.corpus import encode_corpus, prepare
corpus = prepare(sys.argv[1])
encode_corpus(sys.argv[1], corpus.vocabulary)
print(corpus.raw_words, next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; ru_maxrss counts the parent's memory too")
@pytest.mark.parametrize("separator", [" ", "\n"], ids=["endless", "lines"])
def test_resident_memory_does_not_grow_with_the_corpus(tmp_path: Path, separator: str) -> None:
    line = " ".join(str(i * i) for i in range(1000)) + separator
    peaks = []
    for times in (700, 7000):
        path = tmp_path / "corpus.txt"
        path.write_text(line * times)
        done = subprocess.run([sys.executable, "-c", PEAK, path], cwd=ROOT, capture_output=True, text=True, check=True)
        words, kib = map(int, done.stdout.split())
        assert words == 1000 * times
        peaks.append(kib)
    # 6,300,000 words more: 25 MB as int32, 37 MB as text. Nothing of that is kept; allocators vary by a few MiB.
    assert peaks[1] - peaks[0] < 6 * 1024
