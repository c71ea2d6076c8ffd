"""What a training can learn, or could not: texts of which subsampling leaves nothing."""

import warnings
from collections.abc import Callable

import numpy as np

from tf_emb.corpus import EncodedCorpus, keep_probability
from tf_emb.word2vec.options import Options
from tf_emb.word2vec.progress import Training

PIECE = 1 << 20  # ids at once
FEW = 10_000  # kept words; of more, some are neighbours for certain


def check_held_out(of: EncodedCorpus | None, options: Options, measure: Callable[[], float] | None) -> None:
    """Measure a held-out text before the training if subsampling leaves little of it: an error comes before the work.

    Raises:
        ValueError: no pair is left.
    """
    if of is None or measure is None or keep_probability(of.vocabulary.counts, options.sample).min() >= 1:
        return  # nothing is dropped, and that there are pairs has been seen
    if expected_words(of, options.sample) < FEW:
        try:
            measure()
        except ValueError as error:
            if "must hold two neighbouring words" not in str(error):
                raise
            raise ValueError(
                "`held_out` must hold two neighbouring words after subsampling; got none. Use more text, or raise "
                "`sample`."
            ) from None


def expected_words(of: EncodedCorpus, sample: float) -> float:
    """Return how many words of a text subsampling leaves on average."""
    keep, expected = keep_probability(of.vocabulary.counts, sample), 0.0
    for start in range(0, len(of.ids), PIECE):
        ids = np.asarray(of.ids[start : start + PIECE])
        expected += float(keep[ids[ids >= 0]].sum())
        if expected >= FEW:
            break
    return expected


def warn_if_nothing_learned(of: Training) -> None:
    """Warn where a training has ended without a single pair: subsampling left no two neighbours."""
    if of.planned and of.done == of.planned and not of.sums[:, 1].any():
        warnings.warn(
            f"Nothing was learned: `sample` = {of.options.sample:g} left no two neighbours of {of.raw_words:,} words. "
            "The vectors are random; raise `sample`, or use 0 to keep every word.",
            UserWarning,
            stacklevel=4,
        )
