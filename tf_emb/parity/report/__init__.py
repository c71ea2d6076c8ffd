"""What a parity run says: on the terminal, and as HTML, JSON and JUnit files."""

import os
from pathlib import Path

from tf_emb.parity.result import Result


def write(result: Result, out: Path) -> dict[str, Path]:
    """Write report.html, report.json and junit.xml; whoever reads them never sees half a file.

    Args:
        result: what was found.
        out: the folder; made when it is missing.

    Returns:
        The name of each file and its path.
    """
    from tf_emb.parity.report.data import as_json
    from tf_emb.parity.report.html import as_html
    from tf_emb.parity.report.junit import as_junit

    texts = {"report.html": as_html(result), "report.json": as_json(result), "junit.xml": as_junit(result)}
    out.mkdir(parents=True, exist_ok=True)
    return {name: replace(out / name, text) for name, text in texts.items()}


def replace(path: Path, text: str) -> Path:
    """Write `text` to `path`, as a whole or not at all; return the path."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path
