"""Codes, one-hot vectors and feature vectors beside scikit-learn's: no entry may differ."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from compare.bench.methods.figure import Figure
from compare.cases import text
from tf_emb.vectors import Vectors

DATA = "Lee corpus, {tokens} tokens, {types} types"
# A princess is the emperor's, a little of the palace, and a woman: the worked example of `tf_emb.methods.encodings`.
WORDS = {"公主": {"皇帝": 1.0, "宫里": 0.25, "女": 1.0}, "王妃": {"皇帝": 0.6, "宫里": 0.75, "女": 1.0}}


def measure(seeds: Sequence[int], paths: Mapping[str, Path], quick: bool) -> Iterator[Figure]:
    """Yield the number of entries that differ from a peer's; nothing is random, so the seeds do not matter."""
    import sklearn
    from sklearn.preprocessing import OneHotEncoder

    from tf_emb.methods.encodings import integer_encode, one_hot

    tokens = [token for document in text.lee() for token in document][: 2_000 if quick else 10_000]
    codes, labels = integer_encode(tokens)
    data = DATA.format(tokens=f"{len(tokens):,}", types=f"{len(labels):,}")
    encoder = OneHotEncoder(categories=[labels], dtype=np.float32)
    rows = encoder.fit_transform(np.array(tokens, object)[:, None])
    peer = f"scikit-learn {sklearn.__version__} OneHotEncoder"
    same = np.asarray(encoder.inverse_transform(one_hot(codes, len(labels), first=1)))[:, 0] == tokens
    yield Figure("one-hot", data, "rows read back wrongly", [float((~same).sum())], peer, [0.0], higher=False)
    differ = (one_hot(codes, len(labels), first=1) != rows.toarray()).sum()
    yield Figure("one-hot", data, "entries that differ", [float(differ)], peer, [0.0], higher=False)
    yield features()


def features() -> Figure:
    """Words as sums of features; shown with their characters and the features themselves."""
    import sklearn
    from sklearn.feature_extraction import DictVectorizer

    from tf_emb.methods.encodings import characters, from_features

    words = from_features(WORDS)
    wanted = DictVectorizer(dtype=np.float32, sparse=False, sort=False).fit_transform(list(WORDS.values()))
    alone = from_features({name: {name: 1.0} for name in words.columns})
    parts = {"word": words, "character": characters(words), "feature": alone}
    labels = [label for of in parts.values() for label in of.labels]
    kinds = [kind for kind, of in parts.items() for _ in of.labels]
    shown = Vectors(labels, np.concatenate([of.matrix for of in parts.values()]), {"kind": kinds})
    differ = float((words.matrix != wanted).sum())
    return Figure(
        "features",
        "公主 and 王妃",
        "entries that differ",
        [differ],
        f"scikit-learn {sklearn.__version__} DictVectorizer",
        [0.0],
        higher=False,
        vectors=shown,
    )
