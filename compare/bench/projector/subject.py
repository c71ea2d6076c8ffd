"""The subject "projector": a table logged for TensorBoard's Embedding Projector and served, ours beside torch's.

Both get the same labels and vectors and log all of them, without views. Each turn logs in a process of its own; then
TensorBoard itself, on what was logged, is asked over HTTP for what its page asks for. It is a fresh server each time,
so that nothing is cached, and TensorFlow is out of its reach, so that both are read by the same code.
"""

import json
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from compare.bench.harness import ROOT, environment, machine, ratio
from compare.bench.projector.serving import serve
from tf_emb.parity.events import MARK
from tf_emb.parity.report import replace

CONTENDERS = {
    "tf_emb": "tf_emb.projector.log_projection(views=())",
    "torch": "torch.utils.tensorboard.SummaryWriter.add_embedding",
}
FULL, QUICK = (100_000, 100), (200, 60)
MEASURED = {"log": "logged", "serve": "served"}


def run(
    work: Path, *, rounds: int = 7, threads: int = 2, quick: bool = False, seed: int = 0,
    on_row: Callable[[int, str], None] = lambda count, name: None,
) -> dict[str, Any]:  # fmt: skip
    """Log and serve in turn; return what `speed.json` holds.

    Args:
        work: a folder for what is logged; each round's is removed after it.
        rounds: how often each contender has its turn.
        threads: of each process.
        quick: a small table, for tests; the numbers mean nothing.
        seed: of the vectors.
        on_row: called with the number of rounds and the name of each before it is measured.

    Raises:
        RuntimeError: a contender broke.
    """
    rows, dim = QUICK if quick else FULL
    turns: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    started = datetime.now().astimezone().isoformat(timespec="seconds")
    for number in range(rounds):
        on_row(rounds, f"round {number + 1}")
        for name in list(CONTENDERS)[:: 1 if number % 2 else -1]:
            with tempfile.TemporaryDirectory(dir=work) as folder:
                turns[name].append(turn(name, rows, dim, seed, threads, Path(folder)))
    return {"subject": "projector", "started": started, "rounds": rounds, "threads": threads, "quick": quick,
            "rows": rows, "dim": dim, "machine": machine(), "python": platform.python_version(),
            "contenders": CONTENDERS, "turns": turns, "ratios": ratios(turns)}  # fmt: skip


def turn(name: str, rows: int, dim: int, seed: int, threads: int, folder: Path) -> dict[str, Any]:
    """Let one contender log, then TensorBoard serve it; return seconds and MiB of both."""
    command = [
        sys.executable,
        "-m",
        "compare.bench.projector.logged",
        name,
        *map(str, (rows, dim, seed)),
        str(folder / "logs"),
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment(threads), capture_output=True, text=True, check=False)
    said = [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not said:
        raise RuntimeError(
            f"{name} ended, exit status {done.returncode}: {(done.stderr or 'no message').strip()[-300:]}"
        )
    logged = json.loads(said[-1])
    size = sum(path.stat().st_size for path in (folder / "logs").rglob("*") if path.is_file())
    served = serve(folder / "logs", rows, dim, environment(threads))
    return {"log": logged | {"size_mib": size / 2**20}, "serve": served}


def ratios(turns: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Return our time and memory over theirs, round by round: below 1 we need less."""
    found = {}
    for what in MEASURED:
        for unit in ("seconds", "grown_mib"):
            ours, theirs = ([turn[what][unit] for turn in turns[name]] for name in ("tf_emb", "torch"))
            found[f"{what} {unit}"] = ratio(ours, theirs)
    return found


def median(turns: Sequence[dict[str, Any]], what: str, unit: str) -> float:
    """Return the middle of the rounds."""
    return statistics.median(turn[what][unit] for turn in turns)


def write(result: dict[str, Any], out: Path) -> Path:
    """Write speed.json into `out`, made when it is missing."""
    out.mkdir(parents=True, exist_ok=True)
    return replace(out / "speed.json", json.dumps(result, indent=1, allow_nan=False) + "\n")


def print_report(result: dict[str, Any], console: Console) -> None:
    """Print the table and what its figures are."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(f"{result['rows']:,} x {result['dim']}", no_wrap=True)
    for name in ("seconds", "MiB"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("ours / theirs: time", no_wrap=True)
    table.add_column("memory", no_wrap=True)
    for what, said in MEASURED.items():
        table.add_row(Text(said, "bold"))
        for name, turns in result["turns"].items():
            cells = [f"{median(turns, what, 'seconds'):.3f}", f"{median(turns, what, 'grown_mib'):.0f}"]
            shares = [_ratio(result, what, unit) for unit in ("seconds", "grown_mib")] if name == "torch" else []
            table.add_row(f"  {name}", *cells, *shares)
    console.print(table)
    console.print(Text(
        f"Medians of {result['rounds']} rounds. Logged: from arrays to files. Served: TensorBoard's answers to runs, "
        "info, tensor and metadata. MiB: peak, less what the process had before. Ratios: round by round, median "
        "(least..most); below 1 we need less."
    ))  # fmt: skip
    console.print(Text(f"{result['machine']['cpu']}, {result['machine']['cores']} cores", "dim"))
    if result["quick"]:
        console.print(Text("--quick: sizes for a test of the machinery; these numbers mean nothing.", "yellow"))


def _ratio(result: dict[str, Any], what: str, unit: str) -> Text:
    of = result["ratios"][f"{what} {unit}"]
    style = "green" if of["most"] < 1 else "red" if of["least"] > 1 else ""
    return Text(f"{of['median']:.3f} ({of['least']:.3f}..{of['most']:.3f})", style)


def command(out: Path, copy: Path | None, **options: Any) -> None:
    """Measure, report and write: what `python -m compare speed --subject projector` does."""
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="speed-") as work, errors.status("starting") as status:
        result = run(Path(work), on_row=lambda count, name: status.update(f"{name} of {count}"), **options)
    paths = [write(result, out)]
    if copy is not None:
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(paths[0].read_bytes())
    print_report(result, console)
    console.print(f"\nReports: {paths[0]}", soft_wrap=True)
