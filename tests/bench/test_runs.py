"""One decoding serves all phones, equal events have equal identities, arrivals become latencies."""

from __future__ import annotations

from typing import Any

import pytest

from bench import runs
from bench.histogram import Histogram
from bench.runs import Run, Runs, Sighting, identity


def event(seq: int, **changes: Any) -> dict[str, Any]:
    return {"seq": seq, "kind": "message", "user": "u", "key": f"k{seq}", "body": {"text": "hi"}, **changes}


def push(*events: dict[str, Any], room: str = "r") -> dict[str, Any]:
    return {"type": "event", "room": room, "events": list(events)}


def cache() -> Runs:
    return Runs(lambda key: 1_000 if key != "k99" else 0)


def test_the_runs_of_a_frame_are_found_again_by_its_bytes() -> None:
    kept = cache()
    assert kept.get(b"frame") is None
    stored = kept.put(b"frame", [push(event(1), event(2)), push(event(1), room="s")])
    assert kept.get(b"frame") is stored
    assert [(run.room, run.first, run.last, run.messages) for run in stored] == [
        ("r", 1, 2, 2),
        ("s", 1, 1, 1),
    ]


def test_a_push_without_events_is_no_run() -> None:
    assert cache().put(b"frame", [push()]) == ()


def test_identities_depend_on_everything_but_the_order_of_keys() -> None:
    plain = identity("r", event(1))
    assert plain == identity("r", dict(reversed(event(1).items())))
    others = [
        identity("s", event(1)),
        identity("r", event(2, key="k1")),
        identity("r", event(1, user="v")),
        identity("r", event(1, body={"text": "ho"})),
        identity("r", event(1, ordinal=3)),
    ]
    assert len({plain, *others}) == 6


def test_an_event_told_differently_is_not_taken_for_the_one_seen_before() -> None:
    kept = cache()
    first = kept.sighting("r", event(1))
    assert kept.sighting("r", event(1)) is first
    assert kept.sighting("r", event(1, body={"text": "psst"})).identity != first.identity
    assert kept.sighting("r", event(1)).identity == first.identity


def test_only_messages_of_this_run_count_as_messages() -> None:
    run = cache().run(push(event(1), event(2, key="k99"), {"seq": 3, "kind": "joined", "user": "u"}))
    assert (run.messages, run.last) == (1, 3)
    assert run.authors == {"u"}


def test_arrivals_become_one_latency_for_each_message_and_phone() -> None:
    run, latencies = (
        Run("r", [Sighting(1, 0, "u", "a", 10_000), Sighting(2, 0, "u", "b", 20_000)]),
        Histogram(),
    )
    for phone in range(100):
        run.arrived(1_020_000 + phone * 10)
    run.settle(latencies)
    run.settle(latencies)
    assert latencies.count == 200
    assert latencies.smallest == pytest.approx(1_000_000, rel=0.02)
    assert latencies.percentile(100) == pytest.approx(1_011_000, rel=0.02)


def test_the_oldest_runs_make_room_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "RUNS_MAX", 2)
    kept = cache()
    for seq in (1, 2, 3):
        kept.put(b"%d" % seq, [push(event(seq))])[0].arrived(5_000)
    assert kept.get(b"1") is None
    assert kept.live.count == 1
    kept.settle()
    assert kept.live.count == 3


def test_remembered_events_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "EVENTS_MAX", 3)
    kept = cache()
    for seq in range(10):
        kept.sighting("r", event(seq))
    assert len(kept._seen) == 3
