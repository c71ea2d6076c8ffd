"""Files of vectors in every format, word pairs and analogies: valid ones, with bytes and fields altered."""

import functools
import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from compare.reliability.surface import Surface
from tf_emb.evaluate import analogies, word_pairs
from tf_emb.files import opened, scratch
from tf_emb.vectors import Vectors, load_vectors, save_vectors

Random = np.random.Generator
FORMATS = {"text": ".txt", "binary": ".bin", "glove": ".glove", "npz": ".npz", "safetensors": ".safetensors"}
COMPRESSORS = (".gz", ".bz2", ".xz", ".zst")
LABELS = ["the", "a", "猫", "naïve", "x_1", "it's", "0", "\u00a0", "e\u0301", "king", "queen", "man", "woman"]
PIECES = (
    b"nan", b"inf", b"-inf", b"1e999", b"1e-999", b"0x10", b"\x00", b"\n", b"\r\n", b"\n\n\n", b" ", b"\t", b"  ",
    b",", b"\xff", b"\xc3", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"-1", b"0", b"1000000000", b"9" * 40, b"9" * 5000,
    b":", b"99999999999 3", b"1 1000000000", b"\x1b]52;c;aGk=\x07", b"[bold]", b"\x80\x04\x95cos\nsystem\n", b"#",
    b"\xe2\x80\xa8", b"{", b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\xff\xff\xff\xff\xff\xff\xff\x7f", b"a" * 3000,
    b"]", b'"', b"null", b"1.5.5", b"1_0",
)  # fmt: skip
TYPES = (
    "<f4",
    ">f4",
    "<f8",
    "<f2",
    "<i4",
    "<u8",
    "|O",
    "<U5",
    "<U0",
    "|S3",
    "<M8[s]",
    "<c8",
    "|V4",
    "?",
    "<f16",
    "<U999999999",
)
SIZES = (0, 1, 2, 3, 12, 13, 14, -1, 10**9, 2**31, 2**62, 2**63, 10**40)


def number(random: Random, most: int) -> int:
    """Return an integer below `most`."""
    return int(random.integers(most))


@functools.cache
def valid(suffix: str) -> bytes:
    """Return the bytes of a file of 13 words, with counts where there is a place for them."""
    table = np.random.default_rng(0).normal(size=(len(LABELS), 5))
    with scratch("surface") as folder:
        save_vectors(folder / f"v{suffix}", Vectors(LABELS, table, {"count": np.arange(len(LABELS))}))
        return (folder / f"v{suffix}").read_bytes()


def altered(random: Random, content: bytes) -> bytes:
    """Return the content with a few bytes changed, left out, doubled, exchanged or put in."""
    for _ in range(1 + number(random, 3)):
        at, end = sorted(number(random, len(content) + 1) for _ in range(2))
        piece = PIECES[number(random, len(PIECES))]
        at = number(random, 40) if random.random() < 0.3 else at  # headings
        content = [
            lambda c, a, e, p: c[:a] + p + c[a:],
            lambda c, a, e, p: c[:a] + p + c[a + len(p) :],
            lambda c, a, e, p: c[:a] + bytes([c[a] ^ (1 << number(random, 8))]) + c[a + 1 :] if a < len(c) else c,
            lambda c, a, e, p: c[:a],
            lambda c, a, e, p: c[:a] + c[e:],
            lambda c, a, e, p: c[:e] + c[a:],
            lambda c, a, e, p: c + p,
            lambda c, a, e, p: p + c,
        ][number(random, 8)](content, at, max(at, end), piece)
    return content


def made(suffix: str, random: Random, folder: Path) -> Path:
    """Write one file of a format, now and then compressed."""
    content = valid(suffix)
    built = BUILT.get(suffix)
    if built and random.random() < 0.5:
        content = built(random)
    if random.random() < 0.9:
        content = altered(random, content)
    path = folder / f"v{suffix}"
    if random.random() < 0.1:
        compressor = COMPRESSORS[number(random, len(COMPRESSORS))]
        path = folder / f"v{suffix}{compressor}"
        with opened(path, "wb") as file:
            file.write(content)
        content = path.read_bytes()
        content = altered(random, content) if random.random() < 0.5 else content
    path.write_bytes(content)
    return path


def rows(random: Random) -> bytes:
    """Return binary rows whose labels may hold spaces, with numbers of many magnitudes."""
    dim, labels = 1 + number(random, 8), [LABELS[number(random, 13)] + " y" * number(random, 2) for _ in range(5)]
    table = (random.normal(size=(5, dim)) * 10.0 ** random.integers(-9, 9)).astype("<f4")
    end = (b"", b"\n")[number(random, 2)]
    packed = zip(labels, table, strict=True)
    return b"5 %d\n" % dim + b"".join(label.encode() + b" " + row.tobytes() + end for label, row in packed)


