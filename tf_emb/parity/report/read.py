"""A report.json, read back."""

import json
import math
from dataclasses import fields
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from tf_emb.parity.check import Row
from tf_emb.parity.result import Cost, Curve, EngineResult, FaultResult, Result

LISTS = {"engines": EngineResult, "rows": Row, "faults": FaultResult, "curves": Curve, "costs": Cost}
NOT_FINITE = {str(value): value for value in (math.inf, -math.inf, math.nan)}


def from_json(text: str) -> Result:
    """Return the result that `tf_emb.parity.report.as_json` wrote.

    Raises:
        ValueError: `text` is no such report.
    """
    try:
        read: Any = json.loads(text)
        entries: dict[str, Any] = {
            name: [_restored(LISTS[name], entry) for entry in value] if name in LISTS else value
            for name, value in read.items()
            if name not in ("passed", "failed")  # properties, counted again
        }
        result = Result(**entries)
        _check(result)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        why = repr(error).encode("unicode_escape").decode()[:200]
        raise ValueError(f"a report must be a report.json of this version of tf-emb; got {why}.") from None
    return result


def _check(result: Any) -> None:
    """Refuse values of other types than the fields of a dataclass have, in its lists too."""
    hints = get_type_hints(type(result))
    for field in fields(result):
        value = getattr(result, field.name)
        if not _fits(value, hints[field.name]):
            raise ValueError(f"{type(result).__name__}.{field.name} = {str(value)[:80]!r}")
        for entry in value if field.name in LISTS and isinstance(result, Result) else ():
            _check(entry)


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value read from JSON has a type; a list stands for a tuple."""
    of, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if of in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if of is dict:
        return isinstance(value, dict) and all(_fits(k, parts[0]) and _fits(v, parts[1]) for k, v in value.items())
    if of in (list, tuple):
        return isinstance(value, list) and all(_fits(one, parts[0]) for one in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is hint


def _restored(kind: Any, entry: dict[str, Any]) -> Any:
    """Return an entry of a list as the dataclass it was; text stays text, whatever it says."""
    texts = {field.name for field in fields(kind) if field.type is str}
    return kind(**{name: value if name in texts else _number(value) for name, value in entry.items()})


def _number(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _number(of) for key, of in value.items()}
    if isinstance(value, list):
        return [_number(of) for of in value]
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value
