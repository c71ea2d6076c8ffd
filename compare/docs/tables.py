"""A parity report as the tables of the documentation, in Markdown."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from compare.docs.groups import Group
from tf_emb.parity.check import Row
from tf_emb.parity.report import view
from tf_emb.parity.result import Result

NONE = "–"
HEADINGS = (
    ("cases of", "number", "what is claimed", "engines", "worst share of a bound", "faults caught"),
    ("用例", "数量", "所断言的内容", "引擎", "误差界最大用量", "发现的植入错误"),
)
MADE = (
    "What `{command}` found on {day}, with seed {seed}, on {device}: {line}.",
    "`{command}` 于 {day}、种子 {seed}、在 {device} 上的结果:{line}。",
)
ALL = ("all", "合计")
JOINED = (", ", "、")


def summary(result: Result, groups: Mapping[Group, Sequence[str]], language: int = 0) -> str:
    """Return the README's table, one row per group of cases; the language is 0 for English and 1 for Chinese."""
    present = _present(result, groups)
    rows = [
        [group.title[language], *_figures(result, names, group.claim[language], language)]
        for group, names in present.items()
    ]
    everything = [name for names in present.values() for name in names]
    rows.append([ALL[language], *_figures(result, everything, "", language)])
    return f"{made(result, language)}\n\n{table(HEADINGS[language], rows)}"


def results(result: Result, groups: Mapping[Group, Sequence[str]]) -> str:
    """Return every figure: a section per group, with a row per output and a column per engine."""
    sections = [f"{made(result)} {versions(result)}"]
    for group, names in _present(result, groups).items():
        sections.append(f"### {group.title[0]}\n\n{_section(result, names)}")
    sections.append(f"### Declared divergences\n\n{_divergences(result)}")
    return "\n\n".join(sections)


def made(result: Result, language: int = 0) -> str:
    """Say by which command, when and with what seed the report was made; where it was written changes no figure."""
    command = re.sub(r" --(out|json)[ =]\S+", "", result.command)
    return MADE[language].format(
        command=command, day=result.started[:10], seed=result.seed, device=result.device.upper(), line=result.last_line
    )


def versions(result: Result) -> str:
    """Say what ran and what did not."""
    found = {"python": result.platform["python"], "numpy": result.platform["numpy"]}
    for engine in result.engines:
        found |= engine.versions
    said = f"With {', '.join(f'{name} {version}' for name, version in found.items())}."
    apart = [f"{engine.name} {engine.status}" for engine in result.engines if engine.status in ("absent", "recorded")]
    return f"{said} Not run: {', '.join(apart)}." if apart else said


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _present(result: Result, groups: Mapping[Group, Sequence[str]]) -> dict[Group, list[str]]:
    """Return the cases of each group that the report holds, in its order; groups without any are left out."""
    names = [case["name"] for case in result.cases]
    found = {group: [name for name in names if name in members] for group, members in groups.items()}
    return {group: members for group, members in found.items() if members}


def _figures(result: Result, names: Sequence[str], claim: str, language: int) -> list[str]:
    rows = [row for row in result.rows if row.case in names]
    used = max((row.used or 0.0 for row in rows if row.status == "pass" and not row.exact), default=None)
    tallies = [view.tally(result, name) for name in names]
    caught = "{}/{}".format(*map(sum, zip(*tallies, strict=True)))
    worst = view.LEGEND["exact"][0].removeprefix("✓ ") if used is None else view.number(used)
    return [str(len(names)), claim, JOINED[language].join(_engines(result, rows)), worst, caught]


def _engines(result: Result, rows: Sequence[Row]) -> list[str]:
    """Return the engines that computed something; the ways to run Keras are counted."""
    ran = {row.engine for row in rows if row.status not in ("n/a", "absent")}
    names = [engine.name for engine in result.engines if engine.name in ran]
    keras = [name for name in names if name.startswith("keras-")]
    short = [name for name in names if name not in keras[1:]]
    return [f"keras × {len(keras)}" if name in keras and len(keras) > 1 else name for name in short]


def _section(result: Result, names: Sequence[str]) -> str:
    ran = {row.engine for row in result.rows if row.case in names and row.status not in ("n/a", "absent")}
    engines = [engine.name for engine in result.engines if engine.name in ran]
    rows = [line for group in view.groups(result) if group.case in names for line in _case(result, group, engines)]
    return table(["case and output", *engines], rows)


def _case(result: Result, group: view.Group, engines: Sequence[str]) -> Iterator[list[str]]:
    caught, planted = view.tally(result, group.case)
    yield [f"**{_escaped(group.case)}**, faults {caught}/{planted}", *([""] * len(engines))]
    dtypes = [d for d in result.dtypes if any(c.dtype == d for rows in group.outputs.values() for c in rows)]
    for output, rows in group.outputs.items():
        cells = [[rows.get(view.Column(engine, dtype)) for dtype in dtypes] for engine in engines]
        yield [_escaped(output or "(every output)"), *map(_cell, cells)]


def _cell(rows: Sequence[Row | None]) -> str:
    said = [NONE if row is None or row.status == "n/a" else view.cell(row).removeprefix("✓ ") for row in rows]
    told = set(said) - {NONE}
    return next(iter(told), NONE) if told <= {"exact"} or len(set(said)) == 1 else " · ".join(said)


def _divergences(result: Result) -> str:
    engines: dict[tuple[str, str, str], list[str]] = {}
    for case, engine, declared, _ in view.divergences(result):
        engines.setdefault((case, declared["what"], declared["cite"]), []).append(engine)
    rows = [
        [_escaped(case), ", ".join(names), _escaped(what), _escaped(cite)]
        for (case, what, cite), names in engines.items()
    ]
    return table(["case", "engine", "what it computes instead", "source"], rows)


def _escaped(text: str) -> str:
    """Keep Markdown from reading a name as markup; an underscore inside a word is none."""
    return re.sub(r"[|*<`\\]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", view.clean(text))
