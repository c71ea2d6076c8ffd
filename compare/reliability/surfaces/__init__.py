"""Surfaces, found by themselves: a file here defines `SURFACES`, a list of `compare.reliability.fuzz.Surface`."""

import importlib
import pkgutil

from compare.reliability.surface import Surface


def found(home: str = __name__) -> dict[str, Surface]:
    """Return the surfaces of a module, or of all modules of a package, by name.

    Raises:
        ValueError: two have the same name.
    """
    module = importlib.import_module(home)
    names = [f"{home}.{file.name}" for file in pkgutil.iter_modules(getattr(module, "__path__", []))]
    surfaces: dict[str, Surface] = {}
    for one in [module, *map(importlib.import_module, names)]:
        for surface in getattr(one, "SURFACES", ()):
            if surface.name in surfaces:
                raise ValueError(f"A surface must have a name of its own; got {surface.name!r} twice. Rename one.")
            surfaces[surface.name] = surface
    return surfaces
