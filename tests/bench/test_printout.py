"""Figures as a person reads them."""

from __future__ import annotations

import argparse
import doctest
import io
import json
from pathlib import Path

import pytest

from bench import outcome, printout
from bench.checks import Tally
from bench.histogram import Histogram


def test_the_examples_in_the_documentation_hold() -> None:
    assert doctest.testmod(printout).failed == 0


def test_every_latency_that_was_counted_has_a_row_by_its_name() -> None:
    ack, none = Histogram.of([4_200_000]).milliseconds(), Histogram().milliseconds()
    (row,) = printout.latencies({"x": {"ack_ms": ack, "resume_ms": none}, "attacks": {"y": {"ack_ms": ack}}})
    assert row[:3] == ["x.ack", "1", "4.20 ms"]


def test_a_table_is_as_wide_as_its_cells_and_has_no_empty_column() -> None:
    assert printout.table(("", "p50", "none", ""), [["ack", "4.20 ms", "", "x"]]) == [
        "             p50",
        "  ack    4.20 ms   x",
    ]


def test_a_dead_second_is_a_dot_whether_the_timeline_has_it_or_not() -> None:
    seconds = [(0, 8, 2), (1, 0, 2), (3, 4, 2)]
    rows = [{"second": at, "deliveries": deliveries, "acks": acks} for at, deliveries, acks in seconds]
    assert printout.per_second(rows) == ["  per second  █··▄ deliveries"]
    assert printout.per_second([{**row, "deliveries": 0} for row in rows]) == ["  per second  ██·█ acks"]
    assert printout.per_second([]) == []


def test_a_fault_fails_and_is_shown() -> None:
    tally = Tally()
    assert printout.correctness({"scenario": "x", **tally.counts()})[0].endswith("PASS")
    tally.add("lost", "k1 by ann is not in the log")
    found = {"scenario": "x", **tally.counts(), "examples": tally.examples}
    verdict, example = printout.correctness(found)
    assert verdict.endswith("FAIL")
    assert "k1 by ann" in example


@pytest.mark.parametrize(
    ("share", "lag_ms", "bound"), [(0.3, 0, False), (0.3, 9, False), (0.95, 0, True), (0.3, 11, True)]
)
def test_a_generator_that_is_busy_or_late_is_the_bottleneck(share: float, lag_ms: float, bound: bool) -> None:
    assert printout.generator_bound(share, lag_ms, latency_ms=100) is bound


@pytest.mark.parametrize(
    ("share", "said"), [(0.95, "BOUND: the daemon may be faster"), (0.08, "LATE, not busy")]
)
def test_a_generator_that_is_late_is_not_called_busy(share: float, said: str) -> None:
    lag = {"schedule_lag_ms": {"p99": 18.0}, "generator_bound": True, "server": None}
    (line,) = printout.load({"generator": {"cpu_share": share}, **lag})
    assert f"schedule lag p99 18.0 ms · cpu {share:.2f} core · GENERATOR-{said}" in line


def test_the_load_of_both_sides_is_told() -> None:
    server = {"cpu_share": 0.5, "rss_bytes_max": 3 * 1024**2, "complaints": ["WARNING disk"]}
    result = {
        "generator": {"cpu_share": 0.3},
        "generator_bound": True,
        "schedule_lag_ms": {"p99": 0.0},
        "server": server,
    }
    lines = printout.load(result)
    assert "GENERATOR-LATE" in lines[0]
    assert "3 MiB" in lines[1]
    assert lines[2:] == ["    it logged: WARNING disk"]


def test_a_result_is_written_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printout.write_json({"a": "é"}, str(tmp_path / "out.json"))
    printout.write_json({"a": "é"}, "-")
    assert json.loads((tmp_path / "out.json").read_text()) == {"a": "é"}
    assert json.loads(capsys.readouterr().out) == {"a": "é"}


def test_a_result_without_a_directory_is_refused_beforehand(tmp_path: Path) -> None:
    assert printout.writable("-") == "-"
    assert printout.writable(str(tmp_path / "out.json"))
    with pytest.raises(argparse.ArgumentTypeError, match="no directory"):
        printout.writable(str(tmp_path / "none" / "out.json"))


def test_the_environment_names_what_a_comparison_needs() -> None:
    told = outcome.environment()
    assert {"chatd", "python", "platform", "cpus", "cpu", "memory", "sqlite", "libraries"} == told.keys()
    assert told["libraries"]["msgpack"] != "absent"
    assert outcome._version("no-such-library") == "absent"
    assert outcome._first("/proc/none", "x") == ""


async def test_progress_ends_with_a_plain_line_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    with printout.shown(lambda: "working", out):
        pass
    assert out.getvalue() == "  working  0 s\n"


async def test_progress_renews_its_line_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    with printout.shown(lambda: "working", out):
        pass
    assert out.getvalue() == "\r\x1b[K  working  0 s\n"


def test_a_bar_fills() -> None:
    assert printout.bar(0, 4) == "[....................] 0/4"
    assert printout.bar(2_000, 4_000) == "[##########..........] 2,000/4,000"
    assert printout.bar(0, 0).startswith("[####################]")
