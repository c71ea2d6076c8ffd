"""Real data to look at: English news, Chinese text, handwritten digits. For tests and screenshots."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from compare.cases import text

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

CHINESE = Path(__file__).parent.parent.parent / "README.zh-CN.md"
_HAN = re.compile("[\u4e00-\u9fff]+")


def trained(sentences: Sequence[Sequence[str]], dim: int = 60, **options: Any) -> "KeyedVectors":
    """Return word vectors trained by gensim's skip-gram, with counts; every call returns the same."""
    from gensim.models import Word2Vec

    options = {"min_count": 5, "epochs": 20, **options}
    return Word2Vec(sentences, vector_size=dim, sg=1, negative=5, seed=1, workers=1, **options).wv


def lee(**options: Any) -> "KeyedVectors":
    """Return vectors of the words in gensim's 300 news documents."""
    return trained(text.lee(), **options)


def lee_epochs(epochs: int) -> tuple["KeyedVectors", dict[int, np.ndarray]]:
    """Return the vectors of gensim's news words after training and the table at the end of each epoch."""
    from gensim.models.callbacks import CallbackAny2Vec

    tables = []

    class Keep(CallbackAny2Vec):
        def on_epoch_end(self, model: Any) -> None:
            tables.append(model.wv.vectors.copy())

    vectors = lee(epochs=epochs, callbacks=[Keep()])
    return vectors, dict(enumerate(tables, 1))


def chinese(path: Path = CHINESE, characters: int | None = None, **options: Any) -> "KeyedVectors":
    """Return vectors of the words, segmented by jieba, of the first characters of a UTF-8 text, .xz or not."""
    import lzma

    with (lzma.open if path.suffix == ".xz" else open)(path, "rt", encoding="utf-8") as file:
        lines = file.read(characters).splitlines()
    return trained([words for line in lines if (words := cut(line))], **options)


def cut(line: str) -> list[str]:
    """Return the Chinese words of a line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba's own source has some
        import jieba
    jieba.setLogLevel("WARNING")
    return [word for piece in _HAN.findall(line) for word in jieba.lcut(piece)]


def digits(rows: int | None = None) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Return scikit-learn's handwritten digits: vectors of shape (rows, 64), labels, and pictures in 0..1."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    pictures = 1 - loaded.images[:rows] / 16  # ink is dark
    return loaded.data[:rows].astype(np.float32), [str(digit) for digit in loaded.target[:rows]], pictures
