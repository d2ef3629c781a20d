"""The figures of a report, as SVG: running best, ROC, calibration, and the bars of initial against final."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tasks.domain.round import Round, Verdict
from tasks.report.curves import WHICH
from tasks.report.drawing import Frame, drawing, element, round_ticks
from tasks.report.round_page import round_line
from tasks.report.wording import MINUS, metric_words, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from tasks.domain.evaluation import Estimate
    from tasks.report.curves import ModelCurves, Which
    from tasks.report.record import StudyRecord

_SQUARE = Frame(left=42, right=310, top=28, bottom=296, x_range=(0, 1), y_range=(0, 1))
_QUARTERS = (0, 0.25, 0.5, 0.75, 1)
_FIFTHS = (0, 0.2, 0.4, 0.6, 0.8, 1)


def running_best(record: StudyRecord, noise: float) -> Markup:
    """Return the validation score of every round and of the best so far, over the band that pure noise may reach.

    Args:
        record: The study.
        noise: The noise yardstick in units of the primary metric; nan draws no band.
    """
    name = metric_words(record.protocol.primary, record.spec)
    rounds, baseline = record.rounds, record.rounds[0].score
    upward = record.protocol.higher_is_better
    edge = baseline if math.isnan(noise) else baseline + (noise if upward else -noise)
    last = max(1, rounds[-1].number)
    frame = Frame(
        left=52,
        right=708,
        top=30,
        bottom=290,
        x_range=(-0.4, last + 0.4),
        y_range=_score_range(rounds, edge, upward=upward),
    )
    every = max(1, math.ceil(last / 15))
    parts = [
        *frame.axes(
            x_ticks=list(range(0, last + 1, every)),
            y_ticks=round_ticks(*frame.y_range, about=7),
            x_label="Round",
            y_label=f"{name}, in validation",
        ),
        *_noise_band(frame, baseline, edge),
        _best_so_far(frame, rounds),
        *(_mark(frame, item) for item in rounds),
    ]
    return drawing(720, 334, f"{name} in validation by round, with the best so far", parts)


def _score_range(rounds: tuple[Round, ...], edge: float, *, upward: bool) -> tuple[float, float]:
    """Return the ends of the y axis; a round that broke the model does not squeeze the others, but lies at the edge."""
    scores = [item.score for item in rounds if not math.isnan(item.score)]
    anchors = [value for value in (*(item.score for item in rounds if item.kept), edge) if not math.isnan(value)]
    if not anchors:
        return 0.0, 1.0
    span = max(max(anchors) - min(anchors), 0.02)
    low, high = min(*anchors, *scores), max(*anchors, *scores)
    if upward:
        low = max(low, min(anchors) - span / 2)
    else:
        high = min(high, max(anchors) + span / 2)
    room = max(0.08 * (high - low), 0.005)
    return low - room, high + room


def _noise_band(frame: Frame, baseline: float, edge: float) -> list[Markup]:
    if math.isnan(baseline):
        return []
    place, ends = frame.y(baseline), sorted((frame.y(baseline), frame.y(edge)))
    band = element(
        "rect",
        element("title", f"Within {number(abs(edge - baseline))} of the baseline: what noise alone may reach"),
        x=frame.left,
        width=frame.right - frame.left,
        y=ends[0],
        height=ends[1] - ends[0],
        class_="noise",
    )
    return [band, element("line", x1=frame.left, x2=frame.right, y1=place, y2=place, class_="baseline")]


def _best_so_far(frame: Frame, rounds: tuple[Round, ...]) -> Markup:
    points: list[tuple[float, float]] = []
    for item in rounds:
        if item.kept and not math.isnan(item.score):
            points += [(item.number, points[-1][1])] if points else []
            points.append((item.number, item.score))
    points += [(rounds[-1].number + 0.3, points[-1][1])] if points else []
    return frame.line(points, "best")


def _mark(frame: Frame, item: Round) -> Markup:
    """Return the mark of one round; failed ones stand on the x axis, scores beyond the frame at its edge."""
    told = element("title", round_line(item))
    x = frame.x(item.number)
    if item.judgement.verdict is Verdict.FAILED or math.isnan(item.score):
        y = frame.bottom - 7
        return element("path", told, d=f"M{x - 4.5:.1f},{y - 4.5:.1f}l9,9m0,-9l-9,9", class_="failed")
    low, high = frame.y_range
    if not low <= item.score <= high:
        y, turn = (frame.bottom - 3, 1) if item.score < low else (frame.top + 3, -1)
        return element("path", told, d=f"M{x - 5:.1f},{y - 8 * turn:.1f}h10l-5,{8 * turn}z", class_="beyond")
    kind = "rejected" if not item.kept else "provisional" if item.number and not item.judgement.supported else "kept"
    return element("circle", told, cx=x, cy=frame.y(item.score), r=3.5 if kind == "rejected" else 5.5, class_=kind)


def legend_mark(kind: str) -> Markup:
    """Return a mark of the running-best figure for its legend."""
    inside = {
        "failed": element("path", d="M2.5,2.5l9,9m0,-9l-9,9", class_=kind),
        "best": element("path", d="M0,7h14", class_=kind),
        "noise": element("rect", x=0, y=2, width=14, height=10, class_=kind),
        "beyond": element("path", d="M2,3h10l-5,8z", class_=kind),
    }.get(kind) or element("circle", cx=7, cy=7, r=3.5 if kind == "rejected" else 5, class_=kind)
    return element("svg", inside, viewBox="0 0 14 14", class_="swatch", aria_hidden="true")


def roc_figure(curves: Mapping[Which, ModelCurves], name: str, title: str) -> Markup:
    """Return the ROC curves of both models for one class, with a dot where each one's frozen threshold lies."""
    parts = _SQUARE.axes(x_ticks=_FIFTHS, y_ticks=_FIFTHS, x_label=f"1 {MINUS} specificity", y_label="Sensitivity")
    parts.append(_SQUARE.line(((0, 0), (1, 1)), "chance"))
    for which in WHICH:
        if which in curves and name in curves[which].roc:
            parts.append(_SQUARE.line(curves[which].roc[name], f"curve {which}"))
    for which in WHICH:
        if which in curves and name in curves[which].operating:
            x, y = curves[which].operating[name]
            told = element("title", f"{which} model at its threshold: sensitivity {y:.3f}, specificity {1 - x:.3f}")
            parts.append(element("circle", told, cx=_SQUARE.x(x), cy=_SQUARE.y(y), r=5, class_=f"at-threshold {which}"))
    return drawing(324, 340, f"ROC curve, {title}", parts)


