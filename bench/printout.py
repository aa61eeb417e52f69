"""Results as lines of text and as JSON, and progress while they come about; README.md says what they mean."""

import argparse
import asyncio
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from bench import machine
from bench.checks import Tally
from bench.histogram import Histogram

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


BOUND_SHARE = 0.8  # above this much of one core the generator, not the daemon, may set the pace
BOUND_LAG = 0.1  # above this part of the delivery latency the generator's own delay is a part of the figure
LATE = "LATE, not busy: its lag is a part of the latencies; others use its cores, or it meets bursts"

_COLUMNS = (("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p99_9", "p99.9"), ("max", "max"))


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


def latency_table(rows: Mapping[str, tuple[Histogram, str]]) -> list[str]:
    """A row for each histogram that is not empty: count, percentiles, a word on what it measures."""
    lines = ["".ljust(14) + "count".rjust(12) + "".join(title.rjust(11) for _, title in _COLUMNS)]
    for name, (histogram, meaning) in rows.items():
        if histogram.count:
            points = histogram.milliseconds()
            cells = "".join(duration(points[point]).rjust(11) for point, _ in _COLUMNS)
            lines.append(f"  {name:<12}{histogram.count:>12,}{cells}   {meaning}")
    return lines


def correctness(tally: Tally) -> list[str]:
    counts = " · ".join(f"{name} {count:,}" for name, count in tally.counts().items())
    verdict = "PASS" if tally.clean else "FAIL"
    return [f"  correct     {counts}   {verdict}", *(f"    {example}" for example in tally.examples)]


def frequent(title: str, counts: Counter[str]) -> list[str]:
    return [f"  {title:<10}  {count:,} times: {reason}" for reason, count in counts.most_common(5)]


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
    daemon, machine = result["config"]["daemon"], result["environment"]
    if "url" in daemon:
        return [f"server  {daemon['url']} · not started here, so its versions and settings are not known"]
    if "listen.address" not in daemon:
        return []
    versions = f"chatd {machine['chatd']} · SQLite {machine['sqlite']} · Python {machine['python']}"
    return [f"server  {versions} · ws://{daemon['listen.address']['value']}/v1/ws"]


def placement(result: Mapping[str, Any]) -> list[str]:
    """Which cores a daemon of our own and the generator had, and what its database lay on."""
    server = result["server"]
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
    lag_ms = result["schedule_lag_ms"]["p99"]
    lag = f"schedule lag p99 {duration(lag_ms)} · " if lag_ms else ""
    share = result["generator"]["cpu_share"]
    verdict = "not the bottleneck"
    if result["generator_bound"]:
        verdict = f"GENERATOR-{'BOUND: the daemon may be faster' if share > BOUND_SHARE else LATE}"
    lines = [f"  generator   {lag}cpu {share:.2f} core · {verdict}"]
    if server := result["server"]:
        rss = size(server["rss_bytes_max"])
        lines.append(f"  server      cpu {server['cpu_share']:.2f} core · rss at most {rss} · over loopback")
        lines += [f"    it logged: {line}" for line in server["complaints"]]
    return lines


def generator_bound(cpu_share: float, lag_ms: float, latency_ms: float) -> bool:
    """Whether the generator may have set the pace: too busy, or late by a part of the latency (both p99)."""
    return cpu_share > BOUND_SHARE or lag_ms > BOUND_LAG * latency_ms


def per_second(rows: Sequence[Mapping[str, Any]]) -> str:
    key = "deliveries" if any(row["deliveries"] for row in rows) else "acks"
    counted = {int(row["second"]): row[key] for row in rows}
    return spark([counted.get(second, 0) for second in range(max(counted, default=-1) + 1)])


def spark(values: Sequence[float]) -> str:
    """A line of blocks, the largest value full, nothing as a dot.

    >>> spark([1, 4, 0, 8])
    '▁▄·█'
    """
    most = max(values, default=0) or 1
    return "".join(_BLOCKS[math.ceil(value / most * (len(_BLOCKS) - 1))] for value in values)


_BLOCKS = "·▁▂▃▄▅▆▇█"  # the first is for nothing


_TITLES = {
    "acks": "durable messages",
    "rss_mib": "resident memory",
    "page_ms": "page of 50",
    "polite_ms": "polite send",
    "connect.acks": "hellos answered",
    "connect.ack_ms": "hello answered",
    "connect.resume_ms": "synchronised",
    "mixed.resume_ms": "back after a cut",
    "reconnect.resume_ms": "back and complete",
}


def title(scenario: str, name: str) -> str:
    """The title of a latency or a count: the same counter means something else in another scenario.

    >>> title("direct", "acks"), title("connect", "acks"), title("direct", "ack_ms")
    ('durable messages', 'hellos answered', 'ack')
    """
    return _TITLES.get(f"{scenario}.{name}") or _TITLES.get(name) or name.removesuffix("_ms")


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
    if name.endswith(("_per_s", "rate")):
        return f"{value:,.0f}/s" if value >= 100 else f"{value:.3g}/s"
    if name.endswith("_s"):
        return duration(value * 1000)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3f}"
