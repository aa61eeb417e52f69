"""One picture for a README: deliveries a second side by side, and the latency by percentile, as one SVG file."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from bench.checks import COUNTERS
from bench.report.chart import HEIGHT as PLOT_HEIGHT
from bench.report.chart import WIDTH as PLOT_WIDTH
from bench.report.chart import Line, log_axis, percent_axis, plot
from bench.results import Result, Unreadable, curves

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
    correct = not any(map(_faults, _saturated(results).values()))
    delivery = "all delivered" if correct else "not all is correct"
    left = f"{compared['members']:,} members · {compared['senders']} senders · {delivery}; only chatd stores first"
    legend = _legend(list(lines))
    plot_height = round(PLOT_HEIGHT * CURVES / PLOT_WIDTH)
    height = HEAD + max(len(bars) * (BAR + GAP), plot_height + 34 + legend[-1][2]) + MARGIN
    parts = (
        _heading(MARGIN, "Deliveries a second, one core", left),
        _heading(_SIDE, "Latency by percentile", f"due to received · {paced['rate']:g} messages/s"),
        _bars(bars),
        _curves(lines, plot_height),
        *(_key(number, *key, HEAD + plot_height) for number, key in enumerate(legend)),
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="deliveries a second and latency"><style>{_style()}</style>'
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
    return ", ".join([*_faults(row), *(["generator-bound"] if row.get("generator_bound") else [])])


def _faults(row: Mapping[str, Any]) -> list[str]:
    return [f"{key} {row[key]:,}" for key in COUNTERS if row.get(key)]


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


def _style() -> str:
    page, own = (Path(__file__).with_name(name).read_text("utf-8") for name in ("page.css", "picture.css"))
    return (page.partition("* {")[0] + own).replace("\n", " ")


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


def _curves(lines: Mapping[str, Line], height: int) -> str:
    points = [point for line in lines.values() for point in line]
    milliseconds = log_axis("ms", [y for _, y in points if y])
    body = plot(percent_axis(max(x for x, _ in points)), milliseconds, lines)
    box = f'x="{_SIDE}" y="{HEAD - 10}" width="{CURVES}" height="{height}" viewBox="0 0 {PLOT_WIDTH} {PLOT_HEIGHT}"'
    return f'<svg class="plot" {box}>{body}</svg>'


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
