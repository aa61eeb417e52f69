import json
from collections.abc import Mapping

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatd.config import model
from chatd.delivery.outbox import HEADS_PER_FRAME, Outbox

MARKS = model.Outbox(ephemeral_bytes=1024, lag_bytes=4096, close_bytes=8192, stall_s=30.0)


class SlowWire:
    """A wire whose kernel takes bytes when a test says so; blocks above ephemeral_bytes as the transport does."""

    text = False
    address = "192.0.2.1"

    def __init__(self) -> None:
        self.outbox: Outbox
        self.written = b""
        self.buffered = 0
        self.is_blocked = False

    def write(self, frame: bytes) -> None:
        self.written += frame
        self.buffered += len(frame)
        if self.buffered > MARKS.ephemeral_bytes and not self.is_blocked:
            self.is_blocked = True
            self.outbox.blocked()

    def cork(self) -> None: ...

    def uncork(self) -> None: ...

    def buffered_bytes(self) -> int:
        return self.buffered

    def kernel_takes(self, count: int) -> None:
        self.buffered -= min(count, self.buffered)
        if self.is_blocked and self.buffered <= MARKS.ephemeral_bytes // 4:
            self.is_blocked = False
            self.outbox.resumed()

    def drain(self) -> None:
        while self.buffered:
            self.kernel_takes(self.buffered)

    def frames(self) -> list[dict]:
        return [json.loads(line) for line in self.written.splitlines()]

    def close(self, code: int, reason: str) -> None:
        raise AssertionError("an outbox closes nothing by itself")

    def abort(self) -> None:
        raise AssertionError("an outbox aborts nothing by itself")

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def frame(kind: str, size: int = 0, **fields: object) -> bytes:
    content = {"kind": kind, **fields}
    return json.dumps({**content, "pad": "x" * max(0, size - len(json.dumps(content)))}).encode() + b"\n"


class Bench:
    """An outbox on a slow wire, with short names for what tests send."""

    def __init__(self) -> None:
        self.wire = SlowWire()
        self.overflows = 0
        self.steps: list[str] = []
        self.outbox = Outbox(self.wire, MARKS, self)
        self.wire.outbox = self.outbox

    def head_frame(self, heads: Mapping[str, tuple[int, int]]) -> bytes:
        return json.dumps({"kind": "head", "rooms": heads}).encode() + b"\n"

    def lagged(self) -> None:
        self.steps.append("lagged")

    def caught_up(self) -> None:
        self.steps.append("caught up")

    def overflowed(self) -> None:
        self.overflows += 1

    def reply(self, number: int, size: int = 100) -> None:
        self.outbox.send(frame("reply", size, number=number), 0.0)

    def event(self, room: str, seq: int, size: int = 100) -> None:
        self.outbox.send_event(frame("event", size, room=room, seq=seq), room, seq, seq, 0.0)

    def ephemeral(self, size: int = 100) -> None:
        self.outbox.send_ephemeral(frame("typing", size))

    def block(self) -> None:
        """Fill the transport until it blocks."""
        self.reply(0, MARKS.ephemeral_bytes + 1)
        assert not self.outbox.flowing

    def lag(self) -> None:
        """Fill the queue beyond the second mark with replies."""
        self.block()
        self.reply(0, MARKS.lag_bytes)
        assert self.outbox.lagging

    def kinds(self) -> list[str]:
        return [sent["kind"] for sent in self.wire.frames()]

    def heads(self) -> dict[str, list[int]]:
        return {
            room: position for sent in self.wire.frames() for room, position in sent.get("rooms", {}).items()
        }


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_while_flowing_everything_is_written_at_once(bench: Bench) -> None:
    bench.reply(1)
    bench.event("r", 1)
    bench.outbox.send_head("q", 7, 5, 0.0)
    bench.ephemeral()
    assert bench.kinds() == ["reply", "event", "head", "typing"]
    assert bench.heads() == {"q": [7, 5]}
    assert bench.outbox.flowing
    assert bench.outbox.queued_bytes == 0


