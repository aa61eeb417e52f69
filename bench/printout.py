"""Results as lines of text and as JSON, and progress while they come about; README.md says what they mean."""

import argparse
import asyncio
import json
import math
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from bench import machine
from bench import results as known
from bench.checks import COUNTERS
from bench.results import Result

TERMINAL_INTERVAL_S = 0.25  # fast enough to look alive, too slow to cost anything
PLAIN_INTERVAL_S = 5.0  # a log of a minute's run stays a dozen lines
_CLEAR_LINE = "\r\x1b[K"
_BAR_CELLS = 20


@contextmanager
def shown(describe: Callable[[], str], stream: TextIO | None = None) -> Iterator[None]:
    """Shows `describe()` now and then until the block ends, and once more at its end."""
    out = stream if stream is not None else sys.stderr
    terminal = out.isatty()
    interval_s = TERMINAL_INTERVAL_S if terminal else PLAIN_INTERVAL_S
    loop = asyncio.get_running_loop()
    started = time.monotonic()
    timer: asyncio.TimerHandle

    def show(end: str = "") -> None:
        line = f"  {describe()}  {time.monotonic() - started:.0f} s"
        out.write(f"{_CLEAR_LINE}{line}{end}" if terminal else f"{line}\n")
        out.flush()

    def tick() -> None:
        nonlocal timer
        show()
        timer = loop.call_later(interval_s, tick)

    timer = loop.call_later(interval_s, tick)
    try:
        yield
    finally:
        timer.cancel()
        show("\n")


def bar(done: int, total: int) -> str:
    cells = _BAR_CELLS * done // total if total else _BAR_CELLS
    return f"[{'#' * cells}{'.' * (_BAR_CELLS - cells)}] {done:,}/{total:,}"


BOUND = "GENERATOR-BOUND"
ADDRESS = "CHATD_LISTEN__ADDRESS"
COLUMNS = 110  # of the lines of figures
BOUND_SHARE = 0.8  # above this much of one core the generator, not the daemon, may set the pace
BOUND_LAG = 0.1  # above this part of the delivery latency the generator's own delay is a part of the figure
LATE = "LATE, not busy: its lag is a part of the latencies; others use its cores, or it meets bursts"


def writable(out: str) -> str:
    """The name of a result file, checked before a long run rather than after it. Raises ArgumentTypeError."""
    if out != "-" and not Path(out).absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no directory for {out}")
    return out


def write_json(result: Mapping[str, Any], out: str) -> None:
    text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    if out == "-":
        sys.stdout.write(text)
    else:
        Path(out).write_text(text)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table of texts, the first and the last of each row on the left; empty columns are left out."""
    kept = [place for place in range(len(heads)) if not place or any(row[place] for row in rows)]
    lines = [[row[place] for place in kept] for row in (heads, *rows)]
    widths = [max(map(len, cells)) + 2 for cells in zip(*lines, strict=True)]

    def line(cells: Sequence[str]) -> str:
        middle = (cell.rjust(width) for cell, width in zip(cells[1:-1], widths[1:-1], strict=True))
        return f"  {cells[0].ljust(widths[0])}{''.join(middle)}   {cells[-1]}".rstrip()

    return [line(cells) for cells in lines] if rows else []


# Figures that stand in a line of their own, or in the command that is printed last.
_ELSEWHERE = (*COUNTERS, "duration_s", "warmup_s", "rate", "in_flight")
_POINTS = {"p50": "p50", "p90": "p90", "p99": "p99", "p99_9": "p99.9", "max": "max"}


def latencies(tree: Mapping[str, Any], prefix: str = "") -> Iterator[list[str]]:
    """A row for every latency of a result that was counted, by its dotted name."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and key not in _PARTS:
            if "p50" in value and value["count"]:
                points = [duration(value[point]) if point in value else "" for point in _POINTS]
                yield [f"{prefix}{key.removesuffix('_ms')}", f"{value['count']:,}", *points, ""]
            else:
                yield from latencies(value, f"{prefix}{key}.")


def text(result: Result) -> list[str]:
    """A result as lines; every figure has the name that it has in the result."""
    pace = f"open loop, {result['arrival']}, {result['rate']:g}/s" if result.get("rate") else ""
    if result.get("in_flight"):
        pace = f"CLOSED loop, {result['in_flight']} in flight each"
    said = (f"bench {result['scenario']}", pace, result.get("encoding"), f"seed {result.get('seed', 1)}")
    figures = (
        f"{name} {worded(name, value)}"
        for name, value in known.figures(result).items()
        if name not in _ELSEWHERE and "_ms." not in name and "server." not in name
        if value or name not in known.COUNTS
        if name.partition(".")[0] not in _PARTS
    )
    body = [
        table(("", "count", *_POINTS.values(), ""), list(latencies(result))),
        *tables(result),
        textwrap.wrap(" · ".join(figures), COLUMNS, initial_indent="  ", subsequent_indent="  "),
        [*per_second(result.get("timeline") or ()), *correctness(result), *load(result)],
    ]
    lines = [" · ".join(filter(None, said)), *server(result), *placement(result)]
    return lines + [line for part in body if part for line in ("", *part)]


