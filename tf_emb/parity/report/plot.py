"""The growth of an error along a trajectory, drawn as SVG."""

import io
import math
import re
from typing import Any

from tf_emb.parity.result import Curve

# Okabe and Ito's palette without its yellow, which is too pale on white; colour and marker say the engine,
# the line's style says the dtype.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "*")
STYLES = ("-", (0, (5, 2)), (0, (1, 1.5)))


def as_svg(curve: Curve, prefix: str) -> str:
    """Return a figure of the measured errors below the envelopes, as an `<svg>` element.

    Args:
        curve: what was measured.
        prefix: what every id in the figure begins with, so that a page may hold several figures.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.2), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    floor = _floor(curve)
    _draw_envelopes(axes, curve, floor)
    _draw_errors(axes, curve, floor)
    _finish(axes, curve, floor)
    figure.legend(loc="outside right upper", frameon=False, fontsize=9, handlelength=3.5)
    text = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": prefix}):
        figure.savefig(text, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _element(text.getvalue(), prefix)


def _floor(curve: Curve) -> float:
    """Return where zeros are drawn: a decade below everything else, as a logarithm has no zero."""
    values = [x for table in (curve.errors, curve.envelope) for series in table.values() for x in series]
    least = min((x for x in values if 0 < x < math.inf), default=1.0)
    return 10.0 ** (math.floor(math.log10(least)) - 1)


def _shown(series: list[float], floor: float) -> list[float]:
    """Put zeros on the floor, and a gap where there is no number."""
    return [max(x, floor) if math.isfinite(x) else math.nan for x in series]


def _dtypes(curve: Curve) -> list[str]:
    return list(dict.fromkeys([*curve.envelope, *(name.rpartition(" ")[2] for name in curve.errors)]))


def _draw_envelopes(axes: Any, curve: Curve, floor: float) -> None:
    for dtype, envelope in curve.envelope.items():
        shown = _shown(envelope, floor)
        style = STYLES[_dtypes(curve).index(dtype) % len(STYLES)]
        axes.fill_between(curve.steps, floor, shown, color="#000000", alpha=0.06, linewidth=0)
        axes.plot(curve.steps, shown, color="#777777", lw=2.5, linestyle=style, label=f"allowed, {dtype}")


def _draw_errors(axes: Any, curve: Curve, floor: float) -> None:
    engines = list(dict.fromkeys(name.rpartition(" ")[0] for name in curve.errors))
    for name, errors in curve.errors.items():
        engine, _, dtype = name.rpartition(" ")
        i = engines.index(engine)
        axes.plot(
            curve.steps,
            _shown(errors, floor),
            label=f"{engine}, {dtype}",
            color=COLOURS[i % len(COLOURS)],
            marker=MARKERS[i % len(MARKERS)],
            markersize=4,
            markevery=max(1, len(curve.steps) // 12),
            linewidth=1.5,
            linestyle=STYLES[_dtypes(curve).index(dtype) % len(STYLES)],
        )
        if name in curve.first_outside:
            _mark(axes, name, curve, floor)


def _mark(axes: Any, name: str, curve: Curve, floor: float) -> None:
    """Mark the first step past the envelope."""
    step = curve.first_outside[name]
    i = curve.steps.index(step)
    error = curve.errors[name][i]
    height = error if math.isfinite(error) else curve.envelope[name.rpartition(" ")[2]][i]
    axes.plot(
        step,
        max(height, floor),
        "x",
        color="#b00020",
        markersize=11,
        markeredgewidth=2.5,
        zorder=5,
        label=f"{name.replace(' ', ', ')}:\nfirst outside at step {step}",
    )


def _finish(axes: Any, curve: Curve, floor: float) -> None:
    axes.set_yscale("log")
    if curve.steps[0] > 0 and curve.steps[len(curve.steps) // 2] < curve.steps[-1] / 5:
        axes.set_xscale("log")  # the steps were chosen in ratios: 1, 2, 5, 10, ...
    axes.set_ylim(bottom=floor / 2)
    if any(x == 0 for series in curve.errors.values() for x in series):
        axes.axhline(floor, color="#777777", linewidth=0.8, label="no error at all: 0")
    axes.set_xlabel("step")
    axes.set_ylabel("largest |got − want|")
    axes.grid(True, color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _element(document: str, prefix: str) -> str:
    """Keep the `<svg>` element alone, and make its ids its own."""
    return re.sub(r'( id="|href="#|url\(#)', rf"\1{prefix}-", document[document.index("<svg") :])
