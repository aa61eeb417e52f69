"""The result of a load: one dictionary as `--json` has it, what it was measured with, and the exit code it means."""

import argparse
import importlib.metadata
import math
import os
import platform
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import machine, printout
from bench import results as known
from bench.engine.record import Record, Second
from bench.engine.run_state import Pacing, Report
from bench.engine.workers import Load, Plan, measure
from bench.histogram import Histogram
from bench.report.page import page
from bench.results import PASS, UNMEASURED, Threshold
from bench.server import SECRET_VARIABLE, Daemon, Endpoint, Unreachable
from bench.wire import HandshakeError

_HOW = ("command", "scenario")  # these stand by themselves
# On the hot path.
_LIBRARIES = "uvloop", "uvicorn", "httptools", "websockets", "msgspec", "msgpack", "aiosqlite"


def environment() -> dict[str, Any]:
    return {
        "chatd": importlib.metadata.version("chatd"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "cpu": _first("/proc/cpuinfo", "model name"),
        "memory": _first("/proc/meminfo", "MemTotal"),
        "sqlite": sqlite3.sqlite_version,
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def _first(path: str, field: str) -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def of_daemon(daemon: Daemon | None, url: str = "") -> dict[str, Any]:
    """The variables a daemon was started with, its secret left out; of one at a URL just that."""
    if daemon is None:
        return {"url": url}
    return {name: value for name, value in daemon.environment.items() if name != SECRET_VARIABLE}


def of_generator(options: argparse.Namespace) -> dict[str, str]:
    told = {name: value for name, value in vars(options).items() if name not in _HOW}
    return {name: _word(value) for name, value in told.items() if value not in (None, [], False)}


def _word(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(_word, value))
    return value.text if isinstance(value, Threshold) else str(value)


CORRECT, FAULTY, UNREACHABLE, MISSED = 0, 1, 4, 5
# What is raised where there is none to talk to.
NO_DAEMON = (Unreachable, HandshakeError, TimeoutError, OSError)

# What every result has, whatever it measured; what a scenario has nothing of is 0, with a count of 0 where it has one.
DURATIONS = ("ack_ms", "delivery_ms", "resume_ms")

Played = tuple[dict[str, Any], Report]


async def play(scenario: str, plan: Plan, there: Endpoint, shares: int = 1) -> Played:
    """Carry a plan out with so many processes: the result, and what it is made of. Raises Unreachable."""
    seen, measured = await measure(plan, shares, there)
    return of(scenario, seen, measured, there, plan.pacing), seen


def of(scenario: str, seen: Report, measured: Load, there: Endpoint, pacing: Pacing) -> dict[str, Any]:
    record = seen.record
    acks, deliveries = record.acks(), record.deliveries()
    timed = {"ack": acks, "delivery": deliveries, "resume": record.resumes}
    sent = {"ack": record.acks_sent, "delivery": record.deliveries_sent}
    seconds = max(pacing.duration_s, (record.last_ns - record.from_ns) / 1e9)
    return {
        "scenario": scenario,
        "loop": "open" if pacing.rate else "closed",
        "rate": pacing.rate or None,
        "in_flight": None if pacing.rate else pacing.in_flight,
        "arrival": pacing.arrival if pacing.rate else None,
        "seed": pacing.seed,
        "duration_s": pacing.duration_s,
        "warmup_s": pacing.warmup_s,
        "encoding": there.encoding.name,
        "messages": record.messages,
        "deliveries": deliveries.count,
        "seconds": round(seconds, 3),
        "deliveries_per_s": round(deliveries.count / seconds, 1),
        "acks_per_s": round(acks.count / seconds, 1),
        **seen.tally.counts(),
        **{f"{name}_ms": histogram.milliseconds() for name, histogram in timed.items()},
        "from_actual_send": {f"{name}_ms": histogram.milliseconds() for name, histogram in sent.items()},
        **generator(seen, record),
        "server": measured.counted()["server"],
        "timeline": timeline(record, pacing.duration_s),
        "histograms": {name: histogram.sparse() for name, histogram in timed.items()},
        "failures": dict(seen.failures),
        "config": {"daemon": of_daemon(there.daemon, there.url)},
        "examples": seen.tally.examples,
    }


def generator(seen: Report, record: Record) -> dict[str, Any]:
    share = seen.cpu_s / seen.seconds if seen.seconds else 0.0
    lag, latency = record.lags.milliseconds(), record.deliveries()
    latency_ms = (latency if latency.count else record.acks()).milliseconds()
    return {
        "generator_bound": printout.generator_bound(share, lag["p99"], latency_ms["p99"]),
        "generator": {"cpu_share": round(share, 3), "cores": machine.bound()},
        "schedule_lag_ms": lag,
    }


def timeline(record: Record, duration_s: float) -> list[dict[str, Any]]:
    """Every second of the run by the messages that were due in it, also those in which none was."""
    seconds = {place: Second() for place in range(math.ceil(duration_s))} | record.seconds
    return [
        {
            "second": place,
            "messages": second.messages,
            "acks": second.acks.count,
            "deliveries": second.deliveries.count,
            "ack_ms": second.acks.milliseconds(),
            "delivery_ms": second.deliveries.milliseconds(),
        }
        for place, second in sorted(seconds.items())
    ]


def complete(result: Mapping[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    none = Histogram().milliseconds()
    wanted: dict[str, Any] = {**dict.fromkeys(known.COUNTS, 0), **dict.fromkeys(DURATIONS, none)}
    wanted |= {"generator_bound": False, "server": None, "timeline": []}
    wanted |= {"command": options.command, "environment": environment()}
    both = {"daemon": {}, **result.get("config", {}), "generator": of_generator(options)}
    return {**{key: value for key, value in wanted.items() if key not in result}, "config": both}


def finish(result: dict[str, Any], options: argparse.Namespace, more: Sequence[str] = ()) -> int:
    """Judges the thresholds, prints, writes the files; the exit code.

    `unmeasured` in a result says why the scenario did not come to what it is there to measure.
    """
    empty = _empty(result)
    verdicts = {one.text: UNMEASURED if empty else one.check(result) for one in options.threshold}
    result["thresholds"] = {text: verdict == PASS for text, verdict in verdicts.items()}
    result |= complete(result, options)
    lines = [*printout.text(result), *more]
    lines += ["  measured    NOTHING WAS MEASURED: a longer run, or a higher rate"] if empty else []
    lines += [f"  measured    NOT WHAT WAS ASKED: {result['unmeasured']}"] if result.get("unmeasured") else []
    lines += printout.thresholds(verdicts)
    lines += ["", f"  repeat      {result['command']}"]
    if options.json:
        printout.write_json(result, options.json)
    if options.html:
        Path(options.html).write_text(page([result]), "utf-8")
    print("\n".join(lines), file=sys.stderr if options.json == "-" else sys.stdout)
    if any((known.faults(result) or {}).values()):
        return FAULTY
    return MISSED if empty or result.get("unmeasured") or not all(result["thresholds"].values()) else CORRECT


def _empty(result: Mapping[str, Any]) -> bool:
    counts = [result[name] for name in ("messages", "sessions") if name in result]
    counts += [result[name]["count"] for name in DURATIONS if name in result]
    return bool(counts) and not any(counts)
