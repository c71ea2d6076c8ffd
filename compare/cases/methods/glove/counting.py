"""What is counted: some documents of the corpus, reduced to a small vocabulary, so that cells repeat."""

import numpy as np

from compare.cases import text
from tf_emb.parity.case import Arrays

VOCAB, WINDOW = 40, 4


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Ids with -1 behind every document; some documents are shorter than a window."""
    vocabulary, documents = text.vocabulary(max_vocab=VOCAB), text.lee()
    chosen = [documents[i][: 3 if n % 3 else 120] for n, i in enumerate(rng.choice(len(documents), 12, replace=False))]
    ids = np.concatenate([np.append(vocabulary.encode(document), -1) for document in chosen])
    return {"ids": ids.astype(np.int32), "window": np.array(WINDOW), "vocab": np.array(VOCAB), "unit": np.ones(1)}


def terms(x: Arrays) -> np.ndarray:
    """No cell is a sum of more terms than there are pairs from either side, and one rounding more."""
    return np.array(2 * WINDOW * len(x["ids"]) + 1)


def size(x: Arrays, want: Arrays) -> np.ndarray:
    """All terms are positive."""
    return want["values"]
