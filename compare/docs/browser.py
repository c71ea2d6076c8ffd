"""The projector's page in a headless Chromium: what a user would do there, and what they would see.

Used by the tests and by `python -m compare screenshots`. Needs playwright, and Chromium on the machine.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox --headless --disable-background-networking --use-angle=swiftshader "
    "--enable-unsafe-swiftshader --no-first-run --disable-component-update --disable-sync"
)
SIZE = {"width": 1280, "height": 800}
PAGE = "data/plugin/projector/projector_binary.html"  # the plugin's own page, without TensorBoard's frame around it

# The page has a race when the run is changed while another is loading, so each is allowed to finish.
_FIND = """const find = (root, name) => root?.shadowRoot?.querySelector(name);
    window.find = find;
    window.projector = find(document.querySelector("vz-projector-dashboard"), "vz-projector");
    const panel = name => find(projector, "vz-projector-" + name + "-panel");
    window.panels = {data: panel("data"), inspector: panel("inspector"), bookmark: panel("bookmark"),
                     projections: panel("projections")};"""
_READY = f"""([run, tensor]) => {{
    {_FIND}
    const data = projector?.dataSet, point = data?.points[0];
    if (!point || !("pca-0" in point.projections) || !point.metadata) return false;
    if (find(projector, "#notification-dialog").opened) return false;
    if (run && panels.data.selectedRun !== run) {{ panels.data.selectedRun = run; return false; }}
    if (tensor && panels.data.selectedTensor !== tensor) {{ panels.data.selectedTensor = tensor; return false; }}
    if (window.shown?.points === data.points) return false;  // still what was there before
    const told = panels.data.projectorConfig?.embeddings.find(e => e.tensorName === panels.data.selectedTensor);
    if (told?.bookmarksPath && !panels.bookmark.savedStates?.length) return false;
    return told && String(told.tensorShape) === String(data.dim);
}}"""
_MESSAGES = """() => [projector.shadowRoot.querySelector("#toast").text,
    ...[...projector.shadowRoot.querySelectorAll(".error")].map(error => error.innerText)].filter(Boolean)"""
_NEIGHBOURS = """() => [...panels.inspector.shadowRoot.querySelectorAll(".nn-list .neighbor")].map(
    row => [row.querySelector(".label").innerText, parseFloat(row.querySelector(".value").innerText)])"""


def chromium() -> str | None:
    """Return the browser's path, or None if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def launched() -> Iterator[Any]:
    """Yield a running browser.

    Raises:
        ImportError: playwright is not installed.
        ValueError: there is no browser.
    """
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        raise ValueError(f"a browser must be installed; got none of {', '.join(NAMES)}. Try apt-get install chromium.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS.split())
        yield running
        running.close()


class Projector:
    """One page, as a context manager that closes it."""

    def __init__(self, browser: Any, base: str, scale: float = 1) -> None:
        self.errors: list[str] = []
        self.page = browser.new_page(viewport=SIZE, device_scale_factor=scale)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"{base}/{PAGE}")

    def __enter__(self) -> "Projector":
        return self

    def __exit__(self, *_: Any) -> None:
        self.page.close()

    def show(self, run: str = "", tensor: str = "") -> "Projector":
        """Choose a run and a tensor, "" for the page's own choice; return once it is drawn."""
        self.page.wait_for_function(_READY, arg=[run, tensor], timeout=60_000)
        return self

    def shown(self) -> tuple[str, str]:
        """Return the run and the tensor on the page."""
        run, tensor = self.page.evaluate("[panels.data.selectedRun, panels.data.selectedTensor]")
        return run, tensor

    def metadata(self) -> list[dict[str, Any]]:
        """Return the metadata as the page read it."""
        return self.page.evaluate("projector.dataSet.points.map(point => point.metadata)")

    def search(self, text: str, *, regex: bool = False) -> None:
        """Type into the search box."""
        box = self.page.locator("vz-projector-inspector-panel vz-projector-input").first
        if regex:
            box.locator("paper-button, .slash, button").first.click()
        box.locator("input").first.fill(text)

    def matches(self) -> list[str]:
        """Return the list below the search box: empty if a single row is found, whose neighbours are shown instead."""
        rows = self.page.locator("vz-projector-inspector-panel .matches-list .list .label")
        return rows.all_inner_texts()

    def choose(self, label: str) -> None:
        """Search for a label and click on it in the list, unless it is the only match."""
        self.search("")
        self.search(label)
        if self.matches():
            found = self.page.locator("vz-projector-inspector-panel .matches-list .list")
            found.get_by_text(label, exact=True).first.click()

    def neighbours(self) -> list[tuple[str, float]]:
        """Return the listed neighbours: labels and distances."""
        self.page.locator("vz-projector-inspector-panel .nn-list .neighbor").first.wait_for(timeout=10_000)
        return [(label, distance) for label, distance in self.page.evaluate(_NEIGHBOURS)]

    def bookmarks(self) -> list[str]:
        """Return the labels of the bookmarks."""
        return self.page.evaluate("panels.bookmark.savedStates.map(state => state.label)")

    def click_bookmark(self, label: str) -> None:
        """Click on a bookmark's button."""
        self.page.locator("vz-projector-bookmark-panel .state-radio").nth(self.bookmarks().index(label)).click()
        self.page.wait_for_timeout(200)

    def coordinates(self) -> tuple[str, list[list[float]]]:
        """Return the active tab and the coordinates of its points, before the page scales them."""
        kind, rows = self.page.evaluate(
            """() => { const view = projector.projection, keys = view.projectionComponents.filter(Boolean);
            return [view.projectionType, view.dataSet.points.map(p => keys.map(key => p.projections[key]))]; }"""
        )
        return kind, rows

    def set_up(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript, in which `projector` and `panels` are defined."""
        return self.page.evaluate(script, list(arguments))

    def messages(self) -> list[str]:
        """Return the page's complaints: warnings, dialogs, script errors."""
        return [*self.page.evaluate(_MESSAGES), *self.errors]

    def screenshot(self, path: Path) -> Path:
        """Write the page as PNG."""
        self.page.mouse.move(100, 30)  # away from points and buttons with tooltips
        self.page.wait_for_timeout(2500)  # until animations end
        self.page.screenshot(path=path)
        return path

    def colour_by(self, column: str) -> None:
        """Choose the column that colours the points."""
        self.page.evaluate("column => { panels.data.selectedColorOptionName = column; }", column)

    def label_all(self, labels: Sequence[str]) -> None:
        """Select rows, which makes the page write their labels."""
        self.page.evaluate(
            """labels => { const wanted = new Set(labels);
            projector.notifySelectionChanged(projector.dataSet.points.flatMap(
                (point, i) => wanted.has(String(point.metadata.label)) ? [i] : [])); }""",
            list(labels),
        )
