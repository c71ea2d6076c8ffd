"""What the terminal and the HTML report share: how a result is grouped and how a verdict is worded."""

import re
from typing import NamedTuple

from tf_emb.parity.check import Row, describe
from tf_emb.parity.result import Cost, Result

# C0 and C1 control characters but tab and newline, surrogates, and the two non-characters: none may
# stand in XML, and a terminal would obey some of them. A colour sequence goes as a whole.
_UNPRINTABLE = re.compile(r"\x1b\[[0-9;]*m|[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# What a terminal would obey: control characters, all that turns the direction of text, half pairs.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

LEGEND = {
    "pass": ("✓ 0.12", "agrees: the largest error is 0.12 times the bound, the most that rounding can explain"),
    "exact": ("✓ exact", "agrees in every bit: no operation rounds"),
    "slack": ("✓ ~1e-4", "agrees, but uses less than 0.1 % of the bound, which is loose here"),
    "fail": ("✗ 3.4e5", "wrong: the largest error is 3.4e5 times the bound"),
    "error": ("! error", "the engine, or the harness, broke"),
    "diverges": ("≠ 4e7", "a known difference of the framework, exactly as declared; 4e7 times the bound"),
    "healed": ("healed", "a declared difference is gone: remove its declaration"),
    "absent": ("absent", "the engine is not installed here"),
    "n/a": ("n/a", "the case has no implementation for the engine"),
}


class Column(NamedTuple):
    """One engine at one dtype."""

    engine: str
    dtype: str


class Group(NamedTuple):
    """The verdicts on one case: for each output, one row per column."""

    case: str
    outputs: dict[str, dict[Column, Row]]


def columns(result: Result) -> list[Column]:
    """Return the engines and dtypes that have rows, in the order in which the result names them."""
    present = dict.fromkeys(Column(row.engine, row.dtype) for row in result.rows)
    engines = list(dict.fromkeys([engine.name for engine in result.engines] + [c.engine for c in present]))
    dtypes = list(dict.fromkeys(result.dtypes + [c.dtype for c in present]))
    return sorted(present, key=lambda c: (engines.index(c.engine), dtypes.index(c.dtype)))


def by_engine(of: list[Column]) -> dict[str, list[Column]]:
    """Return the columns of each engine."""
    return {name: [c for c in of if c.engine == name] for name in dict.fromkeys(c.engine for c in of)}


def groups(result: Result) -> list[Group]:
    """Return the verdicts case by case, in the order in which the result names the cases."""
    names = [case["name"] for case in result.cases] + [row.case for row in result.rows]
    found = {name: Group(name, {}) for name in names}
    for row in result.rows:
        found[row.case].outputs.setdefault(row.output, {})[Column(row.engine, row.dtype)] = row
    return list(found.values())


def state(row: Row) -> str:
    """Return the row's key in `LEGEND`: its status, where a pass may also be exact or slack."""
    if row.status != "pass":
        return row.status
    return "exact" if row.exact else "slack" if row.slack else "pass"


def cell(row: Row) -> str:
    """Return a verdict of at most nine characters; the symbol alone, without colour, says what it is."""
    kind = state(row)
    example = LEGEND[kind][0]
    if kind in ("pass", "fail", "diverges"):
        unknown = "differs" if kind == "diverges" else kind  # NaN stands elsewhere, or the shape is another
        return f"{example[0]} {unknown if row.used is None else number(row.used)}"
    if kind == "slack":
        return f"✓ ~{_short(f'{row.used:.0e}') if row.used else 0}"
    return example


def number(x: float) -> str:
    """Return two significant digits, or three below a thousand: 0.12, 350, 3.4e5, 1.0e-7."""
    if x == 0 or 100 <= x < 1000:
        return f"{x:.0f}"
    return _short(f"{x:#.2g}" if x >= 1e-3 else f"{x:.1e}").rstrip(".")


def seconds(x: float) -> str:
    """Return a duration in the unit that suits it."""
    return next(
        (f"{number(x / size)} {unit}" for unit, size in (("s", 1), ("ms", 1e-3)) if x >= size), f"{number(x / 1e-6)} µs"
    )


def details(row: Row) -> list[tuple[str, str]]:
    """Return everything known about a row as labelled text."""
    known = (
        []
        if row.measured is None or row.allowed is None
        else [
            ("index", str(row.index)),
            ("got", repr(row.got)),
            ("want", repr(row.want)),
            ("measured", f"{row.measured:.3e}"),
            ("allowed", f"{row.allowed:.3e}"),
        ]
    )
    if row.used is not None and not row.exact:
        known.append(("used", f"{number(row.used)} times the bound"))
    if row.ulp:
        known.append(("ULP", "p50 {}, p99 {}, max {}".format(*map(number, row.ulp))))
    if row.rmse is not None:
        known.append(("rmse", f"{row.rmse:.3e}" + _beside_numpy(row)))
    return known


def hover(row: Row) -> str:
    """Return the details on one line, or the meaning of the verdict if there are none."""
    return "; ".join(" ".join(pair) for pair in details(row)) or LEGEND[state(row)][1]


def remark(row: Row) -> str:
    """Return the message of the row, unless `details` says the same."""
    return "" if row.measured is not None and row.message == describe(row.as_dict()) else row.message


def tally(result: Result, case: str) -> tuple[int, int]:
    """Return how many planted faults of a case were caught, and how many there are."""
    caught = [fault.caught for fault in result.faults if fault.case == case]
    return sum(caught), len(caught)


def slack_bounds(result: Result) -> list[tuple[str, str, float]]:
    """Return (case, output, largest share used) of each bound that every engine used less than 0.1 % of."""
    judged: dict[tuple[str, str], list[Row]] = {}
    for row in result.rows:
        if row.used is not None and not row.exact:
            judged.setdefault((row.case, row.output), []).append(row)
    return [
        (*key, max(row.used or 0.0 for row in rows)) for key, rows in judged.items() if all(row.slack for row in rows)
    ]


def divergences(result: Result) -> list[tuple[str, str, dict[str, str], list[Row]]]:
    """Return (case, engine, declaration, its rows that diverge or healed)."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in result.rows:
        if row.status in ("diverges", "healed"):
            found.setdefault((row.case, row.engine), []).append(row)
    return [
        (case["name"], engine, declared, found.get((case["name"], engine), []))
        for case in result.cases
        for engine, declared in case["diverges"].items()
    ]


def cost(c: Cost) -> str:
    """Return one sentence on what something costs relative to its peer."""
    return (
        f"{c.what} takes {number(c.ratio)}x the time of {c.peer}: {seconds(c.seconds)} against "
        f"{seconds(c.peer_seconds)}, {c.dtype}, {c.engine}"
    )


def shown(text: str) -> str:
    r"""Return text with control characters, and what turns its direction, as escapes: ESC becomes \x1b."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def clean(text: str) -> str:
    """Remove the characters that no report can show: control characters and colour sequences."""
    return _UNPRINTABLE.sub("", text)


def _beside_numpy(row: Row) -> str:
    return "" if row.rmse_ratio is None else f", {number(row.rmse_ratio)} times that of NumPy {row.dtype}"


def _short(text: str) -> str:
    """Drop the plus and the leading zeros of an exponent."""
    return re.sub(r"e(-?)\+?0*(?=\d)", r"e\1", text)
