"""A parity run as JSON, for programs."""

import json
import math
from dataclasses import asdict
from typing import Any

from tf_emb.parity.result import Result


def as_json(result: Result) -> str:
    """Return everything in the result; `rows`, `faults`, `curves` and `costs` name their case by `case`.

    JSON has no infinities and no NaN: they are the strings "inf", "-inf" and "nan".
    """
    counts = {"passed": result.passed, "failed": result.failed}
    return json.dumps(counts | _finite(asdict(result)), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(of) for of in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
