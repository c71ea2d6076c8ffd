"""What a parity run says: on the terminal, and as HTML, JSON and JUnit files."""

import json
import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tf_emb.parity.jobs import whole
from tf_emb.parity.result import Result

WRITTEN = ("report.html", "report.json", "junit.xml")


def write(result: Result, out: Path) -> dict[str, Path]:
    """Write report.html, report.json and junit.xml; a reader never sees half a file.

    Args:
        result: what was found.
        out: the folder, created if it is missing.

    Returns:
        The name of each file and its path.
    """
    from tf_emb.parity.report.html import as_html
    from tf_emb.parity.report.junit import as_junit

    texts = {"report.html": as_html(result), "report.json": as_json(result), "junit.xml": as_junit(result)}
    return {name: replace(out / name, text) for name, text in texts.items()}


def replace(path: Path, text: str) -> Path:
    """Write `text` to `path`, as a whole or not at all; return the path."""
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8")
    return path


def as_json(result: Result) -> str:
    """Return everything in the result; `rows`, `faults`, `curves` and `costs` name their case by `case`.

    JSON has no infinities and no NaN: they are the strings "inf", "-inf" and "nan".
    """
    counts = {"passed": result.passed, "failed": result.failed}
    text = json.dumps(counts | _finite(asdict(result)), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    # Half a pair, as in a message with bytes that are no UTF-8, could not be written.
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(of) for of in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
