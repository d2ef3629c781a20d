"""The curves of the best model so far against seconds of training, one panel a task, as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from tasks.report.drawing import Frame, drawing, element, round_ticks

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH, HEIGHT = 430, 300
"""Of one panel."""
LEGEND, LINE = 165, 20
"""Room for the name of a method."""
COLOURS = {"ours": "#1f6f8b", "tpe": "#c0702a", "random": "#7a9a3a", "long": "#8a8a8a", "greedy": "#9b59a5"}
NAMES = {
    "ours": "Rounds",
    "tpe": "Optuna TPE",
    "random": "random search",
    "long": "baseline, all seconds",
    "greedy": "greedy, 5 drafts",
}
TITLES = {"melanoma": "Melanoma against nevus", "seven": "Seven diagnoses"}
_STYLE = Markup(  # noqa: S704 - nothing in it comes from outside
    "text{font:12px sans-serif;fill:#333}.end{text-anchor:end}.middle{text-anchor:middle}.title{font-weight:bold}"
    ".grid{stroke:#e4e4e4}.axis{stroke:#999}.back{fill:#fff}"
    "polyline{fill:none;stroke-width:2;stroke-linejoin:round}"
    + "".join(f".{method}{{stroke:{colour}}}" for method, colour in COLOURS.items())
)


def curve_figure(reports: Mapping[str, Mapping[str, object]], *, seconds: float) -> str:
    """Return the test AUC of the best on validation so far, mean over seeds, against CPU seconds of training."""
    shown = {task: report["curves"] for task, report in reports.items() if "curves" in report}
    methods = [name for name in NAMES if any(name in curves for curves in shown.values())]
    width = WIDTH * max(1, len(shown))
    per_row = width // LEGEND
    height = HEIGHT + 10 + LINE * -(-len(methods) // per_row)
    parts = [element("style", _STYLE), element("rect", width=width, height=height, class_="back")]
    for place, (task, curves) in enumerate(shown.items()):
        parts += [element("g", *_panel(task, curves, seconds), transform=f"translate({place * WIDTH},0)")]
    for place, method in enumerate(methods):
        x, y = 10 + place % per_row * LEGEND, HEIGHT + 10 + place // per_row * LINE
        parts.append(element("polyline", points=f"{x},{y} {x + 18},{y}", class_=method))
        parts.append(element("text", NAMES[method], x=x + 23, y=y + 4))
    return str(drawing(width, height, "Test AUC of the best model so far against seconds of training", parts)) + "\n"


def _panel(task: str, curves: Mapping[str, Mapping[str, list[list[float]]]], seconds: float) -> list[Markup]:
    steps = {name: _as_steps(curve["test"]) for name, curve in curves.items()}
    values = [value for curve in curves.values() for _, value in curve["test"]]
    room = 0.06 * (max(values) - min(values)) or 0.01
    y_range = (min(values) - room, max(values) + room)
    frame = Frame(
        left=50,
        right=WIDTH - 15,
        top=50,
        bottom=HEIGHT - 45,
        x_range=(0, max(time for curve in steps.values() for time, _ in curve)),
        y_range=y_range,
    )
    axes = frame.axes(
        x_ticks=round_ticks(0, seconds, about=6), y_ticks=round_ticks(*y_range), x_label="CPU seconds of training",
        y_label="test AUC of the best on validation so far, mean over seeds",
    )  # fmt: skip
    title = element("text", TITLES.get(task, task), x=0, y=18, class_="title")
    return [title, *axes, *(frame.line(points, name) for name, points in steps.items())]


def _as_steps(curve: list[list[float]]) -> list[tuple[float, float]]:
    """Return the corners of a curve that holds each value until the next."""
    corners = [(curve[0][0], curve[0][1])]
    for time, value in curve[1:]:
        corners += [(time, corners[-1][1]), (time, value)]
    return corners
