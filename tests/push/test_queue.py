"""The queue of notifications: what replaces what, pace of retries, rates, pauses, and that nothing is lost in it."""

from dataclasses import replace
from math import inf
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatd.core.push import Kind
from chatd.push.interface import SENDER_ENDED, Answer, Result
from chatd.push.pending import AppKey, Ended, Key, Pending
from chatd.push.queue import (
    BUSY_MAX_S,
    BUSY_MIN_S,
    BY_OPERATOR,
    DOWN_FAILURES,
    JITTER,
    PROBE_S,
    RATE_MAX,
    RECOVERY_S,
    RETRIES_S,
    AppQueue,
    Queue,
)

APP = AppKey("fcm", "")


def pending(
    seq: int, user: str = "alice", kind: Kind = "message", due: float = 0.0, **changed: Any
) -> Pending:
    key = Key(user, "phone", 7, "message")
    return replace(Pending(key, APP, kind, seq, seq, 1000 * seq, seq, due), **changed)


def answer(number: int, result: Result, **rest: Any) -> Answer:
    return Answer(number, result, **rest)


def taken(queue: AppQueue, now: float, most: int = 1, number: int = 1) -> Pending:
    (one,) = queue.take(now, most, number)
    return one


def test_a_newer_one_replaces_an_older_and_tells_of_both() -> None:
    queue = AppQueue()
    assert queue.put(pending(1, kind="mention", due=3)) == []
    (ended,) = queue.put(pending(4, due=5))
    assert (ended.outcome, ended.pending.seq) == ("superseded", 1)
    assert queue.take(2.9, 9, 1) == []
    one = taken(queue, 3)
    assert (one.kind, one.first, one.seq, one.stamp, one.time) == ("mention", 1, 4, 1, 4000)


def test_what_comes_while_one_is_under_way_goes_behind_it() -> None:
    queue = AppQueue()
    queue.put(pending(1))
    first = taken(queue, 0)
    assert queue.put(pending(2)) == []
    assert queue.take(0, 9, 2) == []
    assert queue.on_answer(answer(first.number, "sent"), 0, 0) == (Ended(first, "sent"),)
    assert taken(queue, 0, number=2).first == 2


def test_an_entry_from_before_does_not_let_a_second_one_go() -> None:
    queue = AppQueue()
    queue.put(pending(1, due=5))
    queue.put(pending(2, due=3))
    taken(queue, 3)
    queue.put(pending(3, due=5))
    assert queue.take(9, 9, 2) == []


def test_one_that_is_tried_again_joins_what_came_meanwhile() -> None:
    queue = AppQueue()
    queue.put(pending(1))
    first = taken(queue, 0)
    queue.put(pending(2))
    (ended,) = queue.on_answer(answer(first.number, "retry"), 0, 0)
    assert ended.outcome == "superseded"
    again = taken(queue, 0, number=2)
    assert (again.first, again.seq, again.tries) == (1, 2, 0)


def test_without_an_answer_it_is_tried_three_times_more() -> None:
    queue, now = AppQueue(), 0.0
    queue.put(pending(1))
    for pause_s in RETRIES_S:
        one = taken(queue, now)
        assert queue.on_answer(answer(one.number, "retry"), now, 0.5) == []
        assert queue.next_due() == now + pause_s * (1 + JITTER / 2)
        now = queue.next_due()
    one = taken(queue, now)
    (ended,) = queue.on_answer(answer(one.number, "retry", detail="timeout"), now, 0)
    assert (ended.outcome, ended.detail, len(queue)) == ("provider_error", "timeout", 0)


def test_a_service_that_is_down_is_probed_and_nothing_is_given_up() -> None:
    queue = AppQueue()
    for number in range(DOWN_FAILURES + 2):
        queue.put(pending(number + 1, f"user{number}"))
    failed = queue.take(0, 100, 1)
    for one in failed:
        assert queue.on_answer(answer(one.number, "retry"), 0, 0) == []
    assert queue.is_down
    now = 0.0
    for number in range(100, 110):
        assert queue.take(now + PROBE_S - 0.1, 100, 1) == []
        now += PROBE_S
        probe = taken(queue, now, 100, number)
        assert queue.take(now, 100, 1) == []
        assert queue.next_due() == inf
        queue.on_answer(answer(probe.number, "retry"), now, 0)
    assert len(queue) == DOWN_FAILURES + 2
    probe = taken(queue, now + PROBE_S, 100, 200)
    queue.on_answer(answer(probe.number, "sent"), now + PROBE_S, 0)
    assert not queue.is_down
    assert len(queue.take(now + 2 * PROBE_S, 100, 300)) == DOWN_FAILURES + 1


