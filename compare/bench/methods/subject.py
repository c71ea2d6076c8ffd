"""The subject "methods": every file of `compare.bench.methods`, its figures beside those of peers."""

import json
import pkgutil
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from compare.bench import methods
from compare.bench.figure import Figure
from compare.bench.harness import machine
from compare.bench.runs import Runs
from tf_emb.parity.report import replace

LEGEND = (
    "Means over seeds, and least..most; ↓: less is better. A figure is held where the mean of ours is at most the "
    "margin worse than the mean of theirs; a margin below 0: better by at least that."
)


def discover(only: str = "") -> dict[str, ModuleType]:
    """Return the files whose name holds `only`.

    Raises:
        ValueError: there is none.
    """
    names = [of.name for of in pkgutil.iter_modules(methods.__path__)]
    found = [name for name in names if only in name]
    if not found:
        raise ValueError(f"`--row` must be part of the name of a method; got {only!r}. They are {', '.join(names)}.")
    return {name: import_module(f"{methods.__name__}.{name}") for name in found}


def paths(data: Sequence[str]) -> dict[str, Path]:
    """Return what `--data` names.

    Raises:
        ValueError: one is not NAME=PATH, or its path does not exist.
    """
    found = {}
    for given in data:
        name, equals, path = given.partition("=")
        if not (name and equals and Path(path).exists()):
            raise ValueError(f"`--data` must be NAME=PATH, of a path that exists; got {given!r}.")
        found[name] = Path(path)
    return found


def run(only: str, seeds: int, data: Mapping[str, Path], quick: bool, runs: Runs, on_figure: Callable[[str], None],
        on_result: Callable[[dict[str, Any]], None], before: Mapping[str, Any] | None = None) -> None:  # fmt: skip
    """Measure every method, log its vectors, and hand over all that is measured so far, after every figure.

    Args:
        only: part of the names of methods.
        seeds: trainings of each.
        data: paths by name.
        quick: small sizes.
        runs: where vectors go.
        on_figure: hears the name of the method that comes.
        on_result: hears all that is measured.
        before: of `read`: what it has measured whole is kept, and not measured again.
    """
    whole: list[str] = list(before["whole"]) if before else []
    figures: list[dict[str, Any]] = [of for of in before["figures"] if of["method"] in whole] if before else []
    result = {"subject": "methods", "started": datetime.now().astimezone().isoformat(timespec="seconds"),
              "seeds": seeds, "quick": quick, "data": {name: str(path) for name, path in data.items()},
              "machine": machine(), "whole": whole, "figures": figures}  # fmt: skip
    on_result(result)
    for name, module in discover(only).items():
        if name in whole:
            continue
        on_figure(name)
        for figure in module.measure(range(seeds), data, quick):
            figures.append(as_dict(figure) | {"method": name, "projector": runs.log(figure)})
            on_result(result)
        whole.append(name)
        on_result(result)


def read(path: Path, quick: bool) -> dict[str, Any]:
    """Return what an earlier run wrote.

    Raises:
        ValueError: the file is no such thing, or one of the two runs is quick and the other is not.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        had, _, _ = result["quick"], result["whole"], [of["method"] for of in result["figures"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"`--resume` must be a quality.json of methods; got {path} ({error!r}).") from None
    if had != quick:
        raise ValueError(f"`--resume` must go on with the same settings; that run had quick {had}, not {quick}.")
    return result


def as_dict(figure: Figure) -> dict[str, Any]:
    """Return what JSON holds of a figure: all but vectors and pictures."""
    plain = {of.name: getattr(figure, of.name) for of in fields(figure) if of.name not in ("vectors", "pictures")}
    numbers = {side: [float(value) for value in getattr(figure, side)] for side in ("ours", "theirs")}
    return plain | numbers | {"held": bool(figure.held)}


def table(figures: Sequence[dict[str, Any]]) -> Iterator[Any]:
    """Yield a heading for every system and its data, and a table below it."""
    heads = list(dict.fromkeys((of["system"], of["data"]) for of in figures))
    for head in heads:
        yield Text(": ".join(head), "bold")
        lines = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for name, width in (("measure", 40), ("ours", 18), ("theirs", 18), ("margin", 7), ("", 8)):
            lines.add_column(name, width=width, justify="left" if name == "measure" else "right", overflow="fold")
        for of in (of for of in figures if (of["system"], of["data"]) == head):
            verdict = Text("✓ held", "green") if of["held"] else Text("✗ missed", "bold red")
            means = (f"{statistics.mean(of[side]):.4g}" for side in ("ours", "theirs"))
            lines.add_row(f"  {of['measure']}{'' if of['higher'] else ' ↓'}", *means, f"{of['margin']:.3g}", verdict)
            ranges = (Text(_range(of[side]), "dim") for side in ("ours", "theirs"))
            lines.add_row(Text(f"    beside {of['peer']}", "dim"), *ranges)
        yield lines


def _range(values: Sequence[float]) -> str:
    return "" if len(values) == 1 else f"{min(values):.4g}..{max(values):.4g}"


def command(out: Path, copy: Path | None, *, only: str, seeds: int, data: Sequence[str], quick: bool,
            resume: Path | None = None) -> None:  # fmt: skip
    """Measure, report and write: what `python -m compare quality --subject methods` does."""
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    console.width = max(console.width, 100)
    seen: dict[str, Any] = {}
    runs, stopped = Runs(out / "projector"), False

    def write(result: dict[str, Any]) -> None:
        seen.update(result)
        text = json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        for path in [out / "quality.json"] + ([copy] if copy else []):
            path.parent.mkdir(parents=True, exist_ok=True)
            replace(path, text)

    with errors.status("starting") as status:
        try:
            run(only, seeds, paths(data), quick, runs, lambda name: status.update(f"measuring {name}"), write,
                read(resume, quick) if resume else None)  # fmt: skip
        except (ValueError, ImportError, OSError) as error:
            print(f"compare: {error}", file=sys.stderr)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            stopped = True
    if seen:
        console.print(*table(sorted(seen["figures"], key=lambda of: of["method"])), sep="\n")
        console.print(Text(LEGEND))
        console.print(
            *filter(None, [f"\nReports: {out / 'quality.json'}", runs.how_to_look()]), sep="\n", soft_wrap=True
        )
        print(f"{sum(of['held'] for of in seen['figures'])} of {len(seen['figures'])} figures held")
    if stopped:
        print("compare: stopped; add --resume and the path of quality.json to go on.", file=sys.stderr)
        raise typer.Exit(130)
