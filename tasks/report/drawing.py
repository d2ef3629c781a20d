"""Pen and ruler for figures: escaped SVG elements, a frame that turns values into places, and round tick marks.

Figures are drawn by hand as SVG, so that any script's letters show, the page's own style colours them and a pointer
resting on a mark tells what it is. Axis letters: x to the right, y upwards; places are in SVG units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def element(name: str, *children: str, **attributes: object) -> Markup:
    """Return one element; children are escaped unless they are markup, `class_` and `stroke_width` lose their underscore."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value if not isinstance(value, float) else f"{value:.2f}")}"'
        for key, value in attributes.items()
    )
    inside = "".join(str(escape(child)) for child in children)
    return Markup(f"<{name}{written}>{inside}</{name}>")  # noqa: S704 - every part was escaped


def drawing(width: int, height: int, title: str, children: Iterable[str]) -> Markup:
    """Return a whole figure, which scales with the page and is read out by its title."""
    view = f"0 0 {width} {height}"
    return element("svg", *children, viewBox=view, role="img", aria_label=title, xmlns="http://www.w3.org/2000/svg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The area inside the axes, and the values at its edges."""

    left: float
    right: float
    top: float
    bottom: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def x(self, value: float) -> float:
        """Return the place of a value along x."""
        low, high = self.x_range
        return self.left + (value - low) / (high - low) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Return the place of a value along y."""
        low, high = self.y_range
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)

    def line(self, points: Iterable[tuple[float, float]], class_: str) -> Markup:
        """Return a line through points (x, y)."""
        places = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        return element("polyline", points=places, class_=class_)

    def axes(self, *, x_ticks: Sequence[float], y_ticks: Sequence[float], x_label: str, y_label: str) -> list[Markup]:
        """Return light grid lines with their values, and the names of the axes."""
        parts = []
        for value in y_ticks:
            place = self.y(value)
            parts.append(element("line", x1=self.left, x2=self.right, y1=place, y2=place, class_="grid"))
            parts.append(element("text", tick_words(value, y_ticks), x=self.left - 8, y=place + 4, class_="tick end"))
        under = self.bottom + 18
        parts += [
            element("text", tick_words(value, x_ticks), x=self.x(value), y=under, class_="tick middle")
            for value in x_ticks
        ]
        parts.append(element("line", x1=self.left, x2=self.right, y1=self.bottom, y2=self.bottom, class_="axis"))
        parts.append(
            element("text", x_label, x=(self.left + self.right) / 2, y=self.bottom + 37, class_="label middle")
        )
        parts.append(element("text", y_label, x=0, y=self.top - 12, class_="label"))
        return parts


def round_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round values from low to high: steps of 1, 2 or 5 times a power of ten, about as many as asked."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 10) for index in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_words(value: float, ticks: Sequence[float]) -> str:
    """Return a tick's value with as many decimals as its neighbours need."""
    steps = [abs(b - a) for a, b in pairwise(ticks)]
    decimals = max(0, -math.floor(math.log10(min(steps)) + 1e-9)) if steps else 2
    return f"{value:.{decimals}f}"