def test_a_sender_that_dies_with_all_it_has_is_no_service_that_is_down() -> None:
    queue = AppQueue()
    for number in range(2 * DOWN_FAILURES):
        queue.put(pending(1, f"user{number}"))
    for one in queue.take(0, 100, 1):
        assert queue.on_answer(answer(one.number, "retry", detail=SENDER_ENDED), 0, 0) == []
    assert not queue.is_down
    assert len(queue.take(RETRIES_S[0], 100, 100)) == 2 * DOWN_FAILURES


def test_servers_that_devices_named_bring_no_service_down_and_keep_none_up() -> None:
    queue, now = AppQueue(), 0.0
    for number in range(2 * DOWN_FAILURES):
        queue.put(pending(1, f"user{number}"))
    for pause_s in (*RETRIES_S, 0.0):
        for one in queue.take(now, 100, int(now) * 100 + 1):
            queue.on_answer(answer(one.number, "retry", is_stranger=True), now, 0)
        assert not queue.is_down
        now += pause_s
    assert len(queue) == 0
    for number in range(DOWN_FAILURES + 2):
        queue.put(pending(1, f"user{number}"))
    first, second, *failed = queue.take(now, 100, 9000)
    for one in failed:
        queue.on_answer(answer(one.number, "retry"), now, 0)
    assert queue.is_down
    queue.on_answer(answer(first.number, "sent", is_stranger=True), now, 0)
    queue.on_answer(answer(second.number, "retry", is_stranger=True), now, 0)
    assert queue.is_down


def test_a_busy_service_is_left_alone_ever_longer_and_then_asked_for_less() -> None:
    queue, now = AppQueue(), 0.0
    for number in range(200):
        queue.put(pending(1, f"user{number}"))
    for expected_s in (BUSY_MIN_S, 2 * BUSY_MIN_S, 4 * BUSY_MIN_S):
        some = queue.take(now, 2, 1)
        for one in some:
            assert queue.on_answer(answer(one.number, "busy"), now, 0) == []
        assert queue.next_due() == now + expected_s
        assert queue.take(now + expected_s - 0.1, 9, 1) == []
        now += expected_s
    one = taken(queue, now)
    queue.on_answer(answer(one.number, "busy", retry_after_s=7), now, 0)
    assert queue.next_due() == now + 7
    # Four times halved: what may go at once is so much less.
    assert len(queue.take(now + 7, 200, 1)) == RATE_MAX / 16 * 0.1 // 1


def test_a_rate_recovers_by_the_minute() -> None:
    queue = AppQueue(rate_max=100)
    for number in range(200):
        queue.put(pending(1, f"user{number}"))
    one = taken(queue, 0)
    queue.on_answer(answer(one.number, "busy"), 0, 0)
    # A tenth of a second of 50, and of 50 * 1.1 ** 8, which is over 100.
    assert len(queue.take(RECOVERY_S - 1, 99, 1)) == 5
    assert len(queue.take(8 * RECOVERY_S, 99, 100)) == 10


def test_a_pause_is_never_longer_than_its_bound() -> None:
    queue, now = AppQueue(), 0.0
    queue.put(pending(1))
    for _ in range(20):
        one = taken(queue, now)
        queue.on_answer(answer(one.number, "busy"), now, 0.99)
        assert queue.next_due() <= now + BUSY_MAX_S + 0.001
        now = queue.next_due()


def test_an_unknown_key_pauses_the_app_until_somebody_says_so() -> None:
    queue = Queue([APP])
    queue.put(pending(1))
    (one,) = queue.take(0, 9)
    assert queue.on_answer(answer(one.number, "credential", detail="InvalidProviderToken"), 0, 0) == []
    assert queue.apps[APP].paused == "InvalidProviderToken"
    assert (queue.take(1e9, 9), queue.next_due()) == ([], inf)
    queue.reconfigure([APP])
    assert len(queue.take(1, 9)) == 1


def test_the_brake_of_an_operator_outlasts_new_keys() -> None:
    queue = Queue([APP])
    queue.put(pending(1))
    queue.apps[APP].pause(BY_OPERATOR)
    queue.reconfigure([APP])
    assert queue.take(0, 9) == []
    queue.apps[APP].resume()
    assert len(queue.take(0, 9)) == 1


