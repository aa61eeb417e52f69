"""Line charts as SVG text, and one picture for a README: deliveries a second, and latency by percentile."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from bench.results import Result, Unreadable, curves, faults_of

PLOT_WIDTH, PLOT_HEIGHT = 720, 300  # of the picture, in user units; the page scales it to its column
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
        f'<figure><svg viewBox="0 0 {PLOT_WIDTH} {PLOT_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'{plot(across, up, lines)}</svg><ul class="legend">{"".join(keys)}</ul></figure>'
    )


def plot(across: Axis, up: Axis, lines: Mapping[str, Line]) -> str:
    parts = [_grid(across, up)]
    for number, line in enumerate(lines.values()):
        for piece in pieces(line):
            points = [(_x(across.place(x)), _y(up.place(y))) for x, y in piece]
            kind, drawn = f"line c{number % COLORS}", " ".join(f"{x},{y}" for x, y in points)
            if len(points) > 1:
                parts.append(f'<polyline class="{kind}" points="{drawn}"/>')
            else:
                parts.append('<circle class="{}" cx="{}" cy="{}" r="2.5"/>'.format(kind, *points[0]))
    return "".join(parts)


def _grid(across: Axis, up: Axis) -> str:
    parts, middle, half = [], (LEFT + PLOT_WIDTH - RIGHT) / 2, (PLOT_HEIGHT - BOTTOM) / 2
    for value, label in up.ticks:
        y = _y(up.place(value))
        parts.append(f'<path class="grid" d="M{LEFT} {y}H{PLOT_WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{label}</text>')
    for value, label in across.ticks:
        x = _x(across.place(value))
        parts.append(f'<path class="grid" d="M{x} {TOP}V{PLOT_HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x}" y="{PLOT_HEIGHT - BOTTOM + 16}" text-anchor="middle">{label}</text>')
    titles = (
        (middle, PLOT_HEIGHT - 6, "", across.title),
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


def _x(share: float) -> float:
    return round(LEFT + share * (PLOT_WIDTH - LEFT - RIGHT), 1)


def _y(share: float) -> float:
    return round(PLOT_HEIGHT - BOTTOM - share * (PLOT_HEIGHT - TOP - BOTTOM), 1)


def _number(value: float) -> str:
    """A tick's label.

    >>> _number(0.05), _number(20.0), _number(1500.0), _number(2_000_000.0)
    ('0.05', '20', '1,500', '2 M')
    """
    if value >= 1_000_000:
        return f"{value / 1_000_000:g} M"
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


WIDTH, HEAD, MARGIN = 1000, 92, 28  # of the picture, in user units
BAR, GAP = 26, 16  # of the bars: their height, and what is between two
LABELS, FIGURES = 176, 96  # room for the names on the left, and for the numbers on the right of the bars
CURVES = 470  # width of the latency plot
_SIDE = WIDTH - CURVES - MARGIN + 10  # where the plot begins

OURS = "chatd"
_NEEDED = "a picture needs the results of `floor` and of `peers --closed`"
_FLOORS = {"push saturated": "floor: one write each", "broadcast saturated": "websockets.broadcast"}
_AT_RATE = {"chatd": "chatd", "push": "floor", "broadcast": "websockets.broadcast"}


class Bar(NamedTuple):
    """One server: its name, its deliveries a second, and what one must know before they are believed."""

    name: str
    per_second: float
    note: str = ""


def picture(results: Sequence[Result]) -> str:
    """The picture of the results of `floor` and `peers`. Raises Unreadable without them."""
    compared = next((result for result in results if result.get("peers") and not result.get("rate")), None)
    paced = next((result for result in results if result.get("floor")), None)
    lines = lines_of(results)
    if compared is None or paced is None or not lines:
        raise Unreadable(_NEEDED)
    bars = bars_of(results)
    correct = not any(map(faults_of, _saturated(results).values()))
    delivery = "all delivered" if correct else "not all is correct"
    left = f"{compared['members']:,} members · {compared['senders']} senders · {delivery}; only chatd stores first"
    legend = _legend(list(lines))
    plot_height = round(PLOT_HEIGHT * CURVES / PLOT_WIDTH)
    height = HEAD + max(len(bars) * (BAR + GAP), plot_height + 34 + legend[-1][2]) + MARGIN
    points = [point for line in lines.values() for point in line]
    across, up = percent_axis(max(x for x, _ in points)), log_axis("ms", [y for _, y in points if y])
    box = f'x="{_SIDE}" y="{HEAD - 10}" width="{CURVES}" height="{plot_height}"'
    sheet, own = (Path(__file__).with_name(name).read_text("utf-8") for name in ("page.css", "picture.css"))
    style = (sheet.partition("* {")[0] + own).replace("\n", " ")
    parts = (
        _heading(MARGIN, "Deliveries a second, one core", left),
        _heading(_SIDE, "Latency by percentile", f"due to received · {paced['rate']:g} messages/s"),
        _bars(bars),
        f'<svg class="plot" {box} viewBox="0 0 {PLOT_WIDTH} {PLOT_HEIGHT}">{plot(across, up, lines)}</svg>',
        *(_key(number, *key, HEAD + plot_height) for number, key in enumerate(legend)),
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="deliveries a second and latency"><style>{style}</style>'
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="12"/>'
        f"{''.join(parts)}</svg>\n"
    )


def bars_of(results: Sequence[Result]) -> list[Bar]:
    rows = _saturated(results).items()
    bars = [Bar(name, float(row["deliveries_per_s"]), note(row)) for name, row in rows]
    return sorted(bars, key=lambda bar: -bar.per_second)


def _saturated(results: Sequence[Result]) -> dict[str, Mapping[str, Any]]:
    """The runs as quick as it goes that delivered anything, by name; peers at a rate are none."""
    rows: dict[str, Mapping[str, Any]] = {}
    for result in results:
        floors = result.get("floor") or {}
        rows |= {name: floors[key] for key, name in _FLOORS.items() if key in floors}
        rows |= {} if result.get("rate") else result.get("peers") or {}
    return {name: row for name, row in rows.items() if row.get("deliveries_per_s")}


def note(row: Mapping[str, Any]) -> str:
    """The faults of a run, in a few words; empty when nothing is.

    >>> note({"lost": 3, "generator_bound": True}), note({"lost": 0})
    ('lost 3, generator-bound', '')
    """
    return ", ".join([*faults_of(row), *(["generator-bound"] if row.get("generator_bound") else [])])


def lines_of(results: Sequence[Result]) -> dict[str, Line]:
    """Delivery by percentile of everything that was measured at a rate."""
    lines: dict[str, Line] = {}
    for result in results:
        measured = {**(result.get("floor") or {}), **(result.get("chatd") or {})}
        for key, name in _AT_RATE.items():
            row = measured.get(f"{key} at the rate") or {}
            if curve := curves(row).get("delivery_ms"):
                lines[f"{name} ({note(row)})" if note(row) else name] = curve
    return lines


def _heading(x: int, head: str, below: str) -> str:
    return f'<text class="head" x="{x}" y="38">{head}</text><text class="note" x="{x}" y="60">{escape(below)}</text>'


def _bars(bars: Sequence[Bar]) -> str:
    room, label = WIDTH - CURVES - 2 * MARGIN - LABELS - FIGURES, MARGIN + LABELS - 10
    most, parts = max(bar.per_second for bar in bars), []
    for place, bar in enumerate(bars):
        y = HEAD + place * (BAR + GAP)
        width = round(max(2.0, room * bar.per_second / most), 1)
        kind = "ours" if bar.name == OURS else "theirs"
        parts.append(
            f'<text class="name" x="{label}" y="{y + 18}" text-anchor="end">{escape(bar.name)}</text>'
            f'<rect class="{kind}" x="{label + 10}" y="{y}" width="{width}" height="{BAR}" rx="3"/>'
            f'<text class="figure {kind}" x="{label + 10 + width + 8}" y="{y + 18}">{_short(bar.per_second)}</text>'
            f'<text class="bad" x="{label}" y="{y + 32}" text-anchor="end">{escape(bar.note)}</text>'
        )
    return "".join(parts)


def _legend(names: Sequence[str]) -> list[tuple[str, int, int]]:
    """The names in rows as long as there is room, and where each stands, from the corner below the plot.

    >>> [key[1:] for key in _legend(["chatd", "floor", "a name that is " + "very " * 8 + "long"])]
    [(0, 0), (90, 0), (0, 22)]
    """
    keys, x, y = list[tuple[str, int, int]](), 0, 0
    for name in names:
        width = 50 + 8 * len(name)
        if x and x + width > CURVES - 10:
            x, y = 0, y + 22
        keys.append((name, x, y))
        x += width
    return keys


def _key(number: int, name: str, x: int, y: int, below: int) -> str:
    left = WIDTH - CURVES - MARGIN + 52 + x
    return (
        f'<path class="line c{number}" d="M{left} {below + y + 22}h18"/>'
        f'<text class="note" x="{left + 24}" y="{below + y + 26}">{escape(name)}</text>'
    )


def _short(value: float) -> str:
    """A number as one says it.

    >>> _short(1_234_567), _short(56_281), _short(950)
    ('1.23 M', '56 k', '950')
    """
    if value >= 1e6:
        return f"{value / 1e6:.2f} M"
    return f"{value / 1e3:,.0f} k" if value >= 10_000 else f"{value:,.0f}"
