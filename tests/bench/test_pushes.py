"""One decoding serves all phones, equal events have equal identities, arrivals become latencies."""

from __future__ import annotations

from typing import Any

import pytest

from bench.client import replica
from bench.client.replica import Event, Pushes, Run, identity
from bench.engine.record import MessageId, Record, Script


def event(seq: int, **changes: Any) -> dict[str, Any]:
    return {"seq": seq, "kind": "message", "user": "u", "key": key(seq), "body": {"text": "hi"}, **changes}


def push(*events: dict[str, Any], room: str = "r") -> dict[str, Any]:
    return {"type": "event", "room": room, "events": list(events)}


SCRIPT = Script("runs")


def key(number: int) -> str:
    return SCRIPT.key(MessageId(0, number, 1_000, 1_000))


def cache(record: Record | None = None) -> Pushes:
    return Pushes(SCRIPT, record or Record())


def test_the_runs_of_a_frame_are_found_again_by_its_bytes() -> None:
    kept = cache()
    assert kept.get(b"frame") is None
    stored = kept.put(b"frame", [push(event(1), event(2)), push(event(1), room="s")])
    assert kept.get(b"frame") is stored
    assert [(run.room, run.first, run.last, len(run.messages)) for run in stored] == [
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
        identity("r", event(2, key=key(1))),
        identity("r", event(1, user="v")),
        identity("r", event(1, body={"text": "ho"})),
        identity("r", event(1, ordinal=3)),
    ]
    assert len({plain, *others}) == 6


def test_an_event_told_differently_is_not_taken_for_the_one_seen_before() -> None:
    kept = cache()
    first = kept.event("r", event(1))
    assert kept.event("r", event(1)) is first
    assert kept.event("r", event(1, body={"text": "psst"})).identity != first.identity
    assert kept.event("r", event(1)).identity == first.identity


def test_only_messages_of_this_run_count_as_messages() -> None:
    run = cache().run(push(event(1), event(2, key="k99"), {"seq": 3, "kind": "joined", "user": "u"}))
    assert (len(run.messages), run.last) == (1, 3)


def test_arrivals_become_one_latency_for_each_message_and_user() -> None:
    record = Record()
    dues = (10_000, 20_000)
    run = Run(
        "r", [Event(place, 0, MessageId(0, place, due_ns, due_ns)) for place, due_ns in enumerate(dues)]
    )
    for user in range(100):
        run.arrived(1_020_000 + user * 10)
    run.settle(record)
    run.settle(record)
    latencies = record.deliveries()
    assert latencies.count == 200
    assert latencies.smallest == pytest.approx(1_000_000, rel=0.02)
    assert latencies.percentile(100) == pytest.approx(1_011_000, rel=0.02)


def test_the_oldest_runs_make_room_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "RUNS_MAX", 2)
    record = Record()
    kept = cache(record)
    for seq in (1, 2, 3):
        kept.put(b"%d" % seq, [push(event(seq))])[0].arrived(5_000)
    assert kept.get(b"1") is None
    assert record.deliveries().count == 1
    kept.settle()
    assert record.deliveries().count == 3


def test_remembered_events_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "EVENTS_MAX", 3)
    kept = cache()
    for seq in range(10):
        kept.event("r", event(seq))
    assert len(kept._seen) == 3
