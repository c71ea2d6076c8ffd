"""What a caller gives, checked: each error says the rule, what was given, and what to do."""

from math import isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np

from tf_emb.files import printable

SEEDS = 2**31  # TensorFlow takes them as int32
MOST = 2**31 - 1
MOST_THREADS = 1024
_SHOWN = 60  # characters of a value in a message


def shown(value: Any) -> str:
    """Return `value` as a message shows it: in one line, and not all of a long one."""
    try:
        text = printable(repr(value)[: 2 * _SHOWN])
    except Exception:  # of another's __repr__; or an integer of more digits than Python prints
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def integer(name: str, value: Any, least: int = 1, most: int = MOST, remedy: str = "Use a whole number.") -> int:
    """Return `value`, an integer from `least` to `most`, as Python's; True and 1.0 are none.

    Raises:
        ValueError: it is none, or out of range.
    """
    given = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if given is None or not least <= given <= most:
        rule = f"of {least} or more" if given is None or given < least else f"from {least} to {most}"
        raise ValueError(f"`{name}` must be an integer {rule}; got {shown(value)}. {remedy}")
    return given


def number(name: str, value: Any, rule: str, holds: Any = isfinite, remedy: str = "Use a finite number.") -> float:
    """Return `value`, a finite number for which `holds` is true, as Python's float.

    Args:
        name: of the argument.
        value: what was given.
        rule: says what `holds` asks for, as in "a number above 0".
        holds: a function of the number.
        remedy: what to do.

    Raises:
        ValueError: it is none.
    """
    try:
        given = float(value) if isinstance(value, Real) and not isinstance(value, bool) else np.nan
    except (OverflowError, ValueError):
        given = np.nan
    if not isfinite(given) or not holds(given):
        raise ValueError(f"`{name}` must be {rule}; got {shown(value)}. {remedy}")
    return given


def seed_of(value: Any) -> int:
    """Return a seed, an integer from 0 to 2^31 - 1.

    Raises:
        ValueError: it is none.
    """
    return integer("seed", value, 0, SEEDS - 1, "Use 0, or another such number.")


def generator(value: Any) -> np.random.Generator:
    """Return `value`, a random generator of NumPy.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, np.random.Generator):
        raise ValueError(f"`rng` must be a generator; got {shown(value)}. Use numpy.random.default_rng(0).")
    return value
