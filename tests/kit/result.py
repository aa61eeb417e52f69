"""The keys that every result file of the harness has, whichever scenario wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.checks import COUNTERS

PERCENTILES = {"p50", "p90", "p99", "p99_9", "max"}
NUMBERS = ("messages", "deliveries", "deliveries_per_s", "acks_per_s", *COUNTERS, "seed")
DURATIONS = ("ack_ms", "delivery_ms", "resume_ms")
OTHERS = ("scenario", "generator_bound", "server", "timeline", "environment", "config", "command")
# Connections are counted before the clock starts.
NOBODY_STAYS = {"connect"}
OF_A_SERVER = {"cpu_s", "rss_bytes", "connections"}


def is_whole(result: Mapping[str, Any]) -> bool:
    """Raise AssertionError, which says what is missing, unless the result of a run with a daemon of its own is
    complete."""
    missing = [key for key in (*NUMBERS, *DURATIONS, *OTHERS) if key not in result]
    assert not missing, missing
    assert all(isinstance(result[key], int | float) for key in NUMBERS), result
    assert all(result[key].keys() >= PERCENTILES for key in DURATIONS), result
    assert result["server"].keys() >= OF_A_SERVER, result["server"]
    assert bool(result["server"]["connections"]) == (result["scenario"] not in NOBODY_STAYS), result["server"]
    assert result["config"]["daemon"], "the settings of the daemon"
    assert result["config"]["generator"], "the options of the generator"
    assert result["environment"]["libraries"]
    return True