def archive(random: Random) -> bytes:
    """Return a zip file whose arrays say odd things of themselves."""
    out = io.BytesIO()
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    with zipfile.ZipFile(out, "w", methods[number(random, 4)]) as file:
        for name in ("vectors", "labels", "counts", "other"):
            if random.random() < 0.9:
                file.writestr(f"{name}.npy", array(random, name))
    return out.getvalue()


def array(random: Random, name: str) -> bytes:
    """Return an array of NumPy's, of which one thing may be wrong."""
    good = {"vectors": np.ones((13, 5), "<f4"), "labels": np.array(LABELS), "counts": np.arange(13)}
    of = good.get(name, np.zeros(3))
    shape, dtype = [*of.shape], of.dtype.str
    if random.random() < 0.3:
        shape[number(random, len(shape))] = SIZES[number(random, len(SIZES))]
    if random.random() < 0.2:
        dtype = TYPES[number(random, len(TYPES))]
    order = random.random() < 0.2
    heading = f"{{'descr': {dtype!r}, 'fortran_order': {order}, 'shape': {tuple(shape)}, }}".encode()
    heading = altered(random, heading) if random.random() < 0.1 else heading
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(heading) % 2**16) + heading + of.tobytes()


def tensors(random: Random) -> bytes:
    """Return a file of safetensors whose heading says odd things."""
    labels = json.dumps(LABELS).encode()
    table, counts = np.ones((13, 5), "<f4").tobytes(), np.arange(13).tobytes()
    about: dict[str, object] = {}
    at = 0
    for name, kind, shape, data in (
        ("vectors", "F32", [13, 5], table), ("labels", "U8", [len(labels)], labels), ("counts", "I64", [13], counts)
    ):  # fmt: skip
        about[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    odd: tuple[object, ...] = (
        *SIZES,
        None,
        True,
        "13",
        1.5,
        [],
        {},
        "F32",
        "BF16",
        "U8",
        [13],
        [1, 1, 1],
        [0, 0],
        [0, 2**40],
        ["a"],
        float("nan"),
    )
    for _ in range(number(random, 3)):
        field = about.get(("vectors", "labels", "counts")[number(random, 3)])
        if isinstance(field, dict):
            field[("dtype", "shape", "data_offsets")[number(random, 3)]] = odd[number(random, len(odd))]
        if random.random() < 0.1:
            about[("vectors", "labels", "counts", "__metadata__")[number(random, 4)]] = odd[number(random, len(odd))]
    heading = json.dumps(about).encode()
    return struct.pack("<Q", len(heading)) + heading + table + labels + counts


BUILT: dict[str, Callable[[Random], bytes]] = {".bin": rows, ".npz": archive, ".safetensors": tensors}


def use(path: Path) -> None:
    """Load a file; what is accepted has finite rows of different names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = load_vectors(path)
    if not np.isfinite(found.matrix).all():
        raise AssertionError("a number that is not finite was accepted")
    if len(set(found.labels)) != len(found) or not all(isinstance(label, str) for label in found.labels):
        raise AssertionError("labels are no different strings")


PAIRS = b"# people\r\nword 1\tword 2\tscore\r\nking\tqueen\t8.5\r\nman\twoman\t8\nthe\tthe\t10\n\nking\tman\t3\n"
QUESTIONS = b": family\nking queen man woman\nman woman king queen\n\n: other\nthe a king queen\n"


def made_text(content: bytes, random: Random, folder: Path) -> Path:
    """Write a test set, altered."""
    separator = (b"\t", b" ", b",", b" , ")[number(random, 4)]
    (folder / "t.txt").write_bytes(altered(random, content.replace(b"\t", separator)))
    return folder / "t.txt"


@functools.cache
def words() -> Vectors:
    """Return the words that test sets ask about, one of them without a direction."""
    table = np.random.default_rng(0).normal(size=(len(LABELS), 5))
    table[2], table[3] = 0, np.nan
    return Vectors(LABELS, table)


def use_pairs(path: Path) -> None:
    """Judge the words by word pairs."""
    found = word_pairs(words(), path)
    if found.covered > found.pairs or abs(np.nan_to_num(found.spearman)) > 1 + 1e-9:
        raise AssertionError(f"impossible: {found}")


def use_questions(path: Path) -> None:
    """Ask the words analogies."""
    total = analogies(words(), path).total
    if not 0 <= total.correct <= total.covered <= total.questions:
        raise AssertionError(f"impossible: {total}")


SURFACES = [
    *(Surface(f"vectors, {name}", functools.partial(made, suffix), use) for name, suffix in FORMATS.items()),
    Surface("word pairs", functools.partial(made_text, PAIRS), use_pairs),
    Surface("analogies", functools.partial(made_text, QUESTIONS), use_questions),
]
