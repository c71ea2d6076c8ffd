"""A suite: a package of cases, and the folder of outputs recorded for engines that are not installed."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tf_emb.parity.case import Case
from tf_emb.parity.engines import HOMES


@dataclass(frozen=True)
class Suite:
    """What is claimed together.

    Attributes:
        package: the name of a package whose modules, at any depth, define `CASES`, lists of `Case`.
        recorded: the folder of recorded outputs, one file for each case and engine; None where nothing is recorded.
    """

    package: str
    recorded: Path | None = None

    def load(self) -> dict[str, Case]:
        """Return every case by name, in the order of the module names; known divergences come last.

        Divergences of an optional engine alone do not count: most reports do not show them.

        Raises:
            ValueError: two cases have the same name.
        """
        found: dict[str, Case] = {}
        for module in subjects(importlib.import_module(self.package)):
            for case in module.CASES:
                if case.name in found:
                    raise ValueError(f"`name` of a case must be unique; {case.name!r} occurs twice. Rename one.")
                found[case.name] = case
        return dict(sorted(found.items(), key=lambda item: diverging(item[1])))


def subjects(package: ModuleType) -> Iterator[ModuleType]:
    """Yield the modules below `package` that define `CASES`; what lies inside such a package is its own affair."""
    for entry in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(entry.name)
        if hasattr(module, "CASES"):
            yield module
        elif entry.ispkg:
            yield from subjects(module)


def diverging(case: Case) -> bool:
    """Return whether an engine that is not optional is declared to differ."""
    return any(not HOMES[name].optional for name in case.diverges)
