"""`report`: one self-contained HTML page from one or more result files, side by side."""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from html import escape
from itertools import chain
from pathlib import Path
from string import Template
from typing import Any

from bench import machine
from bench import results as known
from bench.compare import judged
from bench.options import Scenario
from bench.printout import BAD, BOUND, GOOD, WARN, tables, title, worded, writable
from bench.report.picture import Axis, Line, chart, linear_axis, log_axis, percent_axis, picture
from bench.results import Result, read
from bench.targets.target import ABSENT, MISSED, REPORTED, number

PASS, FAIL = "PASS", "FAIL"

# The figures shown in large letters, with the name of what each is of.
_HEADLINES = (
    *(
        ("deliveries_per_s", "deliveries", ""),
        ("connects_per_s", "resume_ms", ""),
        ("acks_per_s", "acks", ""),
    ),
    *((f"{name}_ms.p99", f"{name}_ms", " p99") for name in ("ack", "delivery", "page", "hello")),
    ("complete_s", "all back", ""),
    ("session_bytes", "a session", ""),
    ("knee.rate", "knee", ""),
    ("server.rss_bytes_max", "memory of the server", ""),
)
# The charts of the timeline: heading, unit, series.
_SECONDS = (
    ("Latency of every second, p99", "ms", ("ack_ms.p99", "delivery_ms.p99", "polite_ms.p99")),
    ("Deliveries of every second", "per second", ("deliveries",)),
    ("{acks} of every second", "per second", ("acks",)),
    ("Back and complete, in every second", "people", ("resumed",)),
    ("Memory of the daemon", "MiB", ("rss_mib",)),
)
_SHOWN = ("messages", "deliveries", "server.", "generator.")  # though nobody can say which way is better
_BESIDE = "chatd."  # these have a table of their own
_SAME = 0.005  # a difference below it has no colour


def page(results: Sequence[Result]) -> str:
    style = Path(__file__).with_name("page.css").read_text("utf-8")
    plain = [str(result["scenario"]) for result in results]
    names = [f"{name} {place}" if plain.count(name) > 1 else name for place, name in enumerate(plain, 1)]
    head, named = escape(" · ".join(dict.fromkeys(plain))), list(zip(results, names, strict=True))
    sections = (
        f'<div class="tiles">{"".join(_tiles(results))}</div>',
        _section("Verdicts", _details(results, names)),
        *map(_goals, results),
        f'<div class="two">{_latencies(named)}{"".join(_timelines(named))}{_ramp(named)}</div>',
        *chain.from_iterable(map(_beside, results)),
        _figures(results, names),
        _section("How it was made", "".join(map(_origin, results, names))),
    )
    machine: Mapping[str, Any] = results[0].get("environment", {})
    forms = {"chatd": "chatd {}", "python": "Python {}", "cpus": "{} cores", "platform": "{}"}
    words = [form.format(machine[key]) for key, form in forms.items() if key in machine]
    words.append(f"{len(results)} result{'s'[: len(results) > 1]}")
    places = {"style": style, "head": head, "subtitle": escape(" · ".join(words))}
    text = Path(__file__).with_name("page.html").read_text("utf-8")
    return Template(text).substitute(places, sections="".join(sections))


