"""TensorBoard as its users run it: a process of its own, asked over HTTP."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import numpy as np

_ALONE = "import sys; sys.modules['tensorflow'] = None; from tensorboard.main import run_main; run_main()"
_WITH_TENSORFLOW = "from tensorboard.main import run_main; run_main()"


class TensorBoard:
    """A server on a free port; a context manager."""

    def __init__(self, logdir: Path, *, tensorflow: bool = False, seconds: float = 60) -> None:
        self.logdir, self.seconds = logdir, seconds
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = logdir.parent / f"tensorboard_{self.port}.log"
        code = _WITH_TENSORFLOW if tensorflow else _ALONE
        options = ["--logdir", logdir, "--host", "127.0.0.1", "--port", self.port, "--reload_interval", 1]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, *map(str, options)], stdout=log, stderr=subprocess.STDOUT
            )

    def __enter__(self) -> "TensorBoard":
        try:
            self.wait_for(lambda: self.runs() is not None)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait_for(self, condition: Any) -> None:
        """Ask until `condition()` is true; a refused connection counts as not yet."""
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                if condition():
                    return
            except OSError as error:
                if isinstance(error, HTTPError):  # an answer, and not one that waiting would improve
                    raise
            time.sleep(0.05)
        raise AssertionError(f"TensorBoard did not get there:\n{self.log.read_text(errors='replace')}")

    def url(self, page: str, **query: str) -> str:
        return f"http://127.0.0.1:{self.port}/data/plugin/projector/{page}?{urlencode(query)}"

    def get(self, page: str, **query: str) -> bytes:
        with urlopen(self.url(page, **query), timeout=self.seconds) as answer:
            return answer.read()

    def runs(self) -> list[str]:
        return json.loads(self.get("runs"))

    def info(self, run: str) -> dict[str, Any]:
        return json.loads(self.get("info", run=run))

    def tensor(self, run: str, name: str, dim: int) -> np.ndarray:
        return np.frombuffer(self.get("tensor", run=run, name=name), "<f4").reshape(-1, dim)

    def metadata(self, run: str, name: str) -> list[list[str]]:
        """Return the rows of cells, the header first, as the page splits them."""
        text = self.get("metadata", run=run, name=name).decode()
        assert text.endswith("\n")
        return [line.split("\t") for line in text[:-1].split("\n")]