def test_once_blocked_frames_wait_in_order_until_resumed(bench: Bench) -> None:
    bench.block()
    for number in range(1, 6):
        bench.reply(number)
        bench.event("r", number)
    assert bench.kinds() == ["reply"]
    assert bench.outbox.queued_bytes > 0
    bench.wire.drain()
    assert [sent.get("seq") or sent["number"] for sent in bench.wire.frames()] == [
        0,
        1,
        1,
        2,
        2,
        3,
        3,
        4,
        4,
        5,
        5,
    ]
    assert bench.outbox.flowing
    assert bench.outbox.queued_bytes == 0


def test_a_drained_queue_is_joined_into_few_writes(bench: Bench) -> None:
    bench.block()
    for number in range(20):
        bench.reply(number, 50)
    writes: list[bytes] = []
    write = bench.wire.write
    bench.wire.write = lambda with_added: (writes.append(with_added), write(with_added))[1]  # type: ignore[assignment]
    bench.wire.drain()
    assert len(writes) == 1


def test_a_second_head_of_a_room_replaces_the_first_and_goes_to_the_end(bench: Bench) -> None:
    bench.block()
    bench.outbox.send_head("r", 5, 5, 0.0)
    bench.outbox.send_head("q", 1, 1, 0.0)
    bench.event("r", 6)
    size = bench.outbox.queued_bytes
    bench.outbox.send_head("r", 7, 6, 0.0)
    assert bench.outbox.queued_bytes == size
    bench.wire.drain()
    sent = bench.wire.frames()[1:]
    assert [one.get("rooms") or one["seq"] for one in sent] == [{"q": [1, 1]}, 6, {"r": [7, 6]}]


def test_a_head_after_a_drain_is_a_head_of_its_own(bench: Bench) -> None:
    bench.block()
    bench.outbox.send_head("r", 5, 5, 0.0)
    bench.wire.drain()
    bench.block()
    bench.outbox.send_head("r", 6, 6, 0.0)
    bench.wire.drain()
    assert bench.kinds() == ["reply", "head", "reply", "head"]


def test_above_the_first_mark_new_ephemerals_are_dropped(bench: Bench) -> None:
    bench.block()
    bench.ephemeral()
    bench.wire.drain()
    assert bench.kinds() == ["reply"]


def test_above_the_first_mark_queued_ephemerals_are_dropped(bench: Bench) -> None:
    bench.block()
    bench.wire.kernel_takes(600)  # still blocked, yet below the first mark
    bench.ephemeral()
    queued = bench.outbox.queued_bytes
    assert queued > 0
    bench.reply(1, MARKS.ephemeral_bytes)
    bench.wire.drain()
    assert bench.kinds() == ["reply", "reply"]


def test_below_the_first_mark_a_queued_ephemeral_is_delivered(bench: Bench) -> None:
    bench.block()
    bench.wire.kernel_takes(600)
    bench.ephemeral()
    bench.wire.drain()
    assert bench.kinds() == ["reply", "typing"]


def test_above_the_second_mark_events_and_heads_become_one_head_per_room(bench: Bench) -> None:
    bench.block()
    for seq in range(1, 60):
        bench.event("abc"[seq % 3], seq)
        bench.outbox.send_head("big", seq, seq, 0.0)
    bench.reply(1)
    assert bench.outbox.lagging
    bench.wire.drain()
    assert bench.kinds() == ["reply", "reply", "head"]
    assert bench.heads() == {"a": [57, 57], "b": [58, 58], "c": [59, 59], "big": [59, 59]}
    assert bench.outbox.flowing
    assert not bench.outbox.lagging


def test_an_older_position_never_replaces_a_newer_one(bench: Bench) -> None:
    bench.lag()
    bench.event("r", 9)
    bench.outbox.send_head("r", 4, 4, 0.0)
    bench.wire.drain()
    assert bench.heads() == {"r": [9, 9]}


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_head_says_no_less_than_an_acknowledgement_that_went_ahead(bench: Bench, when: str) -> None:
    bench.block()
    bench.event("r", 5)
    if when == "while":
        bench.reply(0, MARKS.lag_bytes)
    bench.reply(6)
    bench.outbox.acked("r", 6, 4)
    bench.outbox.acked("other", 2, 1)
    if when == "before":
        bench.reply(0, MARKS.lag_bytes)
    bench.wire.drain()
    assert bench.heads() == {"r": [6, 4]}, "and nothing is said of a room that nothing was withheld of"
    bench.lag()
    bench.event("r", 5)
    bench.wire.drain()
    assert bench.heads() == {"r": [5, 5]}, "what was acknowledged is forgotten with the queue"


