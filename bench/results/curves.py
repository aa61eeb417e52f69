"""The charts of a page: latency by percentile, every second, latency by rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.results import reading
from bench.results.chart import Axis, Line, chart, linear_axis, log_axis, percent_axis
from bench.results.markup import section
from bench.results.reading import Result
from bench.results.titles import title

_LEAST_MS = 0.001  # a logarithm has no zero


class Seconds(NamedTuple):
    """A chart of the timeline: its heading, its unit, which series it shows."""

    heading: str
    unit: str
    keys: tuple[str, ...]
    log: bool = False


SECONDS = (
    Seconds(
        "Latency of every second, p99", "ms", ("ack_ms.p99", "delivery_ms.p99", "polite_ms.p99"), log=True
    ),
    Seconds("Deliveries of every second", "per second", ("deliveries",)),
    Seconds("{acks} of every second", "per second", ("acks",)),
    Seconds("Back and complete, in every second", "people", ("resumed",)),
    Seconds("Memory of the daemon", "MiB", ("rss_mib",)),
)


def charts(results: Sequence[Result], names: Sequence[str]) -> str:
    """All charts these results have something for."""
    drawn = (
        _latencies(results, names),
        *(_seconds(results, names, wanted) for wanted in SECONDS),
        _ramp(results, names),
    )
    return f'<div class="two">{"".join(drawn)}</div>'


def _latencies(results: Sequence[Result], names: Sequence[str]) -> str:
    lines: dict[str, Line] = {}
    for result, name in zip(results, names, strict=True):
        for key, points in reading.curves(result).items():
            drawn = [(point.percent, max(_LEAST_MS, point.milliseconds)) for point in points]
            lines[_label(result, key, name, len(results))] = drawn
    if not lines:
        return ""
    across = percent_axis(max(x for line in lines.values() for x, _ in line))
    drawing = chart("latency by percentile", across, _log(lines, "ms"), lines)
    return section("Latency by percentile", drawing)


def _label(result: Result, key: str, name: str, results: int) -> str:
    said = title(str(result["scenario"]), key)
    return said if results == 1 else f"{said} · {name}"


def _seconds(results: Sequence[Result], names: Sequence[str], wanted: Seconds) -> str:
    lines: dict[str, Line] = {}
    for result, name in zip(results, names, strict=True):
        series = reading.timeline(result)
        for key in wanted.keys:
            if len(values := series.get(key, [])) > 1 and any(values):
                label = _label(result, key.partition(".")[0], name, len(results))
                lines[label] = list(enumerate(_drawable(values, wanted.log)))
    if not lines:
        return ""
    heading = wanted.heading.format(acks=title(str(results[0]["scenario"]), "acks").capitalize())
    across = linear_axis("second", max(x for line in lines.values() for x, _ in line))
    up = _log(lines, wanted.unit) if wanted.log else linear_axis(wanted.unit, max(_values(lines)))
    return section(heading, chart(heading, across, up, lines))


def _drawable(values: reading.Series, log: bool) -> reading.Series:
    """The values as an axis can take them."""
    least = _LEAST_MS if log else 0.0
    return [None if value is None else max(least, value) for value in values]


def _ramp(results: Sequence[Result], names: Sequence[str]) -> str:
    """The steps of a search for the knee."""
    lines: dict[str, Line] = {}
    for result, name in zip(results, names, strict=True):
        steps = result.get("steps", ())
        for key in ("p50", "p99"):
            if steps:
                label = key if len(results) == 1 else f"{key} · {name}"
                lines[label] = [(step["rate"], max(_LEAST_MS, step[f"{key}_ms"])) for step in steps]
    if not lines:
        return ""
    across = linear_axis("messages/s asked for", max(x for line in lines.values() for x, _ in line))
    return section("Latency by rate", chart("latency by rate", across, _log(lines, "ms"), lines))


def _log(lines: Mapping[str, Line], unit: str) -> Axis:
    values = _values(lines)
    return log_axis(unit, min(values), max(values))


def _values(lines: Mapping[str, Line]) -> list[float]:
    return [y for line in lines.values() for _, y in line if y is not None]
