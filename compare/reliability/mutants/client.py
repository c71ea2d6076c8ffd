"""The process that forks a child for each mutant, as it is used from here."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from compare.bench.child import environment
from compare.reliability.verdict import ROOT
from tf_emb.parity.events import MARK


class Server:
    """A server, as a context that ends it.

    Args:
        folder: for what children say, and write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        paths = [str(Path(__file__).parent / "site"), str(ROOT), str(ROOT / "tests")]
        mine = {"PYTHONPATH": os.pathsep.join(paths), "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1",
                "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis")}  # fmt: skip
        with (folder / "server.log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "compare.reliability.mutants.server"],
                cwd=ROOT,
                env=environment(1) | mine,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._answer()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        with suppress(BrokenPipeError):
            self._process.communicate()

    def record(self, tests: Path, into: Path, seconds: float) -> int | None:
        """Run a file of tests; write the lines that each of them runs to a file. Return the status; None: too long."""
        return self._ask([str(tests)], seconds, root=str(ROOT / "tf_emb"), record=str(into))

    def test(self, tests: Sequence[str], seconds: float, module: str, path: Path) -> int | None:
        """Run tests, with a module from another file; return pytest's status, or None if it took too long."""
        return self._ask(tests, seconds, module=module, path=str(path))

    def said(self) -> str:
        """Return the last lines that the last child said."""
        return (self.folder / "child.log").read_text(errors="replace")[-3000:]

    def _ask(self, tests: Sequence[str], seconds: float, **more: str) -> int | None:
        job = {"tests": tests, "seconds": seconds, "log": str(self.folder / "child.log"), **more}
        assert self._process.stdin
        print(json.dumps(job), file=self._process.stdin, flush=True)
        status: int | None = self._answer()["status"]
        return status

    def _answer(self) -> Mapping[str, Any]:
        for line in self._process.stdout or ():
            if line.startswith(MARK):
                found: Mapping[str, Any] = json.loads(line.removeprefix(MARK))
                return found if "status" in found or "ready" in found else {}
        raise RuntimeError(f"the server ended: {(self.folder / 'server.log').read_text()[-500:]}")