def correctness(result: Result) -> list[str]:
    counted = known.faults(result)
    if counted is None:
        return []
    counts = " · ".join(f"{name} {count:,}" for name, count in counted.items())
    verdict = "FAIL" if any(counted.values()) else "PASS"
    return [f"  correct     {counts}   {verdict}", *(f"    {one}" for one in known.examples(result))]


def thresholds(verdicts: Mapping[str, str]) -> list[str]:
    return [f"  thresholds  {' · '.join(map(' '.join, verdicts.items()))}"] if verdicts else []


def duration(milliseconds: float) -> str:
    """A duration with three digits and its unit.

    >>> duration(0.0421), duration(4.2), duration(48.26), duration(1234.5), duration(61_000)
    ('0.042 ms', '4.20 ms', '48.3 ms', '1.23 s', '61.0 s')
    """
    value, unit = (milliseconds, "ms") if milliseconds < 1000 else (milliseconds / 1000, "s")
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} {unit}"


def size(count_bytes: float) -> str:
    return f"{count_bytes / 1024**2:,.0f} MiB"


def server(result: Mapping[str, Any]) -> list[str]:
    """The daemon that was measured; nothing when nobody was asked over a connection."""
    daemon, here = (result.get("config") or {}).get("daemon", {}), result.get("environment") or {}
    if "url" in daemon:
        return [f"server  {daemon['url']} · not started here, so its versions and settings are not known"]
    if ADDRESS not in daemon:
        return []
    versions = f"chatd {here['chatd']} · SQLite {here['sqlite']} · Python {here['python']}"
    return [f"server  {versions} · ws://{daemon[ADDRESS]}/v1/ws"]


def placement(result: Mapping[str, Any]) -> list[str]:
    """Which cores a daemon of our own and the generator had, and what its database lay on."""
    server = result.get("server")
    if not server or "cores" not in server:
        return []
    ours, theirs, storage = server["cores"], result["generator"]["cores"], server["storage"]
    shared = ", THE SAME CORES: each is in the figures of the other" if set(ours) & set(theirs) else ""
    where = f"{storage['filesystem']}, {storage['mount']}" if storage else "nobody tells what"
    sides = f"daemon on {_cores(ours)} · generator on {_cores(theirs)}{shared}"
    lines = [f"placed  {sides} · database on {where}"]
    return lines + ([f"WARNING {IN_MEMORY}"] if machine.in_memory(result) else [])


IN_MEMORY = (
    "THE DATABASE LIES IN MEMORY: nothing here is what a durable message costs; TMPDIR can name a disk"
)


def _cores(numbers: Sequence[int]) -> str:
    return f"core{'s'[: len(numbers) > 1]} {', '.join(map(str, numbers))}" if numbers else "any core"


def load(result: Mapping[str, Any]) -> list[str]:
    if "schedule_lag_ms" not in result:
        return []
    lag_ms = result["schedule_lag_ms"]["p99"]
    lag = f"schedule lag p99 {duration(lag_ms)} · " if lag_ms else ""
    share = result["generator"]["cpu_share"]
    verdict = "not the bottleneck"
    if result["generator_bound"]:
        verdict = f"GENERATOR-{'BOUND: the daemon may be faster' if share > BOUND_SHARE else LATE}"
    lines = [f"  generator   {lag}cpu {share:.2f} core · {verdict}"]
    if server := result.get("server"):
        rss = size(server["rss_bytes_max"])
        lines.append(f"  server      cpu {server['cpu_share']:.2f} core · rss at most {rss} · over loopback")
        lines += [f"    it logged: {line}" for line in server["complaints"]]
    return lines


def generator_bound(cpu_share: float, lag_ms: float, latency_ms: float) -> bool:
    """Whether the generator may have set the pace: too busy, or late by a part of the latency (both p99)."""
    return cpu_share > BOUND_SHARE or lag_ms > BOUND_LAG * latency_ms


