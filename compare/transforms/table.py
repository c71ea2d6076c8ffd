"""The outcomes as tables in Markdown, and the way back."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from compare.transforms.declared import DECLARED
from compare.transforms.modes import MODES, Mode
from compare.transforms.verdict import NONE
from compare.transforms.ways import WAYS

Marks: TypeAlias = Mapping[tuple[str, str], str]  # (transformation, mode) to a mark

TITLES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
LEGEND = (
    "`=` the bits of the eager layer (of the exact result, where that is another number); `≈` inside the bound of its "
    "roundings; `R` refused, with a reason; `L` a limit of the framework; `·` there is no such thing; `✗` wrong, in "
    "the column of Keras' own layer, which stands beside ours."
)
FAMILIES = ("fit: ", "fit, XLA: ")
JOIN = "; "
_KINDS = (("rows and outputs", lambda mode: not mode.bag), ("bags", lambda mode: mode.bag))


def page(marks: Mapping[str, Marks]) -> str:
    """Return all of the tables: two per backend, what the headings mean, and why cells are `R` or `L`."""
    parts = [LEGEND, _headings(), _transformations()]
    for backend, title in TITLES.items():
        for kind, belongs in _KINDS:
            modes = [mode for mode in MODES if belongs(mode)]
            parts.append(f"**{title}, {kind}**\n\n{_one(marks.get(backend, {}), modes)}")
    return "\n\n".join([*parts, *_reasons()])


def marks_of(text: str) -> dict[str, dict[tuple[str, str], str]]:
    """Return the marks that a page shows, by backend."""
    found: dict[str, dict[tuple[str, str], str]] = {backend: {} for backend in TITLES}
    for backend, title in TITLES.items():
        for block in re.findall(rf"^\*\*{title}, [^*]+\*\*\n\n((?:\|.*\n?)+)", text, re.MULTILINE):
            heading, _, *lines = ([cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines())
            for name, *cells in lines:
                for way in _apart(name):
                    found[backend] |= {(way, mode): mark for mode, mark in zip(heading[1:], cells, strict=True)}
    return found


def _one(marks: Marks, modes: Sequence[Mode]) -> str:
    names = [mode.name for mode in modes]
    rows = [(way, [marks.get((way, name), NONE) for name in names]) for way in WAYS]
    shown = [[name, *cells] for name, cells in _together(rows) if set(cells) != {NONE}]
    return table(["", *names], shown)


def _together(rows: Iterable[tuple[str, list[str]]]) -> Iterator[tuple[str, list[str]]]:
    """Join the rows of a family of fits that show the same marks."""
    joined: dict[tuple[str, ...], list[str]] = {}
    for way, cells in rows:
        family = next((family for family in FAMILIES if way.startswith(family)), way)
        joined.setdefault((family, *cells), []).append(way)
    for (family, *cells), ways in joined.items():
        yield family * (family in FAMILIES) + JOIN.join(way.removeprefix(family) or way for way in ways), cells


def _apart(name: str) -> list[str]:
    family = next((family for family in FAMILIES if name.startswith(family)), "")
    return [family + part for part in name.removeprefix(family).split(JOIN)]


def _headings() -> str:
    return table(["heading", "what it is"], [[mode.name, f"`{mode.said}`"] for mode in MODES])


def _transformations() -> str:
    return table(["transformation", "how"], [[way, how] for way, how in WAYS.items() if how])


def _reasons() -> Iterator[str]:
    lines = [
        f"- `{one.mark}` {TITLES[one.backend]}, {JOIN.join(one.ways)}, "
        f"{', '.join(one.modes) or 'every heading'}: {one.why}"
        for one in DECLARED
    ]
    if lines:
        yield "\n".join(lines)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
