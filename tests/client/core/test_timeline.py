"""The gap rules, case by case, and against a model of the server in every order that hypothesis finds."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatd.client.core.changes import EventAdded, MessageAdded, MessageChanged, TimelineReset
from chatd.client.core.intervals import Interval
from chatd.client.core.messages import OPERATIONS, changed_by, message_from
from chatd.client.core.replica import Owner
from chatd.client.core.timeline import (
    BUFFER_MAX,
    RECENT_MAX,
    Fetch,
    Jump,
    Timeline,
)

ROOM, ME = "gRoom", "me"


def text(seq, body="t", user="bob", **more):
    return {"seq": seq, "kind": "message", "user": user, "time": seq, "body": {"text": body}, **more}


def op(seq, kind, target, **more):
    return {"seq": seq, "kind": kind, "user": "ann", "time": seq, "target": target, **more}


def erased(seq, **more):
    return {"seq": seq, "kind": "erased", "user": "bob", "time": seq, **more}


def started(applied=0):
    timeline = Timeline(ROOM, Owner(ME))
    timeline.resume(applied)
    return timeline


def added(changes):
    return [change.message.seq for change in changes if isinstance(change, MessageAdded)]


# --- events


def test_events_in_order_are_applied_and_told_in_order():
    timeline = started()
    assert added(timeline.feed([text(1), text(2), text(3)])) == [1, 2, 3]
    assert (timeline.applied, timeline.head) == (3, 3)
    assert list(timeline.cached) == [(1, 3, 3)]


def test_an_old_event_is_ignored():
    timeline = started()
    timeline.feed([text(1, "first")])
    assert timeline.feed([text(1, "again")]) == []
    assert timeline.messages[1].text == "first"


def test_an_early_event_waits_and_is_drained_when_the_hole_closes():
    timeline = started()
    assert timeline.feed([text(3), text(2)]) == []
    assert (timeline.applied, timeline.head, timeline.behind) == (0, 3, True)
    assert added(timeline.feed([text(1)])) == [1, 2, 3]
    assert (timeline.buffer, timeline.behind) == ({}, False)


def test_too_many_early_events_empty_the_buffer_but_not_the_head():
    timeline = started()
    timeline.feed(text(seq) for seq in range(2, BUFFER_MAX + 2))
    assert len(timeline.buffer) == BUFFER_MAX
    timeline.feed([text(BUFFER_MAX + 2)])
    assert (timeline.buffer, timeline.head) == ({}, BUFFER_MAX + 2)


def test_a_young_room_of_which_nothing_is_known_is_read_from_its_beginning():
    timeline = Timeline(ROOM, Owner(ME))
    timeline.heard(4)
    assert timeline.feed([text(5)]) == []
    assert timeline.plan() == Fetch(1, 5)


def test_an_old_room_of_which_nothing_is_known_starts_at_its_first_event():
    timeline = Timeline(ROOM, Owner(ME))
    timeline.heard(900)
    assert added(timeline.feed([text(901)])) == [901]
    assert (timeline.applied, timeline.behind) == (901, False)
    assert list(timeline.cached) == [(901, 901, 901)]


def test_operations_change_their_cached_target():
    timeline = started()
    changes = timeline.feed([text(1), op(2, "edit", 1, body={"text": "new"})])
    assert isinstance(changes[1], MessageChanged)
    assert (timeline.messages[1].text, timeline.messages[1].changed) == ("new", 2)


def test_an_operation_on_a_message_that_is_not_cached_only_counts():
    timeline = started(applied=5)
    assert timeline.feed([op(6, "recall", 3)]) == []
    assert timeline.applied == 6


def test_an_unknown_kind_counts_is_kept_and_told():
    timeline = started()
    odd = {"seq": 1, "kind": "poll", "time": 1, "fallback": "a poll"}
    assert timeline.feed([odd]) == [EventAdded(ROOM, odd)]
    assert (timeline.applied, timeline.notes) == (1, {1: odd})


def test_a_position_kept_from_an_earlier_run_is_continued():
    timeline = started(applied=41)
    timeline.heard(44)
    assert timeline.plan() == Fetch(42, 44)


# --- replies


def test_a_log_reply_fills_the_hole_and_drains_the_buffer():
    timeline = started(applied=1)
    timeline.feed([text(5)])
    helped, changes = timeline.take_log({"events": [text(2), text(3), text(4)], "seq": 5})
    assert helped
    assert added(changes) == [2, 3, 4, 5]


def test_a_cut_log_reply_leaves_the_rest_to_the_next_plan():
    timeline = started(applied=1)
    timeline.heard(9)
    helped, _ = timeline.take_log({"events": [text(2), text(3)], "next": 4, "seq": 9})
    assert (helped, timeline.plan()) == (True, Fetch(4, 9))


def test_a_reset_asks_for_a_jump_and_moves_the_floor():
    timeline = started(applied=1)
    timeline.heard(9)
    helped, _ = timeline.take_log({"events": [], "reset": True, "log_floor": 5, "seq": 9})
    assert (helped, timeline.plan()) == (False, Jump())


def test_a_log_reply_that_does_not_help_asks_for_a_jump():
    timeline = started(applied=1)
    timeline.heard(9)
    assert timeline.take_log({"events": [], "seq": 9})[0] is False


def test_a_jump_sets_the_tail_and_leaves_older_stretches_as_they_were():
    timeline = started()
    timeline.feed([text(1), text(2)])
    timeline.heard(900)
    changes = timeline.take_newest({"events": [text(880), text(899)], "low": 870, "high": 900, "seq": 900})
    assert changes == [TimelineReset(ROOM)]
    assert timeline.applied == 900
    assert list(timeline.cached) == [(1, 2, 2), (870, 900, 900)]


def test_a_jump_tells_of_what_had_been_pushed_and_drains_the_rest():
    timeline = started()
    timeline.heard(900)
    timeline.feed([text(900), text(901), text(903)])
    changes = timeline.take_newest({"events": [text(899), text(900)], "low": 899, "high": 900, "seq": 900})
    assert added(changes) == [900, 901]
    assert (timeline.applied, list(timeline.buffer)) == (901, [903])


def test_a_jump_that_comes_too_late_is_just_a_page():
    timeline = started()
    timeline.feed([text(1), text(2), text(3)])
    assert timeline.take_newest({"events": [text(1), text(2)], "low": 1, "high": 2, "seq": 2}) == []
    assert (timeline.applied, list(timeline.cached)) == (3, [(1, 3, 3)])


def test_a_page_covers_exactly_what_it_says():
    timeline = started(applied=100)
    timeline.take_page({"events": [text(60), text(65)], "low": 58, "high": 70, "seq": 100})
    assert list(timeline.cached) == [(58, 70, 100)]


def test_the_last_page_covers_everything_down_to_the_first_visible():
    timeline = started(applied=100)
    timeline.bounds(first_visible=40, log_floor=1)
    timeline.take_page({"events": [text(60)], "low": 58, "high": 70, "seq": 100, "end": True})
    assert list(timeline.cached) == [(40, 70, 100)]


def test_a_page_that_covers_nothing_covers_nothing():
    timeline = started(applied=100)
    timeline.take_page({"events": [], "low": 1, "high": 0, "seq": 100, "end": True})
    assert list(timeline.cached) == []


def test_operations_that_overtook_a_page_are_replayed_on_it():
    timeline = started(applied=100)
    timeline.feed([op(101, "edit", 60, body={"text": "new"})])
    timeline.take_page({"events": [text(60, "old")], "low": 60, "high": 70, "seq": 100})
    assert timeline.messages[60].text == "new"
    assert timeline.cached.holding(60).valid == 101


def test_a_page_older_than_all_remembered_operations_stays_stale():
    timeline = started(applied=100)
    timeline.feed(op(101 + at, "pin", 1, set=True) for at in range(RECENT_MAX + 1))
    timeline.take_page({"events": [text(60)], "low": 60, "high": 70, "seq": 100})
    assert timeline.cached.holding(60).valid == 100


def test_an_operation_on_a_stale_stretch_is_left_to_changes():
    timeline = stale_room()
    timeline.feed([op(901, "reaction", 1, emoji="x", set=True)])
    assert timeline.messages[1].reactions == {}
    assert timeline.cached.stale(1, 2, timeline.applied) == (1, 2, 2)


def test_a_recall_empties_a_message_of_a_stale_stretch_at_once():
    timeline = stale_room()
    timeline.feed([op(901, "recall", 1)])
    assert timeline.messages[1].body is None
    timeline.take_changes({"events": [text(1, "edited before", changed=500)], "seq": 900}, Interval(1, 2, 2))
    assert timeline.messages[1].body is None


def test_what_else_happened_to_a_message_recalled_meanwhile_is_not_lost():
    timeline = stale_room()
    timeline.feed([op(901, "recall", 1)])
    late = text(1, changed=500, reactions=[{"emoji": "a", "count": 2}])
    timeline.take_changes({"events": [late], "seq": 900}, Interval(1, 2, 2))
    message = timeline.messages[1]
    assert (message.body, message.reactions, message.changed) == (None, {"a": 2}, 901)


def test_changes_bring_a_stale_stretch_up_to_date():
    timeline = stale_room()
    changes = timeline.take_changes(
        {"events": [text(2, "edited", changed=700, edited=7)], "seq": 900}, Interval(1, 2, 2)
    )
    assert [change.message.text for change in changes] == ["edited"]
    assert timeline.cached.stale(1, 2, 900) is None


def test_cut_changes_cover_only_what_lies_before_next():
    timeline = stale_room()
    timeline.take_changes({"events": [], "seq": 900, "next": 2}, Interval(1, 2, 2))
    assert timeline.cached.stale(1, 2, 900) == (2, 2, 2)


def test_late_changes_claim_nothing_that_was_dropped_meanwhile():
    timeline = stale_room()
    timeline.trim(kept=0)
    timeline.take_changes({"events": [text(2, "edited", changed=700)], "seq": 900}, Interval(1, 2, 2))
    assert (timeline.messages, timeline.cached.holding(2)) == ({}, None)


def test_single_messages_are_kept_only_where_they_will_be_kept_right():
    timeline = started()
    timeline.feed([text(1), text(2)])
    timeline.take_messages([text(2, "newer", changed=9), text(77)])
    assert timeline.messages[2].text == "newer"
    assert 77 not in timeline.messages


def stale_room():
    timeline = started()
    timeline.feed([text(1), text(2)])
    timeline.take_newest({"events": [], "low": 870, "high": 900, "seq": 900})
    return timeline


# --- the cache


def test_a_page_is_answered_from_the_cache_only_without_hole_and_up_to_date():
    timeline = started()
    timeline.feed(text(seq) for seq in range(1, 11))
    page = timeline.page_before(before=8, limit=3)
    assert ([message.seq for message in page.messages], page.low, page.high) == ([5, 6, 7], 5, 7)
    assert not page.end
    assert timeline.page_before(before=3, limit=9).end
    assert stale_room().page_before(before=3, limit=2) is None


def test_a_page_that_runs_out_of_the_cache_is_not_answered_from_it():
    timeline = started(applied=100)
    timeline.feed([text(101), text(102)])
    assert timeline.page_before(before=103, limit=3) is None
    assert timeline.page_before(before=103, limit=2).low == 101


def test_trimming_keeps_the_newest_and_coverage_stays_exact():
    timeline = started()
    timeline.feed(text(seq) for seq in range(1, 11))
    timeline.trim(kept=4)
    assert sorted(timeline.messages) == [7, 8, 9, 10]
    assert list(timeline.cached) == [(7, 10, 10)]


def test_trimming_to_nothing_keeps_the_position():
    timeline = started()
    timeline.feed([text(1), {"seq": 2, "kind": "joined"}])
    timeline.trim(kept=0)
    assert (timeline.messages, timeline.notes, len(timeline.cached), timeline.applied) == ({}, {}, 0, 2)
    assert added(timeline.feed([text(3)])) == [3]


def test_a_first_visible_that_rises_takes_what_lies_below_and_lets_what_waited_follow():
    timeline = started()
    timeline.feed([text(1), text(2), text(9)])
    timeline.bounds(first_visible=9, log_floor=1)
    assert (timeline.applied, timeline.messages, len(timeline.cached)) == (8, {}, 0)
    assert added(timeline.feed([])) == [9]


def test_a_reset_forgets_everything_but_the_bounds():
    timeline = started()
    timeline.bounds(first_visible=5, log_floor=3)
    timeline.feed([text(1)])
    timeline.reset()
    assert (timeline.applied, timeline.head, timeline.started, timeline.messages) == (4, 0, False, {})


# --- every order


@st.composite
def logs(draw):
    """A log of 1 to 30 events in which operations point at earlier messages, of recalled ones at most a pin."""
    log = []
    for seq in range(1, draw(st.integers(1, 30)) + 1):
        kind = draw(st.sampled_from(["message", "message", *OPERATIONS, "joined"]))
        recalled = recalled_in(log) if kind != "pin" else set()
        targets = [
            event["seq"] for event in log if event["kind"] == "message" and event["seq"] not in recalled
        ]
        if kind == "erased":
            log.append(erased(seq, **draw(STRETCHES)))
        elif kind in OPERATIONS and targets:
            log.append(op(seq, kind, draw(st.sampled_from(targets)), **draw(contents(kind))))
        else:
            log.append(text(seq) if kind != "joined" else {"seq": seq, "kind": "joined"})
    return log


STRETCHES = st.fixed_dictionaries({}, optional={"from": st.integers(1, 30), "to": st.integers(1, 30)})


def recalled_in(log):
    return {seq for seq, message in folded(log).items() if message.recalled}


def contents(kind):
    return {
        "edit": st.sampled_from([{"body": {"text": "e1"}}, {"body": {"text": "e2"}}]),
        "recall": st.just({}),
        "pin": st.booleans().map(lambda value: {"set": value}),
        "reactions": st.integers(1, 9).map(lambda count: {"reactions": [{"emoji": "a", "count": count}]}),
        "reaction": st.tuples(st.sampled_from("ab"), st.booleans(), st.sampled_from(["ann", ME])).map(
            lambda drawn: {"emoji": drawn[0], "set": drawn[1], "user": drawn[2]}
        ),
    }[kind]


def folded(log):
    """The messages of a log, by applying it once in order."""
    messages = {}
    for event in log:
        if event["kind"] == "message":
            messages[event["seq"]] = message_from(ROOM, event)
        elif event["kind"] == "erased":
            low, high = event.get("from", 1), event.get("to", event["seq"])
            for seq in [seq for seq in messages if low <= seq <= high]:
                messages[seq] = changed_by(messages[seq], event, ME)
        elif event["kind"] in OPERATIONS:
            messages[event["target"]] = changed_by(messages[event["target"]], event, ME)
    return messages


@given(logs(), st.randoms(use_true_random=False), st.lists(st.integers(0, 29), max_size=20))
def test_any_permutation_with_any_repetition_converges_to_the_same_state(log, random, repeated):
    deliveries = log + [log[at] for at in repeated if at < len(log)]
    random.shuffle(deliveries)
    timeline = started()
    for event in deliveries:
        timeline.feed([event])
    assert timeline.messages == folded(log)
    assert (timeline.applied, timeline.buffer) == (len(log), {})


@given(logs(), st.randoms(use_true_random=False), st.integers(1, 7))
def test_devices_end_equal_whether_they_saw_it_live_or_caught_up_later(log, random, page):
    server, timeline = Server(), started()
    for event in log:
        server.log.append(event)
        if random.random() < 0.5:
            timeline.feed([event])
        else:
            timeline.heard(event["seq"])
        if random.random() < 0.2:
            catch_up(timeline, server, page)
    catch_up(timeline, server, page)
    assert timeline.messages == folded(log)


def catch_up(timeline, server, page):
    while plan := timeline.plan():
        events = server.replay(plan.first, plan.last)[:page]
        assert timeline.take_log({"events": events, "seq": server.seq})[0]


@given(logs(), st.randoms(use_true_random=False))
def test_every_message_is_told_exactly_once_and_in_order(log, random):
    deliveries = log * 2
    random.shuffle(deliveries)
    timeline = started()
    told = [seq for event in deliveries for seq in added(timeline.feed([event]))]
    assert told == [event["seq"] for event in log if event["kind"] == "message"]


# --- against a server, with replies that come late


@dataclass
class Server:
    """One room as a server keeps it: the log and the current state of its messages."""

    log: list = field(default_factory=list)

    @property
    def seq(self):
        return len(self.log)

    def current(self, low, high):
        states = folded(self.log)
        return [served(states[seq]) for seq in sorted(states) if low <= seq <= high]

    def history(self, before, limit):
        states = self.current(1, before - 1)
        page = states[-limit:]
        low = page[0]["seq"] if len(states) > limit else 1
        reply = {"events": page, "low": low, "high": before - 1, "seq": self.seq}
        return {**reply, "end": True} if len(states) <= limit else reply

    def changes(self, low, high, since):
        events = [event for event in self.current(low, high) if event.get("changed", 0) > since]
        return {"events": events, "seq": self.seq}

    def replay(self, first, last):
        """Messages as they are now, and edits of recalled ones without their body (protocol.md, "Event")."""
        states = {event["seq"]: event for event in self.current(1, self.seq)}
        recalled = recalled_in(self.log)
        return [
            {name: value for name, value in event.items() if name != "body"}
            if event["kind"] == "edit" and event["target"] in recalled
            else states.get(event["seq"], event)
            for event in self.log[first - 1 : last]
        ]


def served(message):
    event = text(message.seq, user=message.user, changed=message.changed, edited=message.edited)
    event |= {"pinned": message.pinned, "recalled": message.recalled, "mine": sorted(message.mine)}
    event["reactions"] = [{"emoji": emoji, "count": count} for emoji, count in message.reactions.items()]
    if message.recalled:
        del event["body"]
    else:
        event["body"] = message.body
    return event


class LateReplies(RuleBasedStateMachine):
    """Events, lost pushes, jumps, pages and changes in any order; replies may come long after they were
    made."""

    def __init__(self):
        super().__init__()
        self.server = Server([text(seq) for seq in range(1, 6)])
        self.timeline = Timeline(ROOM, Owner(ME))
        self.under_way = []

    @initialize(missed=st.integers(1, 3))
    def a_stretch_is_left_behind(self, missed):
        """The five messages are cached, reactions to them are missed, and a jump skips those."""
        self.timeline.feed(self.server.log)
        for seq in range(6, 6 + missed):
            self.server.log.append(op(seq, "reaction", 1 + seq % 2, emoji="a", set=True))
        self.server.log.append(text(self.server.seq + 1))
        self.timeline.take_newest(self.server.history(self.server.seq + 1, 1))

    @rule(drawn=st.data(), lost=st.booleans())
    def something_happens(self, drawn, lost):
        seq = self.server.seq + 1
        kind = drawn.draw(st.sampled_from(["reaction", "reaction", "message", *OPERATIONS]))
        states = folded(self.server.log)
        # Few targets, so that many operations meet at one message: that is where it gets hard.
        targets = [number for number, state in states.items() if not state.recalled][:2]
        if kind == "erased":
            event = erased(seq, **drawn.draw(STRETCHES))
        elif kind == "message" or not targets:
            event = text(seq)
        else:
            event = op(seq, kind, drawn.draw(st.sampled_from(targets)), **drawn.draw(contents(kind)))
        self.server.log.append(event)
        if lost:
            self.timeline.heard(seq)
        else:
            self.timeline.feed([event])

    @rule(limit=st.integers(1, 4))
    def a_jump_is_asked(self, limit):
        reply = self.server.history(self.server.seq + 1, limit)
        self.under_way.append(lambda: self.timeline.take_newest(reply))

    @rule(before=st.integers(2, 40), limit=st.integers(1, 4))
    def a_page_is_asked(self, before, limit):
        reply = self.server.history(min(before, self.server.seq + 1), limit)
        self.under_way.append(lambda: self.timeline.take_page(reply))

    @precondition(lambda self: len(self.timeline.cached))
    @rule(at=st.integers(0, 9))
    def changes_are_asked(self, at):
        parts = list(self.timeline.cached)
        part = parts[at % len(parts)]
        reply = self.server.changes(part.low, part.high, part.valid)
        self.under_way.append(lambda: self.timeline.take_changes(reply, part))

    @precondition(lambda self: isinstance(self.timeline.plan(), Fetch))
    @rule()
    def the_log_is_asked(self):
        plan = self.timeline.plan()
        reply = {"events": self.server.replay(plan.first, plan.last), "seq": self.server.seq}
        self.under_way.append(lambda: self.timeline.take_log(reply))

    @precondition(lambda self: self.under_way)
    @rule(at=st.integers(0, 9))
    def a_reply_arrives(self, at):
        self.under_way.pop(at % len(self.under_way))()

    @rule(kept=st.integers(0, 6))
    def the_cache_is_trimmed(self, kept):
        self.timeline.trim(kept)

    @invariant()
    def every_cached_message_lies_in_a_stretch(self):
        assert all(self.timeline.cached.holding(seq) for seq in self.timeline.messages)

    @invariant()
    def what_is_up_to_date_is_right(self):
        states = folded(self.server.log[: self.timeline.applied])
        for part in self.timeline.cached:
            if part.valid == self.timeline.applied:
                for seq in range(part.low, part.high + 1):
                    assert self.timeline.messages.get(seq) == states.get(seq)

    def teardown(self):
        """Repair what is left and compare everything."""
        timeline, server = self.timeline, self.server
        timeline.heard(server.seq)
        while plan := timeline.plan():
            if isinstance(plan, Jump):
                timeline.take_newest(server.history(server.seq + 1, 3))
            else:
                timeline.take_log({"events": server.replay(plan.first, plan.last), "seq": server.seq})
        while part := timeline.cached.stale(1, server.seq, timeline.applied):
            timeline.take_changes(server.changes(*part), part)
        states = folded(server.log)
        for part in timeline.cached:
            for seq in range(part.low, part.high + 1):
                assert timeline.messages.get(seq) == states.get(seq)


LateReplies.TestCase.settings = settings(max_examples=200, stateful_step_count=30)
TestLateReplies = LateReplies.TestCase


def test_the_model_serves_messages_in_their_current_state():
    server = Server([text(1), op(2, "recall", 1)])
    (event,) = server.replay(1, 1)
    assert message_from(ROOM, event) == replace(folded(server.log)[1], body=None)
