"""Line charts as SVG text: scales, grid, lines, legend. Nothing here knows what a result is."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 720, 300  # of the picture, in user units; the page scales it to its column
LEFT, RIGHT, TOP, BOTTOM = 74, 24, 14, 40  # room for the labels of the axes
COLORS = 8  # classes c0 to c7 of page.css; further lines take the first again
LEAST = 0.001  # a logarithm has no zero

Line = Sequence[tuple[float, float | None]]  # without a value the line is broken


class Axis(NamedTuple):
    """One direction: its title, its ticks with their labels, and where a value lies between 0 and 1."""

    title: str
    ticks: Sequence[tuple[float, str]]
    place: Callable[[float], float]


def percent_axis(highest: float) -> Axis:
    """Percentiles, each nine as wide as the one before; up to at least 99.9."""
    nines = max(3.0, -math.log10(1 - min(highest, 99.9999) / 100))

    def place(percent: float) -> float:
        return -math.log10(1 - percent / 100) / nines

    marks = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999)
    return Axis("percentile", [(mark, f"{mark:g}") for mark in marks if place(mark) <= 1.001], place)


def log_axis(title: str, values: Iterable[float]) -> Axis:
    kept = [max(LEAST, value) for value in values]
    first, last = math.floor(math.log10(min(kept))), math.ceil(math.log10(max(kept)))
    last = max(last, first + 1)
    steps = (1, 2, 5) if last - first <= 3 else (1,)
    marks = [step * 10.0**power for power in range(first, last) for step in steps] + [10.0**last]
    ticks = [(mark, _number(mark)) for mark in marks]
    return Axis(title, ticks, lambda value: (math.log10(max(LEAST, value)) - first) / (last - first))


def linear_axis(title: str, high: float) -> Axis:
    """From 0 to a round number above `high`, in four to ten steps."""
    rough = high / 5 or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * 0.999)
    count = max(1, math.ceil(high / step - 1e-9))
    ticks = [(step * place, _number(step * place)) for place in range(count + 1)]
    return Axis(title, ticks, lambda value: value / (step * count))


def chart(title: str, across: Axis, up: Axis, lines: Mapping[str, Line]) -> str:
    keys = (f'<li class="c{number % COLORS}">{escape(name)}</li>' for number, name in enumerate(lines))
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'{plot(across, up, lines)}</svg><ul class="legend">{"".join(keys)}</ul></figure>'
    )


def plot(across: Axis, up: Axis, lines: Mapping[str, Line]) -> str:
    parts = [_grid(across, up)]
    for number, line in enumerate(lines.values()):
        for piece in pieces(line):
            points = [(_x(across.place(x)), _y(up.place(y))) for x, y in piece]
            parts.append(_drawn(points, f"line c{number % COLORS}"))
    return "".join(parts)


def _grid(across: Axis, up: Axis) -> str:
    parts, middle, half = [], (LEFT + WIDTH - RIGHT) / 2, (HEIGHT - BOTTOM) / 2
    for value, label in up.ticks:
        y = _y(up.place(value))
        parts.append(f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{label}</text>')
    for value, label in across.ticks:
        x = _x(across.place(value))
        parts.append(f'<path class="grid" d="M{x} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{label}</text>')
    titles = (
        (middle, HEIGHT - 6, "", across.title),
        (12, half, f' transform="rotate(-90 12 {half})"', up.title),
    )
    for x, y, turned, title in titles:
        parts.append(f'<text class="axis" x="{x}" y="{y}" text-anchor="middle"{turned}>{title}</text>')
    return "".join(parts)


def pieces(line: Line) -> list[list[tuple[float, float]]]:
    """The connected pieces of a line.

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


def _drawn(points: Sequence[tuple[float, float]], kind: str) -> str:
    if len(points) == 1:
        ((x, y),) = points
        return f'<circle class="{kind}" cx="{x}" cy="{y}" r="2.5"/>'
    return f'<polyline class="{kind}" points="{" ".join(f"{x},{y}" for x, y in points)}"/>'


def _x(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _y(share: float) -> float:
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _number(value: float) -> str:
    """A tick's label.

    >>> _number(0.05), _number(20.0), _number(1500.0), _number(2_000_000.0)
    ('0.05', '20', '1,500', '2 M')
    """
    if value >= 1_000_000:
        return f"{value / 1_000_000:g} M"
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"
