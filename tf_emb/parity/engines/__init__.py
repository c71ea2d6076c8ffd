"""Engines, one file per framework. Each runs in a process of its own; the parent imports no framework.

A file here defines `ENGINES`, a mapping from an engine's name to its `Home`, and `load_engine(name, device)`. It is
found by itself, and imports its framework inside functions only.
"""

import importlib
import importlib.util
import pkgutil

from tf_emb.parity.engines.home import Engine, Home


def _found() -> dict[str, Home]:
    homes: dict[str, Home] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        here: dict[str, Home] = getattr(importlib.import_module(module.name), "ENGINES", {})
        homes |= {name: home._replace(module=module.name) for name, home in here.items()}
    return dict(sorted(homes.items(), key=lambda item: item[1].column))


HOMES = _found()
# Every way to run a Keras layer. A case whose layers are Keras 3's implements all of them with one function.
KERAS = tuple(name for name in HOMES if name.startswith("keras-"))
KERAS_TENSORFLOW = tuple(name for name in KERAS if "tensorflow" in HOMES[name].needs)
DEVICES = ("cpu", "gpu")


def missing(name: str) -> list[str]:
    """Return the packages that engine `name` needs and that are not installed."""
    return [package for package in HOMES[name].needs if importlib.util.find_spec(package) is None]


def start(name: str, device: str) -> Engine:
    """Load engine `name` on `device`.

    Raises:
        ImportError: the framework is not installed.
        ValueError: the framework cannot use such a device.
    """
    engine: Engine = importlib.import_module(HOMES[name].module).load_engine(name, device)
    return engine