def calibration_figure(curves: Mapping[Which, ModelCurves], name: str, title: str) -> Markup:
    """Return predicted against observed shares of both models for one class; a larger dot stands for more images."""
    parts = _SQUARE.axes(x_ticks=_FIFTHS, y_ticks=_FIFTHS, x_label="Predicted probability", y_label="Observed share")
    parts.append(_SQUARE.line(((0, 0), (1, 1)), "chance"))
    for which in WHICH:
        bins = curves[which].calibration.get(name, ()) if which in curves else ()
        total = sum(images for _, _, images in bins)
        parts.append(_SQUARE.line([(x, y) for x, y, _ in bins], f"curve {which}"))
        for x, y, images in bins:
            told = element("title", f"{which} model: predicted {x:.3f}, observed {y:.3f}, {images} images")
            radius = 2.5 + 5 * math.sqrt(images / total)
            parts.append(element("circle", told, cx=_SQUARE.x(x), cy=_SQUARE.y(y), r=radius, class_=f"bin {which}"))
    return drawing(324, 340, f"Calibration, {title}", parts)


def bar(estimate: Estimate, which: Which) -> Markup:
    """Return one bar from 0 to 1 with the 95% interval as a whisker; it stretches with the page."""
    parts = [element("line", x1=f"{100 * x}%", x2=f"{100 * x}%", y1=0, y2="100%", class_="grid") for x in _QUARTERS]
    if not math.isnan(estimate.value):
        parts.append(element("rect", x=0, y=2, width=_share(estimate.value), height=12, class_=f"bar {which}"))
    if not math.isnan(estimate.low) and not math.isnan(estimate.high):
        low, high = _share(estimate.low), _share(estimate.high)
        for class_ in ("halo", "whisker"):  # the halo keeps a dark whisker visible on a dark bar
            parts.append(element("line", x1=low, x2=high, y1=8, y2=8, class_=class_))
            parts += [element("line", x1=end, x2=end, y1=4, y2=12, class_=class_) for end in (low, high)]
    return element("svg", *parts, class_="bar-row", height=16, aria_hidden="true")


def _share(value: float) -> str:
    return f"{100 * min(1, max(0, value)):.2f}%"