def test_when_too_many_wait_the_oldest_goes_and_mentions_last() -> None:
    queue = AppQueue(waiting_max=2)
    queue.put(pending(1, "alice", "mention"))
    queue.put(pending(2, "bob"))
    (ended,) = queue.put(pending(3, "carol", "mention"))
    assert (ended.outcome, ended.pending.key.user) == ("provider_busy", "bob")
    (ended,) = queue.put(pending(4, "dave"))
    assert ended.pending.key.user == "alice"


def test_an_app_that_is_not_configured_any_more_has_no_tokens() -> None:
    queue = Queue([APP])
    queue.put(pending(1))
    assert queue.reconfigure([]) == [Ended(pending(1), "no_token", "app not configured")]
    assert queue.put(pending(2)) == [Ended(pending(2), "no_token", "app not configured")]
    assert (len(queue), queue.oldest_stamp()) == (0, None)


class AnyOrder(RuleBasedStateMachine):
    """Everything that may happen to a queue, in any order."""

    @initialize()
    def begin(self) -> None:
        self.queue = AppQueue(rate_max=40, waiting_max=6)
        self.now, self.number, self.seq = 0.0, 1, 0
        self.taken: dict[int, Pending] = {}
        self.told: dict[Key, int] = {}  # the newest seq that was sent
        self.stamps: list[int] = []
        # By key: the seqs of which nothing is over yet.
        self.open: dict[Key, set[int]] = {}

    def ended(self, some: Any) -> None:
        for one in some:
            if one.outcome != "superseded":
                covered = set(range(one.pending.first, one.pending.seq + 1))
                self.open[one.pending.key] -= covered
            if one.outcome == "sent":
                assert one.pending.seq > self.told.get(one.pending.key, 0)
                self.told[one.pending.key] = one.pending.seq

    @rule(
        user=st.sampled_from("abcdefgh"), kind=st.sampled_from(["message", "mention"]), wait=st.integers(0, 9)
    )
    def put(self, user: str, kind: Kind, wait: int) -> None:
        self.seq += 1
        one = pending(self.seq, user, kind, self.now + wait)
        self.open.setdefault(one.key, set()).add(self.seq)
        self.ended(self.queue.put(one))

    @rule(most=st.integers(1, 5))
    def take(self, most: int) -> None:
        self.taking(most)

    @rule()
    def take_when_due(self) -> None:
        due = self.queue.next_due()
        if due < inf:
            self.now = max(self.now, due)
            # The heap may begin with what was replaced meanwhile.
            assert self.taking(1) or self.queue.next_due() > due

    def taking(self, most: int) -> list[Pending]:
        found = self.queue.take(self.now, most, self.number)
        assert not (found and self.queue.paused)
        assert all(one.due <= self.now for one in found)
        self.number += len(found)
        keys = {one.key for one in self.taken.values()}
        assert not keys & {one.key for one in found}
        self.taken |= {one.number: one for one in found}
        return found

    @precondition(lambda self: self.taken)
    @rule(
        result=st.sampled_from(["sent", "retry", "busy", "dead", "refused", "credential"]),
        which=st.integers(0, 9),
        after=st.sampled_from([0.0, 3.0]),
    )
    def answer(self, result: Result, which: int, after: float) -> None:
        number = sorted(self.taken)[which % len(self.taken)]
        del self.taken[number]
        self.ended(self.queue.on_answer(Answer(number, result, retry_after_s=after), self.now, 0.5))

    @precondition(lambda self: self.taken)
    @rule()
    def put_back(self) -> None:
        number, _ = self.taken.popitem()
        self.ended(self.queue.put_back(number, self.now))

    @rule(by=st.floats(0, 400))
    def wait(self, by: float) -> None:
        self.now += by

    @rule()
    def resume(self) -> None:
        self.queue.resume()

    @rule(behind=st.integers(0, 20))
    def expire(self, behind: int) -> None:
        self.ended(self.queue.expire(1000 * (self.seq - behind)))

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "queue"):
            return
        assert len(self.queue) <= 6
        held: dict[Key, set[int]] = {}
        for one in self.queue.all():
            held.setdefault(one.key, set()).update(range(one.first, one.seq + 1))
            assert one.stamp <= one.first
        for key, seqs in self.open.items():
            assert seqs <= held.get(key, set())

    @invariant()
    def what_may_go_goes(self) -> None:
        """A queue that has something due, and is not kept from sending, is never asleep for ever."""
        if hasattr(self, "queue") and len(self.queue) and not self.queue.paused and not self.taken:
            assert self.queue.next_due() < inf


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestAnyOrder = AnyOrder.TestCase
