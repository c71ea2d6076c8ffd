"""The pages that `python -m compare docs` writes, between markers: what stands outside of them is written by hand."""

from pathlib import Path
from typing import Annotated

import typer

from compare import SUITE
from compare.docs import tables, words
from compare.docs.drawing import draw
from compare.docs.groups import grouped
from compare.docs.rooms import ROOMS, ROOT, between, imports
from compare.transforms import table as transforms
from tf_emb.parity.report.read import from_json
from tf_emb.parity.result import Result

Pages = dict[Path, str]

ARCHITECTURE = ROOT / "docs" / "architecture.md"
RESULTS = ROOT / "docs" / "results.md"
SEMANTICS = ROOT / "docs" / "semantics.md"
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
LOGS = Path("logs") / "compare"
PICTURE = ROOT / "docs" / "images" / "rooms.svg"


def run_docs(
    report: Annotated[Path | None, typer.Option(help="A report.json; the newest in logs/compare by default.")] = None,
    rooms: Annotated[bool, typer.Option("--map", help="Only the map of the rooms; it needs no report.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a page would change.")] = False,
) -> None:
    """Rewrite the tables of docs/results.md and both READMEs from a report, and those that need none.

    These are the map in docs/architecture.md and the words of other libraries in docs/semantics.md.
    """
    if rooms and report is not None:
        raise ValueError(f"`--map` must stand without a report; got --report {report} too. Leave one of them out.")
    made = with_rooms() if rooms else with_results(read(report or newest(LOGS)))
    made |= with_rooms() | with_transforms()
    if not rooms:
        made |= with_words(made[SEMANTICS])
    changed = stale(made)
    if not check:
        for path in changed:
            path.write_text(made[path], encoding="utf-8")
        draw(between(imports()), PICTURE)
    for path in made:
        said = "as it is" if path not in changed else "would change" if check else "written"
        print(f"{path.relative_to(ROOT)}: {said}")
    raise typer.Exit(1 if check and changed else 0)


def newest(logs: Path) -> Path:
    """Return the newest report.json below `logs`.

    Raises:
        ValueError: there is none.
    """
    found = sorted(logs.glob("*/report.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise ValueError(f"`--report` must name a report.json; got none, and {logs} holds none. Run `make compare`.")
    return found[-1]


def read(path: Path) -> Result:
    """Return the report at `path`.

    Raises:
        ValueError: it cannot be read, or is not of a whole run in which everything agreed.
    """
    try:
        result = from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"`--report` must be a report.json that can be read; got {path}: {error.strerror}.") from None
    wanted = {name for name, case in SUITE.load().items() if not case.full}
    if lacking := sorted(wanted - {case["name"] for case in result.cases}):
        raise ValueError(
            f"`--report` must hold every case; {path} lacks {len(lacking)}, such as {lacking[0]}. Run `make compare`."
        )
    if result.failed:
        raise ValueError(f"`--report` must be of a run without failures; {path} has {result.failed}.")
    return result


def with_results(result: Result) -> Pages:
    """Return the pages that show what a comparison found."""
    groups = grouped()
    pages = {path: filled(path, "parity", tables.summary(result, groups, i)) for i, path in enumerate(READMES)}
    return pages | {RESULTS: filled(RESULTS, "parity", tables.results(result, groups))}


def with_rooms() -> Pages:
    """Return the page that shows the rooms that exist, the last on top, and what each imports."""
    rows = [
        [f"`{name}`", ROOMS[name], ", ".join(f"`{other}`" for other in others) or tables.NONE]
        for name, others in reversed(between(imports()).items())
    ]
    return {ARCHITECTURE: filled(ARCHITECTURE, "rooms", tables.table(["room", "what is in it", "imports"], rows))}


def with_words(text: str | None = None) -> Pages:
    """Return the page, `text` if it is made already, that says what becomes of every word of Keras' and PyTorch's."""
    return {SEMANTICS: filled(SEMANTICS, "words", words.block(), text)}


def with_transforms() -> Pages:
    """Return the page of transformations with its headings, rows and reasons as they are in the code.

    The marks are those of the page, which `python -m compare transforms --write` has put there.
    """
    shown = transforms.marks_of(parted(SEMANTICS, "transforms")[1])
    return {SEMANTICS: filled(SEMANTICS, "transforms", transforms.page(shown))}


def filled(path: Path, name: str, block: str, text: str | None = None) -> str:
    """Return the page at `path`, or what is to become of it, with `block` between its markers `name`.

    Raises:
        ValueError: the page does not hold both markers once, in their order.
    """
    (before, _, after), (begin, end) = parted(path, name, text), markers(name)
    return f"{before}{begin}\n\n{block}\n\n{end}{after}"


def parted(path: Path, name: str, text: str | None = None) -> tuple[str, str, str]:
    """Return what stands before, between and after the markers `name` of a page, or of its text to come."""
    text, (begin, end) = path.read_text(encoding="utf-8") if text is None else text, markers(name)
    if [text.count(begin), text.count(end)] != [1, 1] or text.index(begin) > text.index(end):
        raise ValueError(f"{path.name} must hold {begin} and, after it, {end}, once each. Put them where the table is.")
    before, _, rest = text.partition(begin)
    block, _, after = rest.partition(end)
    return before, block.strip("\n"), after


def markers(name: str) -> tuple[str, str]:
    """Return the comments before and after what a command writes."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def stale(pages: Pages) -> list[Path]:
    """Return the pages whose files say something else."""
    return [path for path, text in pages.items() if path.read_text(encoding="utf-8") != text]
