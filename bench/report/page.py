"""`report`: one self-contained page from one or more result files: what was printed, curves, figures side by side."""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from string import Template

from bench import printout
from bench import results as known
from bench.options import Scenario
from bench.report.picture import Axis, Line, chart, linear_axis, log_axis, percent_axis, picture
from bench.results import PASS, Result, read
from bench.targets.target import MISSED

# The charts of the timeline: heading, unit, series.
_SECONDS = (
    ("p99 of every second", "ms", ("ack_ms.p99", "delivery_ms.p99", "polite_ms.p99")),
    ("Of every second", "per second", ("deliveries", "acks", "resumed")),
)
Named = Sequence[tuple[Result, str]]


def page(results: Sequence[Result]) -> str:
    plain = [str(result["scenario"]) for result in results]
    names = [f"{name} {place}" if plain.count(name) > 1 else name for place, name in enumerate(plain, 1)]
    named = list(zip(results, names, strict=True))
    sections = (
        *(_section(name, _pre("\n".join(_printed(result)))) for result, name in named),
        *_charts(named),
        _section("Figures", _figures(named)),
        *map(_origin, results, names),
    )
    style, text = (Path(__file__).with_name(f"page.{kind}").read_text("utf-8") for kind in ("css", "html"))
    head = escape(" · ".join(dict.fromkeys(plain)))
    return Template(text).substitute(style=style, head=head, sections="".join(sections))


def _section(heading: str, content: str) -> str:
    """A card with a heading; nothing when it would be empty."""
    return f"<section><h2>{escape(heading)}</h2>{content}</section>" if content else ""


def _printed(result: Result) -> list[str]:
    held = {text: PASS if is_held else MISSED for text, is_held in (result.get("thresholds") or {}).items()}
    return [*printout.text(result), *printout.thresholds(held)]


def _pre(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _charts(named: Named) -> Iterator[str]:
    def lines(series: Callable[[Result], Mapping[str, Line]], keys: Sequence[str] = ()) -> dict[str, Line]:
        found = {(key, name): line for result, name in named for key, line in series(result).items()}
        wanted = {key: line for key, line in found.items() if not keys or key[0] in keys}
        return {key if len(named) == 1 else f"{key} · {name}": line for (key, name), line in wanted.items()}

    yield _drawn("Latency by percentile", lines(known.curves), percent_axis, "ms")
    for heading, unit, keys in _SECONDS:
        yield _drawn(heading, lines(_seconds, keys), partial(linear_axis, "second"), unit)


def _seconds(result: Result) -> dict[str, Line]:
    series = known.timeline(result)
    return {key: list(enumerate(line)) for key, line in series.items() if len(line) > 1 and any(line)}


def _drawn(heading: str, lines: Mapping[str, Line], across: Callable[[float], Axis], unit: str) -> str:
    """Return a section with a chart, logarithmic in `ms`, else linear; nothing without lines."""
    if not lines:
        return ""
    points = [point for line in lines.values() for point in line]
    values = [y for _, y in points if y is not None]
    up = log_axis(unit, values) if unit == "ms" else linear_axis(unit, max(values))
    return _section(heading, chart(heading, across(max(x for x, _ in points)), up, lines))


def _figures(named: Named) -> str:
    """Every figure of all results, and how much it changed from the first."""
    columns = [known.figures(result) for result, _ in named]

    def cell(key: str, column: Mapping[str, float]) -> str:
        value, first = column.get(key), columns[0][key]
        if value is None:
            return ""
        change = f" {value / first - 1:+.0%}" if first and column is not columns[0] else ""
        return escape(printout.worded(key, value)) + change

    rows = [[escape(key), *(cell(key, column) for column in columns)] for key in columns[0]]
    rows.insert(0, ["", *(escape(name) for _, name in named)])
    body = "".join(f"<tr>{''.join(f'<td>{one}</td>' for one in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table>{body}</table></div>' if len(rows) > 1 else ""


def _origin(result: Result, name: str) -> str:
    """The command, both configurations and the machine."""
    told = {key: result.get(key) for key in ("command", "seed", "config", "environment")}
    text = json.dumps(told, indent=2, ensure_ascii=False)
    return f"<details><summary>{escape(name)}</summary>{_pre(text)}</details>"


async def run(options: argparse.Namespace) -> int:
    """Read, draw, write. Raises Unreadable for a file that is no result."""
    results = [result for path in options.results for result in read(path)]
    text = picture(results) if options.svg else page(results)
    Path(options.svg or options.html).write_text(text, "utf-8")
    print(f"wrote {options.svg or options.html} from {len(results)} result{'s'[: len(results) > 1]}")
    return 0


_DRAWN = "one picture of `floor` and `peers`, for a README, instead"
SCENARIO = Scenario(
    "one self-contained HTML page from one or more result files",
    run,
    own={
        "results": {"nargs": "+", "type": Path, "help": "files that --json wrote, or directories of them"},
        "--html": {
            "metavar": "OUT",
            "type": printout.writable,
            "default": "report.html",
            "help": "(report.html)",
        },
        "--svg": {"metavar": "OUT", "type": printout.writable, "help": _DRAWN},
    },
)
