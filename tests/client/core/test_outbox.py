"""The outbox: order, batches, refusals, pace; and a random life of it."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatd.client.core.errors import error_from
from chatd.client.core.outbox import ID_BYTES, PAUSE_CAP_S, Outbox, State, Window, too_large_error

WINDOW = Window(frame_bytes=65536)
NOW = 100.0


def put(outbox, key, room="a", kind="send", size=50):
    packet = {"type": kind, "room": room, "key": key}
    outbox.add(outbox.entry(packet, size))


def filled(*keys, **more):
    outbox = Outbox()
    for key in keys:
        put(outbox, key, **more)
    return outbox


def take(outbox, now=NOW, window=WINDOW):
    return [[entry.key for entry in frame] for frame in outbox.take(now, window)]


def refuse(outbox, key, code, retry="later", now=NOW, **more):
    return outbox.refused(outbox.get(key), error_from({"code": code, "retry": retry, **more}), now)


def states(outbox):
    return {entry.key: entry.state for entry in outbox}


# --- order


def test_of_two_entries_with_one_key_the_first_is_sent_and_none_is_in_the_way_of_the_next():
    outbox = filled("k1", "k1", "k2", kind="edit")
    assert take(outbox) == [["k1"]]
    outbox.done("k1")
    assert take(outbox) == [["k2"]]


def test_waiting_sends_of_a_room_go_in_one_frame_in_order():
    outbox = filled("1", "2", "3")
    assert take(outbox) == [["1", "2", "3"]]
    assert set(states(outbox).values()) == {State.INFLIGHT}


def test_a_room_has_at_most_one_unanswered_frame():
    outbox = filled("1")
    take(outbox)
    put(outbox, "2")
    assert take(outbox) == []
    outbox.done("1")
    assert take(outbox) == [["2"]]


def test_a_frame_is_answered_only_when_all_of_it_is():
    outbox = filled("1", "2")
    take(outbox)
    put(outbox, "3")
    outbox.done("1")
    assert take(outbox) == []
    outbox.done("2")
    assert take(outbox) == [["3"]]


def test_rooms_do_not_wait_for_each_other():
    outbox = filled("1", room="a")
    put(outbox, "2", room="b")
    assert take(outbox) == [["1"], ["2"]]


def test_other_operations_go_alone_and_keep_their_place():
    outbox = filled("1", "2")
    put(outbox, "3", kind="edit")
    put(outbox, "4", kind="react")
    put(outbox, "5")
    for expected in (["1", "2"], ["3"], ["4"], ["5"]):
        assert take(outbox) == [expected]
        for key in expected:
            outbox.done(key)


def test_a_frame_holds_at_most_a_batch():
    outbox = filled(*map(str, range(70)))
    assert [len(frame) for frame in take(outbox)] == [64]


def test_a_frame_keeps_to_its_bytes():
    outbox = filled("1", "2", "3", size=1000)
    each = 1000 + ID_BYTES + 1
    assert take(outbox, window=Window(frame_bytes=2 * each + 3)) == [["1", "2"]]


def test_what_does_not_fit_a_small_frame_waits_for_a_bigger_one():
    outbox = filled("1", size=9000)
    assert take(outbox, window=Window(frame_bytes=8192)) == []
    assert take(outbox) == [["1"]]


def test_no_frame_is_begun_while_too_much_is_unanswered():
    outbox = Outbox()
    for number in range(5):
        put(outbox, str(number), room=str(number))
    assert len(take(outbox, window=Window(65536, in_flight=3))) == 3
    outbox.done("0")
    assert len(take(outbox, window=Window(65536, in_flight=3))) == 1


def test_rooms_take_turns():
    outbox = filled("a1", "a2", kind="edit", room="a")
    for key in ("b1", "b2"):
        put(outbox, key, kind="edit", room="b")
    window = Window(65536, in_flight=1)
    order = []
    while frames := take(outbox, window=window):
        order += frames[0]
        outbox.done(frames[0][0])
    assert order == ["a1", "b1", "a2", "b2"]


# --- coming back


def test_what_is_done_leaves():
    outbox = filled("1")
    take(outbox)
    assert outbox.done("1").key == "1"
    assert (len(outbox), outbox.done("1")) == (0, None)


def test_a_queued_entry_can_be_done_by_seeing_its_event():
    outbox = filled("1", "2")
    outbox.done("1")
    assert take(outbox) == [["2"]]


def test_a_lost_connection_queues_everything_again_in_its_old_order():
    outbox = filled("1", "2", "3")
    take(outbox)
    outbox.done("1")
    for entry in outbox:
        outbox.unknown(entry)
    put(outbox, "4")
    assert take(outbox) == [["2", "3", "4"]]


def test_a_final_refusal_is_failed_and_lets_the_others_pass():
    outbox = filled("1", "2")
    take(outbox)
    assert refuse(outbox, "1", "forbidden", "never") is State.FAILED
    outbox.done("2")
    put(outbox, "3")
    assert take(outbox) == [["3"]]
    assert outbox.get("1").error.name == "forbidden"


def test_a_refusal_for_now_keeps_the_place_and_the_pause():
    outbox = filled("1", "2")
    take(outbox)
    assert refuse(outbox, "1", "muted", retry_after=5000) is State.QUEUED
    refuse(outbox, "2", "aborted", retry_after=0)
    assert take(outbox, NOW + 4.9) == []
    assert outbox.next_at(NOW) == NOW + 5
    assert take(outbox, NOW + 5) == [["1", "2"]]


def test_an_abort_alone_makes_no_pause():
    outbox = filled("1")
    take(outbox)
    refuse(outbox, "1", "aborted", retry_after=0)
    assert take(outbox) == [["1"]]


@pytest.mark.parametrize(("scope", "others"), [("room", True), ("user", False), ("connection", False)])
def test_a_limit_holds_up_what_it_is_about(scope, others):
    outbox = filled("1", room="a")
    take(outbox)
    refuse(outbox, "1", "rate_limited", retry_after=2000, scope=scope)
    put(outbox, "2", room="b")
    assert take(outbox) == ([["2"]] if others else [])


def test_without_retry_after_the_pause_doubles_up_to_its_cap():
    outbox = filled("1")
    pauses, now = [], NOW
    for _ in range(9):
        take(outbox, now)
        refuse(outbox, "1", "overloaded", now=now)
        pauses.append(outbox.next_at(now) - now)
        now = outbox.next_at(now)
    assert pauses == [1, 2, 4, 8, 16, 32, PAUSE_CAP_S, PAUSE_CAP_S, PAUSE_CAP_S]


def test_an_unknown_retry_is_final():
    outbox = filled("1")
    take(outbox)
    assert refuse(outbox, "1", "future", "perhaps") is State.FAILED


@pytest.mark.parametrize("retry", ["after_auth", "after_sync"])
def test_refusals_that_need_something_first_are_tried_again(retry):
    outbox = filled("1")
    take(outbox)
    assert refuse(outbox, "1", "token_expired", retry) is State.QUEUED
    assert take(outbox, NOW + 60) == [["1"]]


def test_an_answer_to_what_is_no_longer_here_is_ignored():
    outbox = filled("1")
    take(outbox)
    entry = outbox.get("1")
    outbox.done("1")
    outbox.unknown(entry)
    outbox.refused(entry, error_from({"code": "forbidden"}), NOW)
    assert len(outbox) == 0


# --- pace


def test_after_a_rate_limit_packets_go_one_by_one():
    outbox = filled("1", "2", "3")
    take(outbox)
    refuse(outbox, "1", "rate_limited", retry_after=200, scope="user")
    for key in ("2", "3"):
        refuse(outbox, key, "aborted", retry_after=0)
    assert outbox.next_at(NOW) == NOW + 0.2
    for key in ("1", "2", "3"):
        assert take(outbox, NOW + 0.2) == [[key]]
        outbox.done(key)


def test_of_rooms_that_were_refused_together_each_waits_its_own_time():
    outbox = filled("1", room="a")
    put(outbox, "2", room="b")
    take(outbox)
    refuse(outbox, "1", "rate_limited", retry_after=200, scope="user")
    refuse(outbox, "2", "rate_limited", retry_after=400, scope="user")
    assert (outbox.next_at(NOW), take(outbox, NOW + 0.2)) == (NOW + 0.2, [["1"]])
    assert (outbox.next_at(NOW + 0.2), take(outbox, NOW + 0.4)) == (NOW + 0.4, [["2"]])


def test_what_was_not_sent_yet_waits_until_all_that_was_refused_has_had_its_time():
    outbox = filled("1", "2", room="a")
    put(outbox, "3", room="b")
    take(outbox)
    for key, wait in (("1", 200), ("3", 400)):
        refuse(outbox, key, "rate_limited", retry_after=wait, scope="user")
    refuse(outbox, "2", "aborted", retry_after=0)
    put(outbox, "4", room="c")
    assert take(outbox, NOW + 0.2) == [["1"]]
    outbox.done("1")
    assert take(outbox, NOW + 0.3) == []
    assert outbox.next_at(NOW + 0.3) == NOW + 0.4
    assert sorted(take(outbox, NOW + 0.4)) == [["2"], ["3"], ["4"]]


def test_once_everything_is_sent_it_goes_fast_again():
    outbox = filled("1")
    take(outbox)
    refuse(outbox, "1", "rate_limited", retry_after=200, scope="user")
    take(outbox, NOW + 0.2)
    outbox.done("1")
    for key in ("2", "3"):
        put(outbox, key)
    assert take(outbox, NOW + 1) == [["2", "3"]]


def test_a_room_limit_slows_the_room_only():
    outbox = filled("1", "2", room="a")
    take(outbox)
    refuse(outbox, "1", "rate_limited", retry_after=200, scope="room")
    refuse(outbox, "2", "aborted", retry_after=0)
    for key in ("3", "4"):
        put(outbox, key, room="b")
    assert take(outbox, NOW + 0.2) == [["1"], ["3", "4"]] or take(outbox) == [["3", "4"]]


# --- by hand


def test_a_failed_entry_is_resent_with_its_old_key_behind_what_waits():
    outbox = filled("1", "2")
    take(outbox)
    refuse(outbox, "1", "forbidden", "never")
    outbox.unknown(outbox.get("2"))
    assert outbox.resend("1").key == "1"
    assert take(outbox) == [["2", "1"]]


def test_only_failed_entries_can_be_resent():
    outbox = filled("1")
    assert (outbox.resend("1"), outbox.resend("other")) == (None, None)


def test_waiting_and_failed_entries_can_be_discarded_but_not_those_on_their_way():
    outbox = filled("1", "2", kind="edit")
    take(outbox)
    assert outbox.discard("1") is None
    assert outbox.discard("2").key == "2"
    refuse(outbox, "1", "forbidden", "never")
    assert outbox.discard("1").key == "1"
    assert len(outbox) == 0


def test_what_fits_no_frame_is_found_and_can_be_rejected():
    outbox = filled("1", size=70_000)
    put(outbox, "2")
    (entry,) = outbox.too_large(65536)
    outbox.reject(entry, too_large_error(entry.size, 65536))
    assert states(outbox)["1"] is State.FAILED
    assert take(outbox) == [["2"]]


def test_nothing_to_wait_for_is_no_time():
    outbox = Outbox()
    assert outbox.next_at(NOW) is None
    put(outbox, "1")
    assert outbox.next_at(NOW) is None
    take(outbox)
    assert outbox.next_at(NOW) is None


# --- restarts


def test_records_bring_everything_back_as_queued_or_failed():
    outbox = filled("1", "2", "3")
    take(outbox)
    refuse(outbox, "2", "forbidden", "never")
    records = [entry.record() for entry in outbox]
    again = Outbox()
    for record in records:
        again.add(again.restored(record, 50))
    assert states(again) == {"1": State.QUEUED, "2": State.FAILED, "3": State.QUEUED}
    assert again.get("2").error.name == "forbidden"
    put(again, "4")
    assert take(again) == [["1", "3", "4"]]
    assert again.get("4").order > again.get("3").order


class AnyLife(RuleBasedStateMachine):
    """Sends of a room are accepted in order, whatever the server answers and however often the line breaks, in
    order."""

    def __init__(self):
        super().__init__()
        self.outbox, self.now, self.made = Outbox(), 0.0, 0
        self.frames = []
        self.accepted = {room: [] for room in "abc"}
        self.failed = set()

    @rule(room=st.sampled_from("abc"))
    def post(self, room):
        self.made += 1
        put(self.outbox, f"{self.made:04}", room=room)

    @rule(wait=st.sampled_from([0.0, 0.1, 1.0, 100.0]))
    def flush(self, wait):
        self.now += wait
        self.frames += [list(frame) for frame in self.outbox.take(self.now, WINDOW)]

    @precondition(lambda self: self.frames)
    @rule(
        at=st.integers(0, 5), verdicts=st.lists(st.sampled_from(["ok", "ok", "never", "later"]), max_size=64)
    )
    def the_server_answers(self, at, verdicts):
        broken = False
        for entry in self.frames.pop(at % len(self.frames)):
            verdict = verdicts.pop() if verdicts else "ok"
            if broken:
                refuse(self.outbox, entry.key, "aborted", retry_after=0, now=self.now)
            elif verdict == "ok":
                self.accepted[entry.room].append(entry.key)
                self.outbox.done(entry.key)
            elif verdict == "never":
                self.failed.add(entry.key)
                refuse(self.outbox, entry.key, "forbidden", "never", now=self.now)
            else:
                broken = True
                refuse(self.outbox, entry.key, "rate_limited", retry_after=300, scope="user", now=self.now)

    @rule()
    def the_line_breaks(self):
        for frame in self.frames:
            for entry in frame:
                self.outbox.unknown(entry)
        self.frames.clear()

    @invariant()
    def accepted_in_order(self):
        assert all(keys == sorted(keys) for keys in self.accepted.values())

    @invariant()
    def one_frame_per_room(self):
        rooms = [frame[0].room for frame in self.frames]
        assert len(rooms) == len(set(rooms))

    @invariant()
    def nothing_vanishes(self):
        accepted = {key for keys in self.accepted.values() for key in keys}
        waiting = {entry.key for entry in self.outbox}
        assert accepted | waiting == {f"{number + 1:04}" for number in range(self.made)}

    def teardown(self):
        self.the_line_breaks()
        for _ in range(2 * self.made + 2):
            self.flush(100.0)
            while self.frames:
                self.the_server_answers(0, [])
        assert {entry.key for entry in self.outbox} == self.failed


AnyLife.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
TestAnyLife = AnyLife.TestCase
