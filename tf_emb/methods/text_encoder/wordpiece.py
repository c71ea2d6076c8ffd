"""BERT's tokenizer: text is cleaned, split into words, and each word into the longest pieces of a vocabulary."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

PAD, UNKNOWN, CLS, SEP, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL = (PAD, UNKNOWN, CLS, SEP, MASK)
LONGEST_WORD = 100
# The blocks that BERT treats as Chinese: each of their characters is a word.
_HAN = re.compile(
    "([\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b81f\U0002b820-\U0002ceaf"
    "\uf900-\ufaff\U0002f800-\U0002fa1f])"
)
_SYMBOLS = set("$+<=>^`|~")  # ASCII characters that are punctuation for BERT but not for Unicode


@dataclass(frozen=True)
class WordPiece:
    """BERT's uncased WordPiece tokenizer (Devlin et al. 2019, section 3; Wu et al. 2016, section 4.1).

    Text that looks like a special token, such as "[SEP]", is treated as text.

    Attributes:
        pieces: the piece of every id; "##" marks one that continues a word.

    Raises:
        ValueError: a special token is missing.
    """

    pieces: tuple[str, ...]

    def __post_init__(self) -> None:
        missing = [token for token in SPECIAL if token not in self.ids]
        if missing:
            raise ValueError(f"`pieces` must hold {', '.join(SPECIAL)}; got none of {missing}. Add them.")

    @classmethod
    def read(cls, path: Path) -> "WordPiece":
        """Read a vocab.txt: one piece per line, whose id is the line number from 0.

        Raises:
            ValueError: it is not UTF-8, or a piece stands in it twice.
        """
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"`vocab.txt` must be UTF-8; got {path} ({error}). Fetch it again.") from None
        pieces = tuple(line.removesuffix("\r") for line in text.removesuffix("\n").split("\n"))
        if len(set(pieces)) < len(pieces):
            twice, times = Counter(pieces).most_common(1)[0]
            raise ValueError(
                f"`vocab.txt` must hold each piece once; {path} has {twice[:50]!r} {times} times. Remove the others."
            )
        return cls(pieces)

    def __len__(self) -> int:
        return len(self.pieces)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of every piece."""
        return {piece: i for i, piece in enumerate(self.pieces)}

    def split(self, text: str) -> list[str]:
        """Return the pieces of `text`; of the special tokens, only "[UNK]" occurs."""
        return [piece for word in words(text) for piece in self._pieces(word)]

    def _pieces(self, word: str) -> list[str]:
        """Return the longest piece that opens `word`, then the longest that continues it ...; [UNK] if one fails."""
        found: list[str] = []
        start = 0
        while start < len(word) <= LONGEST_WORD:
            ends = range(len(word), start, -1)
            piece = next((p for end in ends if (p := "##" * (start > 0) + word[start:end]) in self.ids), None)
            if piece is None:
                return [UNKNOWN]
            found.append(piece)
            start += len(piece) - 2 * (start > 0)
        return found or [UNKNOWN]

    def encode(self, sentences: Sequence[str], *, max_length: int = 256) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and mask of "[CLS] pieces [SEP]", padded to the longest sentence.

        Args:
            sentences: text of any length, even empty.
            max_length: longer ones are truncated; [CLS] and [SEP] count.

        Returns:
            Ids, and a mask that is 1 at tokens and 0 at padding; both int64, of shape (sentences, time).

        Raises:
            ValueError: `max_length` leaves no room for a piece.
            TypeError: `sentences` is one string.
        """
        if max_length < 3:
            raise ValueError(f"`max_length` must be 3 or more; got {max_length}. [CLS] and [SEP] take two places.")
        if isinstance(sentences, str):
            raise TypeError(f"`sentences` must be a list of strings; got {sentences[:20]!r}. Put it into a list.")
        rows = [[CLS, *self.split(sentence)[: max_length - 2], SEP] for sentence in sentences]
        return pad([[self.ids[piece] for piece in row] for row in rows], self.ids[PAD])


def pad(rows: Sequence[Sequence[int]], padding: int) -> tuple[np.ndarray, np.ndarray]:
    """Return `rows` as one array, with `padding` at the end of the shorter ones, and 1 where there is none."""
    mask = np.arange(max(map(len, rows), default=0)) < np.array([len(row) for row in rows], np.int64)[:, None]
    ids = np.full(mask.shape, padding, np.int64)
    ids[mask] = [i for row in rows for i in row]
    return ids, mask.astype(np.int64)


def words(text: str) -> list[str]:
    """Return the words of `text`: lower case, without accents; punctuation marks and Han characters stand alone."""
    text = _HAN.sub(r" \1 ", "".join(_clean(text)))
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    # One letter at a time: lower() of a whole word handles the final sigma, which the published tokenizer does not.
    return "".join(f" {c} " if _is_punctuation(c) else c.lower() for c in bare).split()


def _clean(text: str) -> Iterable[str]:
    for c in text:
        if c in "\t\n\r" or unicodedata.category(c) in ("Zs", "Zl", "Zp"):
            yield " "
        elif c != "\ufffd" and unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs"):
            yield c


def _is_punctuation(c: str) -> bool:
    return c in _SYMBOLS or unicodedata.category(c).startswith("P")
