"""What a child process tells its parent: one line of JSON per event on standard output, after `MARK`.

Whatever else a framework prints there is ignored.
"""

import json
import traceback
from pathlib import Path
from typing import Any

MARK = "@compare "


def guarded(function: Any, *args: Any) -> dict[str, Any]:
    """Call `function`; an exception becomes a message that names where it was raised."""
    try:
        return function(*args) or {}
    except Exception as error:  # whatever an implementation raises is that row's result
        frame = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{type(error).__name__}: {error} ({Path(frame.filename).name}:{frame.lineno})"
        return {"error": message, "traceback": traceback.format_exc()}


def say(**event: Any) -> None:
    """Report one event to the parent."""
    print(MARK + json.dumps(event), flush=True)
