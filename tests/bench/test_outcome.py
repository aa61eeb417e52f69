"""A result is judged, printed and written, whatever it holds; what proves nothing is no success."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from bench import outcome
from bench.engine.record import MessageId, Record
from bench.engine.run_state import Report
from bench.results import Threshold

MEASURED: dict[str, Any] = {
    "scenario": "fanout",
    "messages": 3,
    "lost": 0,
    "ack_ms": {"count": 3, "p50": 1.0, "p90": 1.0, "p99": 1.0, "p99_9": 1.0, "max": 1.0},
}
NOTHING: dict[str, Any] = {**MEASURED, "messages": 0, "ack_ms": dict.fromkeys(MEASURED["ack_ms"], 0)}


def options(tmp_path: Path, *thresholds: str) -> argparse.Namespace:
    return argparse.Namespace(
        json=str(tmp_path / "r.json"),
        html=str(tmp_path / "r.html"),
        threshold=[Threshold.parse(text) for text in thresholds],
        url=None,
        command="python -m bench direct",
    )


@pytest.mark.parametrize(
    ("result", "limit", "code", "word"),
    [
        (MEASURED, "ack.p99<2ms", outcome.CORRECT, "ack.p99<2ms PASS"),
        (MEASURED, "ack.p99<0.5ms", outcome.MISSED, "ack.p99<0.5ms MISSED"),
        (MEASURED, "ak.p99<2ms", outcome.MISSED, "ak.p99<2ms MISSED: there is no such figure"),
        (MEASURED, "delivery.p99<2ms", outcome.MISSED, "delivery.p99<2ms MISSED"),
        (NOTHING, "lost==0", outcome.MISSED, "lost==0 MISSED: nothing was measured"),
    ],
)
def test_a_run_is_judged_and_written_whatever_the_verdict(
    result: dict[str, Any],
    limit: str,
    code: int,
    word: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert outcome.finish(dict(result), options(tmp_path, limit)) == code
    assert word in capsys.readouterr().out
    assert json.loads((tmp_path / "r.json").read_text())["thresholds"] == {limit: code == outcome.CORRECT}
    assert (tmp_path / "r.html").exists()


def test_a_run_that_measured_nothing_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome.finish(dict(NOTHING), options(tmp_path)) == outcome.MISSED
    assert "NOTHING WAS MEASURED" in capsys.readouterr().out


def test_a_scenario_that_did_not_come_to_its_point_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = {**MEASURED, "unmeasured": "nobody was stalled"}
    assert outcome.finish(result, options(tmp_path)) == outcome.MISSED
    assert "NOT WHAT WAS ASKED: nobody was stalled" in capsys.readouterr().out


def test_a_fault_comes_before_everything_else(tmp_path: Path) -> None:
    assert outcome.finish({**NOTHING, "altered": 1}, options(tmp_path, "lost==0")) == outcome.FAULTY


MS = 1_000_000


@pytest.mark.parametrize(
    ("cpu_s", "lag_ms", "bound"),
    [(0.5, 0.1, False), (7.9, 1.0, False), (8.1, 0.1, True), (0.5, 1.2, True)],
)
def test_a_generator_that_was_too_busy_or_too_late_is_the_bottleneck(
    cpu_s: float, lag_ms: float, bound: bool
) -> None:
    record = Record()
    letter = MessageId(0, 0, 0, int(lag_ms * MS))
    record.fired(0, int(lag_ms * MS))
    record.sent(letter)
    record.acked(letter, 10 * MS)
    record.delivered(letter, 10 * MS)
    result = outcome.generator(Report(record, cpu_s=cpu_s, seconds=10.0), record)
    assert result["generator_bound"] is bound


def test_a_daemon_that_answers_late_does_not_make_the_generator_the_bottleneck() -> None:
    record = Record()
    letter = MessageId(0, 0, 0, 200 * MS)  # its author had to wait for the answer before
    record.fired(0, MS)
    record.sent(letter)
    record.acked(letter, 400 * MS)
    assert outcome.generator(Report(record, cpu_s=1.0, seconds=10.0), record)["generator_bound"] is False


def test_every_second_of_the_run_is_in_the_timeline_also_those_of_a_standstill() -> None:
    record = Record()
    for due_s in (0, 3):
        record.sent(MessageId(0, 0, due_s * 1000 * MS, due_s * 1000 * MS))
    rows = outcome.timeline(record, duration_s=4.5)
    assert [row["second"] for row in rows] == [0, 1, 2, 3, 4]
    assert [row["messages"] for row in rows] == [1, 0, 0, 1, 0]
    assert rows[1]["delivery_ms"]["count"] == 0
