"""Attacks other than inputs (kill and resume, signals, load), found by themselves: a file here defines `ATTACKS`."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What came of an attack: how often it was tried, how often it ended right, and figures for the table."""

    tried: int
    right: int
    said: str = ""


@dataclass(frozen=True)
class Attack:
    """An attack: its name as printed, and the function that carries it out."""

    name: str
    run: Callable[[], Outcome]


def found() -> dict[str, Attack]:
    """Return the attacks of every file here, by name."""
    modules = [importlib.import_module(f"{__name__}.{file.name}") for file in pkgutil.iter_modules(__path__)]
    return {attack.name: attack for module in modules for attack in module.ATTACKS}
