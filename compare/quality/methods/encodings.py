"""Codes and one-hot vectors beside scikit-learn's, on the Lee corpus: not one entry may differ."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from compare import text
from compare.quality.figure import Figure

DATA = "Lee corpus, {tokens} tokens, {types} types"


def measure(seeds: Sequence[int], paths: Mapping[str, Path], quick: bool) -> Iterator[Figure]:
    """Count the entries that differ from a peer's; nothing is drawn, so the seeds do not matter."""
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
