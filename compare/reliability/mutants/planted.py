"""How a process loads a module with an error in it; the standard library only, as every process does it first."""

import importlib.util
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType


class Planted:
    """A finder that loads one module from another file, in which the error is."""

    def __init__(self, module: str, path: str) -> None:
        self.module, self.path = module, path

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return how the module is loaded; None for all others."""
        if name != self.module:
            return None
        found = PathFinder.find_spec(name, path)
        inside = found.submodule_search_locations if found else None
        return importlib.util.spec_from_file_location(
            name, self.path, loader=SourceFileLoader(name, self.path), submodule_search_locations=inside
        )
