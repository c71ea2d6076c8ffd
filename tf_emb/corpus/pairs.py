"""Whether a corpus has anything to learn from: two words of the vocabulary beside each other."""

import numpy as np

from tf_emb.corpus.encode import EncodedCorpus

PIECE = 1 << 20  # ids at once


def has_pairs(ids: np.ndarray) -> bool:
    """Return whether two words of a sentence are beside each other in `ids`, see `EncodedCorpus`."""
    for start in range(0, len(ids), PIECE):
        known = np.asarray(ids[start : start + PIECE + 1]) >= 0
        if (known[1:] & known[:-1]).any():
            return True
    return False


def check_pairs(of: EncodedCorpus, argument: str = "corpus") -> None:
    """Refuse a corpus in which no word has a neighbour, before anything is trained on it.

    Raises:
        ValueError: no sentence has two words of the vocabulary, or that has one word only.
    """
    if len(of.vocabulary) < 2:
        raise ValueError(
            f"`{argument}` must have two different words or more in its vocabulary; got {len(of.vocabulary)}, which "
            "nothing can be told from. Give more text, or lower `min_count`."
        )
    if not has_pairs(of.ids):
        raise ValueError(
            f"`{argument}` must have a sentence with two words of the vocabulary; got {of.raw_words:,} words in "
            f"{of.sentences:,} sentences, {of.known_words:,} of them known. Give text with a sentence in each line, or "
            "lower `min_count`; an iterator of sentences that was read to its end has none left."
        )
