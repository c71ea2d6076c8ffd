"""All cases. A file here is a subject: it defines `CASES`, and imports no other subject."""

import importlib
import pkgutil

from compare.case import Case


def load() -> dict[str, Case]:
    """Return every case by name, in the order of the module names; known divergences come last."""
    found: dict[str, Case] = {}
    for module in pkgutil.iter_modules(__path__):
        for case in getattr(importlib.import_module(f"{__name__}.{module.name}"), "CASES", ()):
            if case.name in found:
                raise ValueError(f"`name` of a case must be unique; {case.name!r} occurs twice. Rename one.")
            found[case.name] = case
    return dict(sorted(found.items(), key=lambda item: bool(item[1].diverges)))
