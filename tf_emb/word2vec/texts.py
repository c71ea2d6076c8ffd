"""What identifies a text, so that a training goes on with the one it began with."""

import hashlib
from typing import Any

import numpy as np

from tf_emb.corpus import EncodedCorpus

PIECE = 1 << 20  # ids
NAMES = {"raw words": "words", "known words": "words of the vocabulary", "sentences": "sentences"}


def identity(of: EncodedCorpus | None) -> dict[str, Any] | None:
    """Return the counts of a text and the SHA-256 of its ids; None for no text."""
    if of is None:
        return None
    digest = hashlib.sha256()
    for start in range(0, len(of.ids), PIECE):
        digest.update(np.ascontiguousarray(of.ids[start : start + PIECE], np.int32).data)
    counts = {"raw words": of.raw_words, "known words": of.known_words, "sentences": of.sentences}
    return {**counts, "digest": digest.hexdigest()}


def difference(before: dict[str, Any] | None, now: dict[str, Any] | None) -> str:
    """Return how two identities differ, as part of a sentence; "" if they are equal."""
    if before == now:
        return ""
    if before is None or now is None:
        return "there was none" if before is None else "there is none now"
    counted = [
        f"it had {before[name]:,} {what}, and has {now[name]:,}"
        for name, what in NAMES.items()
        if before[name] != now[name]
    ]
    return ", ".join(counted) or "as many words, but others or in another order"
