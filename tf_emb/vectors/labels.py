"""What a format demands of labels, said before anything is written, and how bytes become labels."""

from collections.abc import Sequence
from typing import Any

from tf_emb.vectors.vectors import check_different

WIDEST = 1 << 30  # bytes of an array of strings, each as wide as the longest
LONGEST = 1 << 20  # bytes of a label in a binary file, which only a space ends


def check_strings(labels: Sequence[Any]) -> None:
    """Refuse a label that is no string, is no Unicode text, or occurs twice."""
    for i, label in enumerate(labels):
        if not isinstance(label, str):
            raise ValueError(f"`labels` must be strings; got {label!r} in row {i}. Convert them with `str`.")
        try:
            label.encode()
        except UnicodeEncodeError:  # a lone surrogate
            raise ValueError(
                f"`labels` must be Unicode text; got {label!r} in row {i}, with half of a surrogate pair. Replace it."
            ) from None
    check_different(labels)


def check_words(labels: Sequence[Any]) -> None:
    """Refuse labels that a reader of word2vec's files would cut at white space, or that are too long for it."""
    check_strings(labels)
    for i, label in enumerate(labels):
        if not label or any(space in label for space in " \t\n\r\v\f"):
            raise ValueError(
                f"`labels` must be words without white space, which ends a label in this format; got "
                f"{label!r} in row {i}. Replace it, for example by '_', or use .npz or .safetensors."
            )
        if 4 * len(label) > LONGEST and len(label.encode()) > LONGEST:
            raise ValueError(
                f"`labels` must be no longer than {LONGEST:,} bytes in this format; got {label[:20]!r}... in row {i}. "
                "Use .safetensors."
            )


def check_first(labels: Sequence[Any]) -> None:
    """Refuse also a byte-order mark before the first label of a file without a heading: readers skip it."""
    check_words(labels)
    if labels and labels[0].startswith("\ufeff"):
        raise ValueError(
            f"`labels` must not begin with a byte-order mark in the first row of .glove; got {labels[0]!r}. Use .txt."
        )


def check_wide(labels: Sequence[Any]) -> None:
    """Refuse labels that NumPy's strings cannot hold."""
    check_strings(labels)
    longest = max(map(len, labels), default=0)
    if 4 * longest * len(labels) > WIDEST:
        raise ValueError(
            f"`labels` must be short for .npz, which gives each the width of the longest; got one of {longest} "
            "characters. Use .safetensors."
        )
    bad = next((i for i, label in enumerate(labels) if label.endswith("\0")), None)
    if bad is not None:
        raise ValueError(f"`labels` must not end in NUL, which .npz drops; got {labels[bad]!r} in row {bad}.")
