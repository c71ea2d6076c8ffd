"""Text for language models: a vocabulary with a token for rare words and one for the end of a sentence, and windows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tf_emb.corpus.checks import integer
from tf_emb.corpus.sentences import sentences_of
from tf_emb.corpus.vocabulary import Vocabulary, check_ranks

UNKNOWN, END = "<unk>", "</s>"


def language_vocabulary(sentences: Iterable[Sequence[str]], *, min_count: int = 2) -> Vocabulary:
    """Return <unk>, </s>, and the tokens seen `min_count` times or more; rarer ones count as <unk>.

    A text's own <unk>, as in WikiText, is that of the rare tokens, and its own </s> that of the ends of sentences.

    Args:
        sentences: lists of tokens, read once.
        min_count: the smallest count that is kept.

    Raises:
        ValueError: the sentences are not lists of tokens, or no token is left.
    """
    check_ranks(min_count, None)
    counts, ends = Counter[str](), 0
    for sentence in sentences_of(sentences, "sentences"):
        counts.update(sentence)
        ends += 1
    own = {name: counts.pop(name, 0) for name in (UNKNOWN, END)}
    known = Vocabulary.ranked(list(counts), np.fromiter(counts.values(), np.int64), min_count=min_count)
    rare = counts.total() - int(known.counts.sum())
    return Vocabulary(
        (UNKNOWN, END, *known.words), np.concatenate([[rare + own[UNKNOWN], ends + own[END]], known.counts])
    )


def windows(sentences: Iterable[Sequence[str]], vocabulary: Vocabulary, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the context of each token and each end of a sentence, and the token itself.

    Args:
        sentences: lists of tokens; contexts do not cross their ends.
        vocabulary: the result of `language_vocabulary`.
        order: the number of preceding tokens, the nearest first.

    Returns:
        Inputs, int32, shape (tokens + sentences, order), where len(vocabulary) pads the beginning; targets,
        int32, shape (tokens + sentences,).

    Raises:
        ValueError: there are no sentences, they are not lists of tokens, or `vocabulary` is another.
    """
    integer("order", order, remedy="Use 4.")
    if not {UNKNOWN, END} <= vocabulary.ids.keys():
        raise ValueError(
            f"`vocabulary` must hold {UNKNOWN} and {END}; it does not. Use language_vocabulary(sentences)."
        )
    unknown, end = vocabulary.ids[UNKNOWN], vocabulary.ids[END]
    checked = some_sentences(sentences)
    rows = [[vocabulary.ids.get(token, unknown) for token in sentence] + [end] for sentence in checked]
    padded = [np.array([len(vocabulary)] * order + row, np.int32) for row in rows]
    seen = [np.lib.stride_tricks.sliding_window_view(row[:-1], order)[:, ::-1] for row in padded]
    return np.concatenate(seen), np.concatenate([row[order:] for row in padded])


def some_sentences(sentences: Any, argument: str = "sentences") -> list[list[str]]:
    """Return sentences as a list.

    Raises:
        ValueError: there is none, or one is not a list of tokens.
    """
    held = list(sentences_of(sentences, argument))
    if not held:
        raise ValueError(
            f"`{argument}` must have a sentence; got none. Give text; an iterator that was read to its "
            "end has none left."
        )
    return held