def _section(heading: str, content: str) -> str:
    """A card with a heading; nothing when it would be empty."""
    return f"<section><h2>{escape(heading)}</h2>{content}</section>" if content else ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells, which are markup; its heads are plain text. Empty columns are left out, and empty tables."""
    if not rows:
        return ""
    kept = [place for place in range(len(heads)) if not place or any(row[place] for row in rows)]
    head = "".join(f"<th>{escape(heads[place])}</th>" for place in kept)
    body = "".join(f"<tr>{''.join(f'<td>{row[place]}</td>' for place in kept)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _tile(figure: str, text: str, kind: str = "") -> str:
    return f'<div class="tile"><b class="{kind}">{escape(figure)}</b><span>{escape(text)}</span></div>'


def _marked(text: str, kind: str) -> str:
    tag = "div" if kind == "words" else "span"
    return f'<{tag} class="{kind}">{escape(text)}</{tag}>'


def _bullets(lines: Sequence[str]) -> str:
    points = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="bullets">{points}</ul>' if points else ""


def _tiles(results: Sequence[Result]) -> Iterator[str]:
    counted = [faults for result in results if (faults := known.faults(result)) is not None]
    if counted:
        wrong = sum(sum(faults.values()) for faults in counted)
        yield _tile(FAIL if wrong else PASS, f"{wrong:,} faults found", BAD if wrong else GOOD)
    thresholds = [held for result in results for held in (result.get("thresholds") or {}).values()]
    verdicts = [figure["verdict"] for result in results for _, figure in _goal_figures(result)]
    musts = [verdict != MISSED for verdict in verdicts if verdict not in (REPORTED, ABSENT)]
    for held, text in ((thresholds, "thresholds held"), (musts, "musts reached")):
        if held:
            yield _tile(f"{sum(held)} of {len(held)}", text, GOOD if all(held) else BAD)
    if any(_bound_runs(result) for result in results):
        yield _tile(BOUND, "these runs measure the generator, too", WARN)
    if any(map(machine.in_memory, results)):
        yield _tile("IN MEMORY", "no disk is in the durable figures", WARN)
    figures, scenario = known.figures(results[0]), str(results[0]["scenario"])
    for key, name, suffix in _HEADLINES:
        if figures.get(key):
            yield _tile(worded(key, figures[key]), title(scenario, name) + suffix)


def _details(results: Sequence[Result], names: Sequence[str]) -> str:
    """Every threshold, every kind of fault and the first of them, and the runs that tell of the generator."""
    held = [result.get("thresholds") or {} for result in results]
    marks = {None: "", True: _marked(PASS, GOOD), False: _marked(MISSED, BAD)}
    texts = dict.fromkeys(text for one in held for text in one)
    counted = [Counter(known.faults(result) or {}) for result in results]
    kinds = dict.fromkeys(kind for one in counted for kind in one if one[kind])
    judged_rows = [[escape(text), *(marks[one.get(text)] for one in held)] for text in texts]
    found = [[kind, *(_marked(f"{one[kind]:,}", BAD * bool(one[kind])) for one in counted)] for kind in kinds]
    told = [[f"{BOUND}: {name}" for result in results for name in _bound_runs(result)]]
    told += [[line for result in results for line in lines(result)] for lines in (known.examples, _remarks)]
    tables = _table(("threshold", *names), judged_rows) + _table(("fault", *names), found)
    return tables + _bullets(told[1]) + _bullets(told[0]) + _bullets(told[2])


def _bound_runs(result: Result) -> list[str]:
    """The names of all runs in which the generator was the limit."""
    runs = {**known.runs(result), **(result.get("peers") or {})}
    return [name for name, run in runs.items() if run.get("generator_bound")]


def _goal_figures(result: Result) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    return [(goal, figure) for goal in result.get("goals", ()) for figure in goal["figures"]]


def _remarks(result: Result) -> Iterator[str]:
    for goal in result.get("goals", ()):
        yield from (f"{goal['name']}: {note}" for note in goal.get("notes", ()))
        if goal.get("failed"):
            yield f"{goal['name']}: FAILED: {goal['failed']}"


def _goals(result: Result) -> str:
    rows = []
    for goal, figure in _goal_figures(result):
        sign, value, verdict = "≥" if figure["more"] else "≤", figure["value"], figure["verdict"]
        bounds = ["" if figure[key] is None else f"{sign} {number(figure[key])}" for key in ("must", "aim")]
        kind = BAD if verdict == MISSED else "" if verdict in (REPORTED, ABSENT) else GOOD
        measured = "" if value is None else f"{number(value)} {escape(figure['unit'])}"
        names = [escape(goal["name"]), escape(figure["title"])]
        rows.append([*names, measured, *bounds, _marked(verdict, kind)])
    heads = ("row", "figure", "measured", "must", "aim", "verdict")
    return _section("Targets, quick" if result.get("quick") else "Targets", _table(heads, rows))


Named = Sequence[tuple[Result, str]]


def _label(result: Result, key: str, name: str, alone: bool) -> str:
    text = title(str(result["scenario"]), key)
    return text if alone else f"{text} · {name}"


def _values(lines: Mapping[str, Line], place: int = 1) -> list[float]:
    return [value for line in lines.values() for point in line if (value := point[place]) is not None]


def _drawn(heading: str, lines: Mapping[str, Line], across: Callable[[float], Axis], unit: str) -> str:
    """Return a section with a chart, logarithmic in `ms`, else linear; nothing without lines."""
    if not lines:
        return ""
    values = _values(lines)
    up = log_axis(unit, values) if unit == "ms" else linear_axis(unit, max(values))
    return _section(heading, chart(heading, across(max(_values(lines, 0))), up, lines))


def _latencies(named: Named) -> str:
    lines: dict[str, Line] = {
        _label(result, key, name, len(named) == 1): points
        for result, name in named
        for key, points in known.curves(result).items()
    }
    return _drawn("Latency by percentile", lines, percent_axis, "ms")


def _timelines(named: Named) -> Iterator[str]:
    everything = [(result, name, known.timeline(result)) for result, name in named]
    for form, unit, keys in _SECONDS:
        lines: dict[str, Line] = {
            _label(result, key.partition(".")[0], name, len(named) == 1): list(enumerate(series[key]))
            for result, name, series in everything
            for key in keys
            if len(series.get(key, [])) > 1 and any(series[key])
        }
        heading = form.format(acks=title(str(named[0][0]["scenario"]), "acks").capitalize())
        yield _drawn(heading, lines, partial(linear_axis, "second"), unit)


def _ramp(named: Named) -> str:
    lines: dict[str, Line] = {
        key if len(named) == 1 else f"{key} · {name}": [
            (step["rate"], step[f"{key}_ms"]) for step in result["steps"]
        ]
        for result, name in named
        for key in ("p50", "p99")
        if result.get("steps")
    }
    return _drawn("Latency by rate", lines, partial(linear_axis, "messages/s asked for"), "ms")


def _beside(result: Result) -> Iterator[str]:
    """Everything that was measured side by side in one run, and what each does not do."""
    for part in tables(result):
        rows = [
            [_marked(text, kind) if text and kind else escape(text) for text, kind in row]
            for row in part.rows
        ]
        yield _section(part.heading, _table(part.heads, rows))


def _figures(results: Sequence[Result], names: Sequence[str]) -> str:
    columns, ways = [known.figures(result) for result in results], judged(results[0])
    rows = [
        [escape(key), *(_cell(key, columns[0], column, ways.get(key, 0)) for column in columns)]
        for key in columns[0]
        if (key in ways or key.startswith(_SHOWN)) and not key.startswith(_BESIDE)
        if any(column.get(key) for column in columns)
    ]
    return _section("Figures" if len(results) == 1 else "Comparison", _table(("figure", *names), rows))


def _cell(key: str, first: Mapping[str, float], column: Mapping[str, float], way: int) -> str:
    value = column.get(key)
    if value is None:
        return ""
    cell = escape(worded(key, value))
    if column is first or not first.get(key):
        return cell
    change = value / first[key] - 1
    kind = "" if not way or abs(change) < _SAME else GOOD if change * way > 0 else BAD
    return f"{cell} {_marked(f'{change:+.0%}', kind)}"


def changed(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: one["value"] if isinstance(one, Mapping) else one
        for name, one in settings.items()
        if not isinstance(one, Mapping) or one["origin"] != "default"
    }


def _origin(result: Result, name: str) -> str:
    """The command, the configuration beyond the defaults and the machine; the result file has all settings."""
    config: Mapping[str, Any] = result.get("config") or {}
    told = {key: result.get(key) for key in ("command", "seed")}
    told |= {"daemon, beyond the defaults": changed(config.get("daemon", {}))}
    told |= {"generator": config.get("generator"), "environment": result.get("environment")}
    kept = {key: value for key, value in told.items() if value}
    text = escape(json.dumps(kept, indent=2, ensure_ascii=False))
    return f"<details><summary>{escape(name)}</summary><pre>{text}</pre></details>"


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
        "--html": {"metavar": "OUT", "type": writable, "default": "report.html", "help": "(report.html)"},
        "--svg": {"metavar": "OUT", "type": writable, "help": _DRAWN},
    },
)
