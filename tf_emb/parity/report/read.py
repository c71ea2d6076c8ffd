"""A report.json, read back."""

import json
import math
from dataclasses import fields
from typing import Any

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
        return Result(**entries)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"a report must be a report.json of this version of tf-emb; got {error!r}.") from None


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
