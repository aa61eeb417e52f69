"""The report: one HTML file that needs nothing else, from one result or several side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bench.results import reading
from bench.results.chart import Axis, Line, chart, linear_axis, log_axis, percent_axis
from bench.results.direction import judged
from bench.results.reading import Result
from bench.results.wording import worded

_LEAST_MS = 0.001  # a logarithm has no zero
_HEADLINES = (
    ("deliveries_per_s", "deliveries"),
    ("acks_per_s", "durable messages"),
    ("ack_ms.p99", "ack p99"),
    ("delivery_ms.p99", "delivery p99"),
    ("page_ms.p99", "page of 50, p99"),
    ("hello_ms.p99", "hello p99"),
    ("complete_s", "all back"),
    ("server.rss_bytes_max", "memory of the server"),
)


def write(results: Sequence[Result], out: Path) -> None:
    """Writes the report of at least one result. Raises OSError."""
    out.write_text(page(results), "utf-8")


def page(results: Sequence[Result]) -> str:
    """The report as text."""
    style = Path(__file__).with_name("page.css").read_text("utf-8")
    names = _names(results)
    title = " · ".join(dict.fromkeys(str(result["scenario"]) for result in results))
    sections = (
        tiles(results),
        _charts(results, names),
        _table(results, names),
        _peers(results),
        _origin(results),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>chatd bench: {escape(title)}</title><style>{style}</style></head><body><main>"
        f'<h1>{escape(title)}</h1><p class="sub">{escape(_subtitle(results))}</p>{"".join(sections)}'
        "</main></body></html>\n"
    )


def _names(results: Sequence[Result]) -> list[str]:
    """A name for each, told apart by a number where two are called the same."""
    plain = [reading.name(result) for result in results]
    return [f"{name} {place}" if plain.count(name) > 1 else name for place, name in enumerate(plain, 1)]


def _subtitle(results: Sequence[Result]) -> str:
    machine: Mapping[str, Any] = results[0].get("environment", {})
    words = [f"chatd {machine['chatd']}"] if "chatd" in machine else []
    words += [f"Python {machine['python']}"] if "python" in machine else []
    words += [f"{machine['cpus']} cores"] if "cpus" in machine else []
    return " · ".join(
        [*words, str(machine.get("platform", "")), f"{len(results)} result{'s'[: len(results) > 1]}"]
    )


def tiles(results: Sequence[Result]) -> str:
    """The verdict and the headline figures, of the first result when there are several."""
    figures = reading.figures(results[0])
    shown = [_tile(worded(key, figures[key]), title) for key, title in _HEADLINES if figures.get(key)]
    return f'<div class="tiles">{_verdict(results)}{"".join(shown)}</div>'


def _verdict(results: Sequence[Result]) -> str:
    counted = [faults for result in results if (faults := reading.faults(result)) is not None]
    if not counted:
        return ""
    wrong = sum(sum(faults.values()) for faults in counted)
    word, kind = ("PASS", "good") if not wrong else ("FAIL", "bad")
    return f'<div class="tile"><b class="{kind}">{word}</b><span>{wrong:,} faults found</span></div>'


def _tile(figure: str, title: str) -> str:
    return f'<div class="tile"><b>{escape(figure)}</b><span>{escape(title)}</span></div>'


def _charts(results: Sequence[Result], names: Sequence[str]) -> str:
    charts = [
        _latencies(results, names),
        *(_series(results, names, *wanted) for wanted in _SERIES),
        _ramp(results),
    ]
    return f'<div class="two">{"".join(charts)}</div>'


def _latencies(results: Sequence[Result], names: Sequence[str]) -> str:
    lines: dict[str, Line] = {}
    for result, name in zip(results, names, strict=True):
        for title, points in reading.curves(result).items():
            label = title if len(results) == 1 else f"{title} · {name}"
            lines[label] = [(point.percent, max(_LEAST_MS, point.milliseconds)) for point in points]
    if not lines:
        return ""
    across = percent_axis(max(x for line in lines.values() for x, _ in line))
    return _section("Latency by percentile", chart("latency by percentile", across, _log(lines, "ms"), lines))


_SERIES: tuple[tuple[str, str, tuple[str, ...], bool], ...] = (
    ("Latency of every second, p99", "ms", ("ack_ms.p99", "delivery_ms.p99", "polite_ms.p99"), True),
    ("Deliveries of every second", "per second", ("deliveries",), False),
    ("Durable messages of every second", "per second", ("acks",), False),
    ("Back and complete, in every second", "people", ("resumed",), False),
    ("Memory of the daemon", "MiB", ("rss_mib",), False),
)


def _series(
    results: Sequence[Result], names: Sequence[str], title: str, unit: str, keys: Sequence[str], log: bool
) -> str:
    lines: dict[str, Line] = {}
    for result, name in zip(results, names, strict=True):
        series = reading.timeline(result)
        for key in keys:
            if len(values := series.get(key, [])) > 1 and any(values):
                label = key.partition("_ms")[0] + ("" if len(results) == 1 else f" · {name}")
                lines[label] = [(place, max(_LEAST_MS, value)) for place, value in enumerate(values)]
    if not lines:
        return ""
    across = linear_axis("second", max(x for line in lines.values() for x, _ in line))
    up = _log(lines, unit) if log else linear_axis(unit, max(y for line in lines.values() for _, y in line))
    return _section(title, chart(title, across, up, lines))


def _ramp(results: Sequence[Result]) -> str:
    """The steps of a search for the knee."""
    lines: dict[str, Line] = {}
    for result in results:
        steps = result.get("steps", ())
        for key in ("p50", "p99"):
            if steps:
                lines[key] = [(step["rate"], max(_LEAST_MS, step[f"{key}_ms"])) for step in steps]
    if not lines:
        return ""
    across = linear_axis("messages/s asked for", max(x for line in lines.values() for x, _ in line))
    return _section("Latency by rate", chart("latency by rate", across, _log(lines, "ms"), lines))


def _log(lines: Mapping[str, Line], unit: str) -> Axis:
    values = [y for line in lines.values() for _, y in line]
    return log_axis(unit, min(values), max(values))


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _table(results: Sequence[Result], names: Sequence[str]) -> str:
    """Every figure that is worth a judgement, a column for each result; from the second on with the difference."""
    columns, ways = [reading.figures(result) for result in results], judged(results[0])
    shown = [
        key for key in columns[0] if (key in ways or key.startswith(_SHOWN)) and not key.startswith(_BESIDE)
    ]
    keys = [key for key in shown if any(column.get(key) for column in columns)]
    rows = "".join(f"<tr><td>{escape(key)}</td>{_cells(key, columns, ways.get(key, 0))}</tr>" for key in keys)
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    table = _table_of(f"<th>figure</th>{head}", rows)
    return _section("Figures" if len(results) == 1 else "Comparison", table) if keys else ""


def _table_of(head: str, rows: str) -> str:
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


_BESIDE = "chatd."  # has a table of its own
_SHOWN = ("messages", "deliveries", "server.", "generator.")  # though nobody can say which way is better


def _cells(key: str, columns: Sequence[Mapping[str, float]], way: int) -> str:
    first = columns[0].get(key)
    cells = []
    for place, column in enumerate(columns):
        value = column.get(key)
        text = "" if value is None else escape(worded(key, value))
        if place and value is not None and first:
            change = value / first - 1
            kind = "" if not way or abs(change) < 0.005 else ("good" if change * way > 0 else "bad")
            text += f' <span class="{kind}">{change:+.0%}</span>'
        cells.append(f"<td>{text}</td>")
    return "".join(cells)


def _peers(results: Sequence[Result]) -> str:
    """What else was measured in the same run, and what each of them does not do."""
    sections = []
    for result in results:
        measured = {
            key: row for part in ("floor", "chatd", "peers") for key, row in (result.get(part) or {}).items()
        }
        rows = [{"name": name, **row} for name, row in measured.items()]
        if rows:
            body = "".join(f"<tr>{''.join(cell(row) for cell in _PEER_CELLS.values())}</tr>" for row in rows)
            head = "".join(f"<th{_words(title)}>{title}</th>" for title in _PEER_CELLS)
            table = _table_of(head, body)
            sections.append(_section("Beside others, same machine, same run", table))
    return "".join(sections)


def _words(title: str) -> str:
    return ' class="words"' if title == "does not" else ""


def _per_second(row: Mapping[str, Any]) -> str:
    return worded("deliveries_per_s", row["deliveries_per_s"]) if "deliveries_per_s" in row else "absent"


_PEER_CELLS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "server": lambda row: f"<td>{escape(str(row['name']))}</td>",
    "deliveries": lambda row: f"<td>{_per_second(row)}</td>",
    "p99": lambda row: f"<td>{worded('_ms', row['delivery_ms']['p99']) if 'delivery_ms' in row else ''}</td>",
    "does not": lambda row: f'<td class="words">{escape(str(row.get("does_not", "")))}</td>',
}


def _origin(results: Sequence[Result]) -> str:
    """How each was made: command, configuration, machine."""
    parts = []
    for result in results:
        told = {
            key: result[key]
            for key in ("command", "seed", "config", "environment", "examples")
            if result.get(key)
        }
        text = escape(json.dumps(told, indent=2, ensure_ascii=False))
        parts.append(f"<details><summary>{escape(reading.name(result))}</summary><pre>{text}</pre></details>")
    return _section("How it was made", "".join(parts))
