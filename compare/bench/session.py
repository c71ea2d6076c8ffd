"""One run of a subject: what it has measured, the files it is kept in, and how the run ends."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.console import Console, RenderableType

from compare.stopping import Stopped
from tf_emb.files import appearing, outputs, printable, scratch

T = TypeVar("T")
Result = dict[str, Any]
SHA256 = "sha256"
EXPECTED = (ValueError, OSError, ImportError, RuntimeError, subprocess.SubprocessError)


@dataclass(frozen=True)
class View:
    """How a subject presents a result.

    Attributes:
        tables: returns what is printed; strings are not wrapped.
        summary: returns what follows from the list of measurements; it is written, too.
        plot: returns a figure of matplotlib.
        last_line: returns the verdict in one line.
    """

    tables: Callable[[Result], Iterable[RenderableType]]
    summary: Callable[[list[dict[str, Any]]], dict[str, Any]] = lambda measured: {}
    plot: Callable[[Result], Any] | None = None
    last_line: Callable[[Result], str] = lambda result: ""


class Session:
    """What a run has measured; it is written after every measurement, as a whole or not at all.

    Attributes:
        work: a folder that is removed at the end.
        out: the folder of the reports.
        path: the JSON file in it, which `--resume` takes.
        result: what that file holds.

    Args:
        subject: its name.
        out: the folder; None for that of `resume`, or for a new one in logs/bench.
        copy: a second place for the JSON file.
        resume: the JSON file of an earlier run.
        view: how the subject presents it.
        work: an empty folder.
        say: called with what is measured next.

    Raises:
        ValueError: `resume` is no such file, or `out` holds the measurements of another run.
    """

    def __init__(
        self,
        subject: str,
        out: Path | None,
        copy: Path | None,
        resume: Path | None,
        view: View,
        work: Path,
        say: Callable[[str], None],
    ) -> None:
        new = Path("logs") / "bench" / f"{subject}-{datetime.now():%Y%m%d-%H%M%S}"
        self.out = out or (resume.parent if resume else new)
        self.path, self.work, self.result = self.out / f"{subject}.json", work, Result()
        self._subject, self._copy, self._view, self._say = subject, copy, view, say
        self._before = read(resume, subject) if resume else None
        _check(self.out, copy, self.path)
        if _occupied(self.path) and not (resume and resume.samefile(self.path)):
            raise ValueError(
                f"`--out` must be a folder without {self.path.name}; got {self.out}. Choose another, or "
                f"continue with --resume {self.path}."
            )

    def begin(self, settings: dict[str, Any], free: Collection[str] = ()) -> None:
        """Take over the measurements of `--resume`, and write the file.

        Args:
            settings: of this run.
            free: those that may differ in a run that is resumed.

        Raises:
            ValueError: another setting differs, or the file cannot be written.
        """
        self.result = {
            "subject": self._subject, "command": "python -m compare " + " ".join(sys.argv[1:]),
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "settings": settings, "machine": machine(), "measured": [],
        }  # fmt: skip
        if self._before:
            had = self._before["settings"]
            other = [
                f"{name} {had.get(name)!r}, not {value!r}"
                for name, value in settings.items()
                if name not in free and had.get(name) != value
            ]
            if other:
                raise ValueError(f"`--resume` must continue with the same settings; that run had {', '.join(other)}.")
            self.result |= {name: self._before[name] for name in ("started", "measured")}
        self._write()

    def left(self, items: Mapping[str, T]) -> Iterator[tuple[str, T]]:
        """Yield the items that have not been measured, by their keys, and say which one is next."""
        known = {of["key"] for of in self.result["measured"] if of.get("whole", True)}
        for number, (key, item) in enumerate(items.items(), 1):
            if key not in known:
                self._say(f"{key} ({number} of {len(items)})")
                yield key, item

    def add(self, key: str, measured: dict[str, Any]) -> None:
        """Keep the measurement of an item; with `"whole": False` in it, the item is measured again on `--resume`."""
        kept = [of for of in self.result["measured"] if of["key"] != key]
        self.result["measured"] = [*kept, {"key": key, **measured}]
        self._write()

    def _write(self) -> None:
        self.result |= self._view.summary(self.result["measured"])
        self.result[SHA256] = checksum(self.result)
        text = json.dumps(self.result, indent=1, allow_nan=False) + "\n"
        for option, path in (("--out", self.path), ("--json", self._copy)):
            if path is not None:
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with appearing(path) as draft:
                        draft.write_text(text, encoding="utf-8")
                except OSError as error:
                    raise ValueError(f"`{option}` must be writable; got {path} ({error.strerror}).") from None

    def report(self, console: Console) -> None:
        """Print the tables, draw the plot, and say where everything is."""
        paths = [self.path]
        if self._view.plot:
            figure = self._view.plot(self.result)
            paths += [self.path.with_suffix(suffix) for suffix in (".svg", ".png")]
            for path in paths[1:]:
                figure.savefig(path, dpi=150)
        for part in self._view.tables(self.result):
            console.print(part, soft_wrap=isinstance(part, str), markup=False)
        console.print(f"\nReports: {printable(', '.join(map(str, paths)))}", soft_wrap=True, markup=False)
        if said := self._view.last_line(self.result):
            console.print(said, markup=False)


@contextmanager
def session(subject: str, out: Path | None, copy: Path | None, resume: Path | None, view: View) -> Iterator[Session]:
    """Open a session; at the end, or when it is interrupted, report what has been measured.

    Raises:
        typer.Exit: with status 130 after Ctrl-C, 143 after SIGTERM and 2 after an error, each explained in one line.
    """
    ending, run = (0, ""), None
    with scratch(f"bench-{subject}") as work:
        try:
            with Console(stderr=True, highlight=False).status("starting") as status:
                run = Session(subject, out, copy, resume, view, work, status.update)
                yield run
        except KeyboardInterrupt:
            ending = 130, "stopped."
        except Stopped as stopped:
            ending = stopped.status, "stopped."
        except EXPECTED as error:
            ending = 2, " ".join(str(error).split())
    measured = bool(run and run.result.get("measured"))
    if run and measured:
        run.report(Console(highlight=False))
    if ending[0]:
        hint = f" To continue, add --resume {run.path}" if run and measured else ""
        print(f"compare: {printable(ending[1] + hint)}", file=sys.stderr)
        raise typer.Exit(ending[0])


def read(path: Path, subject: str) -> Result:
    """Return what an earlier run wrote.

    Raises:
        ValueError: the file is no such thing, or is not as it was written.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        found, _ = result["subject"], (result["started"], result["settings"], [of["key"] for of in result["measured"]])
        digest = checksum(result)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        why = printable(" ".join(repr(error).split()))[:200]
        raise ValueError(f"`--resume` must be a JSON report of `bench {subject}`; got {path} ({why}).") from None
    if found != subject:
        raise ValueError(f"`--resume` must be a JSON report of `bench {subject}`; got {path}, of `bench {found}`.")
    if result.get(SHA256) != digest:
        raise ValueError(
            f"`--resume` must be a report as `bench {subject}` has written it; {path} was altered, or is of an earlier "
            "version. Measure anew, with another --out."
        )
    return result