def test_while_lagging_replies_are_kept_and_ephemerals_dropped(bench: Bench) -> None:
    bench.lag()
    bench.ephemeral()
    bench.reply(7)
    bench.wire.drain()
    assert [sent["number"] for sent in bench.wire.frames()] == [0, 0, 7]


def test_the_owner_is_told_when_it_lags_and_when_it_caught_up(bench: Bench) -> None:
    bench.block()
    assert bench.steps == []
    bench.reply(0, MARKS.lag_bytes)
    bench.reply(0)
    assert bench.steps == ["lagged"]
    bench.wire.drain()
    assert bench.steps == ["lagged", "caught up"]


def test_lagging_costs_no_bytes_per_event(bench: Bench) -> None:
    bench.lag()
    before = bench.outbox.queued_bytes
    for seq in range(1, 10_000):
        bench.event("r", seq)
    assert bench.outbox.queued_bytes == before
    assert bench.overflows == 0


def test_many_moved_rooms_are_named_in_frames_of_bounded_size(bench: Bench) -> None:
    bench.lag()
    rooms = [f"room{number}" for number in range(2 * HEADS_PER_FRAME + 1)]
    for room in rooms:
        bench.event(room, 3)
    bench.wire.drain()
    frames = [sent for sent in bench.wire.frames() if sent["kind"] == "head"]
    assert [len(sent["rooms"]) for sent in frames] == [HEADS_PER_FRAME, HEADS_PER_FRAME, 1]
    assert set(bench.heads()) == set(rooms)


def test_an_event_between_two_head_frames_becomes_a_head_too(bench: Bench) -> None:
    bench.lag()
    for number in range(2 * HEADS_PER_FRAME):
        bench.event(f"room{number}", 1)
    while "head" not in bench.kinds():
        bench.wire.kernel_takes(MARKS.ephemeral_bytes)
    assert bench.outbox.lagging
    bench.event("late", 5)
    bench.wire.drain()
    assert bench.heads()["late"] == [5, 5]
    assert bench.kinds().count("event") == 0


def test_above_the_third_mark_everything_is_dropped_and_the_owner_told_once(bench: Bench) -> None:
    bench.lag()
    for number in range(400):
        bench.reply(number)
    assert bench.overflows == 1
    assert bench.outbox.queued_bytes == 0
    written = bench.wire.written
    bench.wire.drain()
    assert bench.wire.written == written


def test_flush_hands_over_everything_whatever_the_marks(bench: Bench) -> None:
    bench.block()
    bench.reply(1, 2000)
    bench.reply(2, 2000)
    bench.outbox.flush()
    assert [sent["number"] for sent in bench.wire.frames()] == [0, 1, 2]
    assert bench.outbox.queued_bytes == 0
    assert not bench.outbox.flowing


def test_a_closed_outbox_sends_and_keeps_nothing(bench: Bench) -> None:
    bench.block()
    bench.reply(1)
    bench.outbox.close()
    written = bench.wire.written
    bench.reply(2)
    bench.event("r", 1)
    bench.outbox.send_head("r", 2, 2, 0.0)
    bench.ephemeral()
    bench.wire.drain()
    assert bench.wire.written == written
    assert bench.outbox.queued_bytes == 0
    assert not bench.outbox.flowing