def per_second(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line of what was counted in every second: people who were back, deliveries or acknowledgements."""
    key = next((key for key in ("resumed", "deliveries") if any(row.get(key) for row in rows)), "acks")
    counted = {int(row["second"]): row.get(key, 0) for row in rows}
    drawn = spark([counted.get(second, 0) for second in range(max(counted, default=-1) + 1)])
    return [f"  per second  {drawn} {key}"] if drawn else []


def spark(values: Sequence[float]) -> str:
    """A line of blocks, the largest value full, nothing as a dot.

    >>> spark([1, 4, 0, 8])
    '▁▄·█'
    """
    most = max(values, default=0) or 1
    return "".join(_BLOCKS[math.ceil(value / most * (len(_BLOCKS) - 1))] for value in values)


_BLOCKS = "·▁▂▃▄▅▆▇█"  # the first is for nothing


def worded(name: str, value: float) -> str:
    """A figure with its unit, which its name tells.

    >>> worded("ack_ms.p99", 4.2), worded("server.rss_bytes", 3 * 1024**2), worded("deliveries_per_s", 123456.7)
    ('4.20 ms', '3 MiB', '123,457/s')
    """
    if "_ms" in name:
        return duration(value)
    if name.endswith("_us"):
        return f"{value:.3f} us"
    if name.endswith(("_bytes", "_bytes_max")):
        return size(value) if value >= 1024**2 else f"{value / 1024:,.1f} KiB"
    if "cpu" in name and not name.endswith("_s"):
        return f"{value:.2f}"
    if name.endswith(("_per_s", "rate")):
        return f"{value:,.0f}/s" if value >= 100 else f"{value:.3g}/s"
    if name.endswith("_s"):
        return duration(value * 1000)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3f}"


# Parts of a result that are runs side by side: the figures of each run, the first that it has, and the
# meaning of what is said of each.
_TABLES: dict[tuple[str, ...], tuple[dict[str, str], str]] = {
    ("floor", "chatd", "peers"): (
        {
            "deliveries": "deliveries_per_s",
            "answered": "acks_per_s",
            "p50": "delivery_ms.p50 ack_ms.p50",
            "p99": "delivery_ms.p99 ack_ms.p99",
            "its core": "server.cpu_share",
        },
        "it does not",
    ),
    ("attacks",): (
        {
            "quiet p99": "quiet_ms.p99",
            "p99": "ack_ms.p99",
            "ratio": "ratio",
            "after 1 s": "ratio_later",
            "refused": "hellos_refused",
            "frames": "attacker.frames",
            "closed": "attacker.closed",
            "turned away": "attacker.turned_away",
            "held": "held",
        },
        "",
    ),
    ("rounds",): (
        {"p99 moved": "p99_moved", "memory": "memory_growth_bytes", "steps taken": "slow_consumers"},
        "",
    ),
}


_PARTS = {"generator", "goals", *(part for parts in _TABLES for part in parts)}


def tables(result: Result) -> Iterator[list[str]]:
    """Everything in a result that was measured side by side, and what each does not do."""
    for parts, (columns, words) in _TABLES.items():
        runs = [one for part in parts for one in _named(result.get(part) or {})]
        rows = [
            [name, *(_cell(row, paths) for paths in columns.values()), *_notes(row)] for name, row in runs
        ]
        yield table(("", *columns, "note", words), rows)
    rows = [
        [goal["name"], one["title"], *_bounds(one), one["verdict"], one["unit"]]
        for goal in result.get("goals", ())
        for one in goal["figures"]
    ]
    yield table(("", "figure", "measured", "must", "aim", "verdict", ""), rows)


def _named(runs: Mapping[str, Any] | Sequence[Any]) -> Iterable[tuple[str, Any]]:
    return runs.items() if isinstance(runs, Mapping) else [(f"{at}", row) for at, row in enumerate(runs, 1)]


def _bounds(figure: Mapping[str, Any]) -> list[str]:
    """The value of a figure of the targets, and what it must and should be."""
    return ["" if figure[key] is None else f"{figure[key]:,.3g}" for key in ("value", "must", "aim")]


def _cell(row: Mapping[str, Any], paths: str) -> str:
    figures = known.figures({"scenario": "", **row})
    found = next((path for path in paths.split() if path in figures or path in row), "")
    if isinstance(row.get(found), bool):
        return "yes" if row[found] else "NO"
    return worded(found, figures[found]) if figures.get(found) else ""


def _notes(row: Mapping[str, Any]) -> tuple[str, str]:
    """The faults of a run or why there is none, and what was said about it."""
    why = [state for state in known.UNPLAYED if state in row]
    bound = [BOUND] if row.get("generator_bound") else []
    words = [row[key] for key in ("does_not", "about") if row.get(key)]
    words += [f"({row[state]})" for state in known.UNPLAYED if state in row]
    return ", ".join([*why, *known.faults_of(row), *bound]), " ".join(words)