def checksum(result: Result) -> str:
    """Return the SHA-256 of everything in a report but the checksum itself."""
    rest = {name: value for name, value in result.items() if name != SHA256}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _check(out: Path, copy: Path | None, path: Path) -> None:
    """Refuse places that cannot be written to, before anything is measured."""
    outputs.check_folder(out, "--out")
    if copy is None:
        return
    if copy.resolve() in (out.resolve(), path.resolve()):
        raise ValueError(f"`--json` must be another file than what --out is given; got {copy}. Name another.")
    if copy.parent.is_dir():
        outputs.check_output(copy, argument="--json")
    else:
        outputs.check_folder(copy.parent, "--json")
    if copy.exists() and not _report(copy):
        raise ValueError(f"`--json` must be a new file, or an earlier report; {copy} is something else. Name another.")


def _report(path: Path) -> bool:
    try:
        return "measured" in json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, TypeError, RecursionError):
        return False


def _occupied(path: Path) -> bool:
    """Return whether a file is in the way: one that holds measurements, or cannot be read."""
    try:
        return bool(json.loads(path.read_text(encoding="utf-8"))["measured"])
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return True


def machine() -> dict[str, Any]:
    """Return what the numbers belong to."""
    model = ""
    if (info := Path("/proc/cpuinfo")).exists():
        model = next(
            (line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")),
            "",
        )
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