class TestStalled:
    def test_an_empty_transport_never_stalls(self, bench: Bench) -> None:
        assert not bench.outbox.stalled(0.0)
        assert not bench.outbox.stalled(1000.0)

    def test_a_transport_that_accepts_nothing_stalls_after_the_time(self, bench: Bench) -> None:
        bench.block()
        assert not bench.outbox.stalled(100.0)
        assert not bench.outbox.stalled(129.0)
        assert bench.outbox.stalled(130.0)

    def test_one_accepted_byte_starts_the_time_again(self, bench: Bench) -> None:
        bench.block()
        bench.outbox.stalled(100.0)
        bench.wire.kernel_takes(1)
        assert not bench.outbox.stalled(129.0)
        assert not bench.outbox.stalled(158.0)
        assert bench.outbox.stalled(159.0)

    def test_pongs_into_a_blocked_transport_are_no_progress(self, bench: Bench) -> None:
        bench.block()
        bench.outbox.stalled(100.0)
        bench.wire.buffered += 20
        assert not bench.outbox.stalled(115.0)
        bench.wire.buffered += 20
        assert bench.outbox.stalled(130.0)

    def test_a_few_stuck_bytes_below_the_mark_stall_too(self, bench: Bench) -> None:
        bench.reply(1)
        assert not bench.outbox.stalled(100.0)
        assert bench.outbox.stalled(130.0)

    def test_traffic_that_flows_does_not_stall(self, bench: Bench) -> None:
        for now in range(0, 100, 10):
            bench.reply(now)
            assert not bench.outbox.stalled(float(now))
            bench.wire.kernel_takes(90)


class OutboxMachine(RuleBasedStateMachine):
    """Random sends against a random kernel; the promises of protocol.md "Slow connections" hold after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.replies = 0
        self.last: dict[str, int] = {}  # room -> newest seq handed to the outbox

    def _next(self, room: str) -> int:
        self.last[room] = self.last.get(room, 0) + 1
        return self.last[room]

    @rule(size=st.integers(40, 3000))
    def reply(self, size: int) -> None:
        self.replies += 1
        self.bench.reply(self.replies, size)

    @rule(room=st.sampled_from("abcde"), size=st.integers(40, 1500), burst=st.integers(1, 8))
    def events(self, room: str, size: int, burst: int) -> None:
        for _ in range(burst):
            self.bench.event(room, self._next(room), size)

    @rule(room=st.sampled_from("cdefg"))
    def head(self, room: str) -> None:
        seq = self._next(room)
        self.bench.outbox.send_head(room, seq, seq, 0.0)

    @rule(size=st.integers(40, 500))
    def ephemeral(self, size: int) -> None:
        self.bench.ephemeral(size)

    @rule(count=st.integers(1, 4000))
    def kernel_takes(self, count: int) -> None:
        self.bench.wire.kernel_takes(count)

    @rule()
    def drain(self) -> None:
        self.bench.wire.drain()

    @invariant()
    def bytes_are_bounded(self) -> None:
        waiting = self.bench.outbox.queued_bytes + self.bench.wire.buffered
        assert self.bench.outbox.queued_bytes >= 0
        assert waiting <= MARKS.close_bytes or self.bench.overflows

    @invariant()
    def flowing_means_nothing_waits(self) -> None:
        if self.bench.outbox.flowing:
            assert self.bench.outbox.queued_bytes == 0
            assert not self.bench.outbox.lagging
            assert not self.bench.wire.is_blocked

    @invariant()
    def positions_never_go_back(self) -> None:
        shown: dict[str, int] = {}
        for sent in self.bench.wire.frames():
            for room, seq in _positions(sent):
                assert seq > shown.get(room, 0)
                shown[room] = seq

    @invariant()
    def replies_are_a_prefix_of_what_was_sent(self) -> None:
        numbers = [sent["number"] for sent in self.bench.wire.frames() if sent["kind"] == "reply"]
        assert numbers == list(range(1, len(numbers) + 1))

    @precondition(lambda self: not self.bench.overflows)
    @rule()
    def drained_nothing_is_missing(self) -> None:
        self.bench.wire.drain()
        frames = self.bench.wire.frames()
        assert sum(sent["kind"] == "reply" for sent in frames) == self.replies
        shown = dict(position for sent in frames for position in _positions(sent))
        assert shown == self.last
        assert self.bench.outbox.flowing

    @invariant()
    def the_owner_is_told_at_most_once(self) -> None:
        assert self.bench.overflows <= 1


def _positions(sent: dict) -> list[tuple[str, int]]:
    if sent["kind"] == "event":
        return [(sent["room"], sent["seq"])]
    return [(room, head[0]) for room, head in sent.get("rooms", {}).items()]


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(max_examples=150, stateful_step_count=40)
