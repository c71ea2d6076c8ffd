"""TensorBoard's projector plugin, asked in this process: the same code that answers the page."""

import json
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any


class RefusedError(Exception):
    """The plugin answered with an error."""


class Served:
    """One run as the plugin serves it; a context manager."""

    def __init__(self, logdir: Path, run: str) -> None:
        from tensorboard.plugins.base_plugin import TBContext
        from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin

        self.run = run
        runs = SimpleNamespace(list_runs=lambda *_, **__: [SimpleNamespace(run_name=run)])
        self._apps = ProjectorPlugin(TBContext(logdir=str(logdir), data_provider=runs)).get_plugin_apps()

    def __enter__(self) -> "Served":
        self.get("runs")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._apps = {}

    def get(self, page: str, name: str | None = None) -> bytes:
        """Return what the plugin answers.

        Raises:
            RefusedError: it answers with an error, or breaks.
        """
        from werkzeug.test import Client

        query = {"run": self.run} | ({} if name is None else {"name": name})
        if page in ("tensor", "metadata"):
            query["num_rows"] = "100000"  # what the page asks for
        try:
            answer = Client(self._apps[f"/{page}"]).get("/", query_string=query)
        except Exception as error:  # whatever breaks in the plugin is what the page would not get
            raise RefusedError(f"{type(error).__name__}: {error}") from error
        if answer.status_code != 200:
            raise RefusedError(answer.get_data(as_text=True))
        return answer.get_data()

    def info(self) -> dict[str, Any]:
        """Return the configuration as the page gets it."""
        return json.loads(self.get("info"))
