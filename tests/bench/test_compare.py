"""Whose figure it is and which way it is better: a table, and two results held to it."""

from __future__ import annotations

import doctest
import json
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench import compare as comparing
from bench.compare import LESS, MORE, NEITHER, Spread, better, compare, judged

OURS = [
    ("deliveries_per_s", MORE),
    ("connects_per_s", MORE),
    ("chatd.chatd saturated.acks_per_s", MORE),
    ("sending.full.acks_per_s", MORE),
    ("ratio.deliveries", MORE),
    ("ratio.acks", MORE),
    ("ratio.send", MORE),
    ("ratio.nats-server.deliveries", MORE),
    ("knee.rate", MORE),
    ("ratio.delivery_p99", LESS),
    ("ratio.nats-server.delivery_p99", LESS),
    ("ack_ms.p50", LESS),
    ("delivery_ms.p99_9", LESS),
    ("resume_ms.max", LESS),
    ("without.delivery_ms.p99", LESS),
    ("median.decode_us", LESS),
    ("session_bytes", LESS),
    ("memory_growth_bytes", LESS),
    ("server.rss_bytes_max", LESS),
    ("server.cpu_s", LESS),
    ("start.ready_s", LESS),
    ("ready_s", LESS),
    ("complete_s", LESS),
    ("lost", LESS),
    ("unacked", LESS),
    ("chatd.chatd direct.lost", LESS),
]
NOT_OURS = [
    "peers.nats-server.deliveries_per_s",
    "peers.nats-server.lost",
    "floor.push saturated.deliveries_per_s",
    "floor.echo.ack_ms.p99",
    "empty.ready_s",
    "sending.empty.acks_per_s",
    "schedule_lag_ms.p99",
    "generator.cpu_share",
    "limit_ms",
    "rate",
    "messages",
    "duration_s",
    "database.filled_s",
    "attempts",
    "failures.close 4408",
]


@pytest.mark.parametrize(("name", "way"), OURS + [(name, NEITHER) for name in NOT_OURS])
def test_a_figure_has_the_way_of_its_words(name: str, way: int) -> None:
    assert better(name) == way


def test_the_examples_in_the_documentation_hold() -> None:
    assert doctest.testmod(comparing).failed == 0


def test_in_a_closed_loop_nobody_is_blamed_for_using_his_core() -> None:
    server = {"cpu_s": 3.0, "rss_bytes": 1}
    assert "server.cpu_s" in judged({"scenario": "direct", "loop": "open", "server": server})
    assert "server.cpu_s" not in judged({"scenario": "direct", "loop": "closed", "server": server})


def ratio(value: float) -> dict[str, Any]:
    return {"scenario": "floor", "ratio": {"delivery_p99": value}}


def test_a_smaller_part_of_the_latency_of_the_floor_is_better() -> None:
    (delta,) = compare([ratio(1.4), ratio(1.41)], [ratio(1.0), ratio(1.01)])
    assert delta.gained
    assert not delta.worse(0.05)
    (delta,) = compare([ratio(1.0), ratio(1.01)], [ratio(1.4), ratio(1.41)])
    assert delta.worse(0.05)


def test_a_slower_peer_is_no_regression() -> None:
    def beside(theirs: float) -> dict[str, Any]:
        row = {"deliveries_per_s": theirs, "delivery_ms": {"count": 1, "p99": 1 / theirs}}
        return {"scenario": "peers", "peers": {"nats-server": row}}

    assert compare([beside(9.0), beside(9.1)], [beside(1.0), beside(1.1)]) == []


def test_from_nothing_to_something_is_better_where_more_is() -> None:
    def rate(value: float) -> dict[str, Any]:
        return {"scenario": "x", "acks_per_s": value, "memory_growth_bytes": value}

    deltas = {one.name: one for one in compare([rate(0), rate(0)], [rate(5), rate(6)])}
    assert not deltas["acks_per_s"].worse(0.05)
    assert deltas["memory_growth_bytes"].worse(0.05)


def test_what_shrinks_below_zero_became_smaller() -> None:
    def grown(value: float) -> dict[str, Any]:
        return {"scenario": "x", "memory_growth_bytes": value}

    (delta,) = compare([grown(-4), grown(-5)], [grown(-8), grown(-9)])
    assert delta.change is not None
    assert delta.change < 0
    assert delta.gained


def ramp(knee: float, failed: float, p99: float = 5.0) -> dict[str, Any]:
    steps = [{"rate": knee, "held": True}, {"rate": failed, "held": False}]
    latency = {"count": 9, "p99": p99}
    return {"scenario": "ramp", "steps": steps, "knee": {"rate": knee}, "delivery_ms": latency, "lost": 0}


@pytest.mark.parametrize(
    ("after", "worse"),
    [
        (ramp(600, 640), True),
        (ramp(790, 850), False),  # the gaps in which the two knees lie touch
        (ramp(1600, 1700, p99=90.0), False),  # more messages, and each of them later
    ],
)
def test_a_lower_knee_is_a_regression(after: dict[str, Any], worse: bool) -> None:
    deltas = compare([ramp(800, 850)], [after])
    assert [delta.name for delta in deltas] == ["knee.rate", "lost"]
    assert any(delta.worse(0.05) for delta in deltas) is worse


def test_the_knee_lies_between_the_last_rate_that_held_and_the_first_that_did_not() -> None:
    (delta, _) = compare([ramp(800, 850)], [ramp(800, 850)])
    assert delta.before == Spread(800, 800, 850, known=True)


def targets(p99: float, rate: float, verdict: str = "REACHED", correct: bool = True) -> dict[str, Any]:
    latency = {"key": "p99_ms", "value": p99, "must": 5, "more": False, "verdict": verdict}
    saturated = {"key": "ratio", "value": rate, "must": 8, "more": True, "verdict": "REACHED"}
    floor = {"key": "floor", "value": 1 / rate, "must": None, "more": False, "verdict": "reported"}
    goal = {"name": "P1", "figures": [latency, saturated, floor], "correct": correct}
    return {"scenario": "targets", "goals": [goal]}


def test_two_tables_of_targets_are_compared_by_what_must_be_reached() -> None:
    deltas = compare([targets(3, 9), targets(3.1, 9.1)], [targets(4, 12), targets(4.1, 12.1)])
    ways = {delta.name: (delta.way, delta.worse(0.05)) for delta in deltas}
    assert ways == {
        "P1.p99_ms": (LESS, True),
        "P1.ratio": (MORE, False),
        "P1.missed": (LESS, False),
        "P1.incorrect": (LESS, False),
    }


@pytest.mark.parametrize(
    "after", [targets(6, 9, verdict="MISSED"), targets(3, 9, correct=False)], ids=["missed", "incorrect"]
)
def test_a_must_that_is_missed_now_is_worse_even_of_a_single_run(
    after: dict[str, Any], tmp_path: Path
) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file, content in zip(files, (targets(3, 9), after), strict=True):
        file.write_text(json.dumps(content))
    assert command.main(["compare", *map(str, files)]) == 5
    assert command.main(["compare", str(files[0]), str(files[0])]) == 0


def test_the_verdict_says_how_much_was_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(targets(3, 9)))
    assert command.main(["compare", str(file), str(file)]) == 0
    assert "no regression in 2 of 4 figures" in capsys.readouterr().out
