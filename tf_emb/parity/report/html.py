"""A parity run as one HTML file that loads nothing: styles and figures are inside."""

from pathlib import Path
from typing import Any

from tf_emb.parity.report import view
from tf_emb.parity.report.plot import as_svg
from tf_emb.parity.result import Result


def as_html(result: Result) -> str:
    """Return the page; every name and message of the result is escaped."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_clean,
    )
    figures: dict[str, list[tuple[str, Markup]]] = {}
    for i, curve in enumerate(result.curves):
        figures.setdefault(curve.case, []).append((curve.output, Markup(as_svg(curve, f"curve{i}"))))
    template = environment.get_template("report.html.j2")
    return template.render(result=result, view=view, figures=figures, groups=view.groups(result))


def _clean(value: Any) -> Any:
    return view.clean(value) if type(value) is str else value
