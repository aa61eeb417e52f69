"""Line charts as SVG text: scales, grid, lines, legend. Nothing here knows what a result is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 300  # of the picture, in user units; the page scales it to its column
LEFT, RIGHT, TOP, BOTTOM = 74, 24, 14, 40  # room for the labels of the axes

COLORS = 8  # classes c0 to c7 of page.css; further lines take the first again

Line = Sequence[tuple[float, float | None]]  # without a value the line is broken
Tick = tuple[float, str]


@dataclass(frozen=True)
class Axis:
    """One direction: what it shows, where its ticks are, and where a value lies between 0 and 1."""

    title: str
    ticks: Sequence[Tick]
    place: Callable[[float], float]


def percent_axis(highest: float) -> Axis:
    """Percentiles, each nine as wide as the one before; up to at least 99.9."""
    nines = max(3.0, -math.log10(1 - min(highest, 99.9999) / 100))

    def place(percent: float) -> float:
        return -math.log10(1 - percent / 100) / nines

    marks = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999)
    return Axis("percentile", [(mark, f"{mark:g}") for mark in marks if place(mark) <= 1.001], place)


def log_axis(title: str, low: float, high: float) -> Axis:
    """Whole decades around the values, with a tick at 1, 2 and 5 of each."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    last = max(last, first + 1)
    steps = (1, 2, 5) if last - first <= 3 else (1,)
    marks = [step * 10.0**power for power in range(first, last) for step in steps] + [10.0**last]
    return Axis(
        title, [(mark, _number(mark)) for mark in marks], lambda y: (math.log10(y) - first) / (last - first)
    )


def linear_axis(title: str, high: float, low: float = 0.0) -> Axis:
    """From `low` to a round number above `high`, in four to ten steps."""
    step = _round_step((high - low) / 5 or 1.0)
    top = low + step * max(1, math.ceil((high - low) / step - 1e-9))
    marks = [low + step * count for count in range(round((top - low) / step) + 1)]
    return Axis(title, [(mark, _number(mark)) for mark in marks], lambda value: (value - low) / (top - low))


def chart(title: str, across: Axis, up: Axis, lines: Mapping[str, Line]) -> str:
    """One picture with its legend; `title` is for those who cannot see it."""
    legend = "".join(
        f'<li class="c{number % COLORS}">{escape(name)}</li>' for number, name in enumerate(lines)
    )
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'{plot(across, up, lines)}</svg><ul class="legend">{legend}</ul></figure>'
    )


def plot(across: Axis, up: Axis, lines: Mapping[str, Line]) -> str:
    """Grid and lines, for a picture of WIDTH x HEIGHT."""
    drawn = (_line(line, across, up, number % COLORS) for number, line in enumerate(lines.values()))
    return _grid(across, up) + "".join(drawn)


def _grid(across: Axis, up: Axis) -> str:
    parts = []
    for value, label in up.ticks:
        y = _y(up.place(value))
        parts.append(f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{label}</text>')
    for value, label in across.ticks:
        x = _x(across.place(value))
        parts.append(f'<path class="grid" d="M{x} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{label}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text class="axis" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{across.title}</text>'
    )
    turned = f"rotate(-90 12 {(HEIGHT - BOTTOM) / 2})"
    parts.append(
        f'<text class="axis" x="12" y="{(HEIGHT - BOTTOM) / 2}" text-anchor="middle" '
        f'transform="{turned}">{up.title}</text>'
    )
    return "".join(parts)


def _line(line: Line, across: Axis, up: Axis, color: int) -> str:
    return "".join(
        _piece([(_x(across.place(x)), _y(up.place(y))) for x, y in piece], color) for piece in pieces(line)
    )


def pieces(line: Line) -> list[list[tuple[float, float]]]:
    """What is connected of a line.

    >>> pieces([(0, 5.0), (1, 6.0), (2, None), (3, 7.0)])
    [[(0, 5.0), (1, 6.0)], [(3, 7.0)]]
    """
    found: list[list[tuple[float, float]]] = [[]]
    for x, y in line:
        if y is None:
            found.append([])
        else:
            found[-1].append((x, y))
    return [piece for piece in found if piece]


def _piece(points: Sequence[tuple[float, float]], color: int) -> str:
    if len(points) == 1:
        ((x, y),) = points
        return f'<circle class="line c{color}" cx="{x}" cy="{y}" r="2.5"/>'
    return f'<polyline class="line c{color}" points="{" ".join(f"{x},{y}" for x, y in points)}"/>'


def _x(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _y(share: float) -> float:
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * nice for nice in (1, 2, 5, 10) if power * nice >= step * 0.999)


def _number(value: float) -> str:
    """A tick's label.

    >>> _number(0.05), _number(20.0), _number(1500.0), _number(2_000_000.0)
    ('0.05', '20', '1,500', '2 M')
    """
    if value >= 1_000_000:
        return f"{value / 1_000_000:g} M"
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"
