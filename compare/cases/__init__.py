"""All cases. A file here is a subject: it defines `CASES`, and imports no other subject."""

import importlib
import pkgutil

from compare import engines
from compare.case import Case


def load() -> dict[str, Case]:
    """Return every case by name, in the order of the module names; known divergences come last.

    Those of an optional engine alone do not count: most reports do not show them.
    """
    found: dict[str, Case] = {}
    for module in pkgutil.iter_modules(__path__):
        for case in getattr(importlib.import_module(f"{__name__}.{module.name}"), "CASES", ()):
            if case.name in found:
                raise ValueError(f"`name` of a case must be unique; {case.name!r} occurs twice. Rename one.")
            found[case.name] = case
    return dict(sorted(found.items(), key=lambda item: diverging(item[1])))


def diverging(case: Case) -> bool:
    """Return whether an engine that is not optional is declared to differ."""
    return any(not engines.HOMES[name].optional for name in case.diverges)
