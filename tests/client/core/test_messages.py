"""Operations on one message."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.client.core.messages import OPERATIONS, changed_by, message_from, with_own_reaction

ROOM, ME = "gRoom", "me"
EVENT = {
    "seq": 10,
    "kind": "message",
    "user": "bob",
    "time": 1000,
    "ordinal": 7,
    "key": "k" * 22,
    "body": {"text": "Hi"},
}


def message(**more):
    return message_from(ROOM, {**EVENT, **more})


def operation(kind, seq=11, user="ann", **fields):
    return {"seq": seq, "kind": kind, "user": user, "time": 2000, "target": 10, **fields}


def test_a_message_takes_everything_its_event_says():
    full = message(
        changed=12,
        edited=1500,
        pinned=True,
        reactions=[{"emoji": "👍", "count": 2}],
        mine=["👍"],
        composed_at=1,
    )
    assert (full.room, full.seq, full.user, full.ordinal, full.text) == (ROOM, 10, "bob", 7, "Hi")
    assert (full.changed, full.edited, full.pinned, full.composed_at) == (12, 1500, True, 1)
    assert (full.reactions, full.mine) == ({"👍": 2}, {"👍"})


def test_a_recalled_message_has_neither_body_nor_text():
    gone = message_from(
        ROOM, {"seq": 1, "kind": "message", "user": "bob", "time": 1, "recalled": True, "changed": 3}
    )
    assert (gone.body, gone.text, gone.recalled) == (None, "", True)


def test_a_text_that_is_no_text_is_shown_as_nothing():
    assert message(body={"text": 5}).text == ""


def test_an_edit_replaces_the_body_and_notes_when():
    edited = changed_by(message(), operation("edit", body={"text": "Hello"}), ME)
    assert (edited.text, edited.edited, edited.changed) == ("Hello", 2000, 11)


def test_an_edit_without_body_says_when_and_leaves_the_body_to_the_recall_that_follows():
    edited = changed_by(message(), operation("edit"), ME)
    assert (edited.text, edited.edited, edited.changed) == ("Hi", 2000, 11)


def test_a_recall_takes_nothing_but_the_body():
    before = message(edited=1500, pinned=True, reactions=[{"emoji": "👍", "count": 2}], mine=["👍"])
    recalled = changed_by(before, operation("recall"), ME)
    assert recalled == replace(before, body=None, recalled=True, changed=11)


def test_reactions_are_counted_and_own_ones_remembered():
    state = message()
    state = changed_by(state, operation("reaction", 11, emoji="👍", set=True), ME)
    state = changed_by(state, operation("reaction", 12, user=ME, emoji="👍", set=True), ME)
    assert (state.reactions, state.mine) == ({"👍": 2}, {"👍"})
    state = changed_by(state, operation("reaction", 13, user=ME, emoji="👍", set=False), ME)
    assert (state.reactions, state.mine) == ({"👍": 1}, frozenset())
    state = changed_by(state, operation("reaction", 14, emoji="👍", set=False), ME)
    assert state.reactions == {}


def test_summarised_reactions_replace_the_counts_and_leave_the_own_ones():
    state = message(reactions=[{"emoji": "👍", "count": 1}], mine=["👍"])
    state = changed_by(state, operation("reactions", reactions=[{"emoji": "🚲", "count": 900}]), ME)
    assert (state.reactions, state.mine) == ({"🚲": 900}, {"👍"})


def test_a_pin_is_set_and_taken_away():
    pinned = changed_by(message(), operation("pin", set=True), ME)
    assert pinned.pinned
    assert not changed_by(pinned, operation("pin", 12, set=False), ME).pinned


@pytest.mark.parametrize("kind", sorted(OPERATIONS))
def test_an_operation_not_above_changed_is_ignored(kind):
    state = message(changed=11)
    late = operation(kind, 11, body={"text": "no"}, emoji="x", set=True, reactions=[])
    assert changed_by(state, late, ME) is state


def test_an_own_reaction_without_an_event_is_remembered_without_counting():
    state = with_own_reaction(message(), "👍", present=True)
    assert (state.mine, state.reactions, state.changed) == ({"👍"}, {}, 0)
    assert with_own_reaction(state, "👍", present=False).mine == frozenset()


kinds = st.sampled_from([("edit", {"body": {"text": "e"}}), ("recall", {}), ("pin", {"set": True})])
reactions = st.tuples(st.sampled_from("ab"), st.booleans()).map(
    lambda drawn: ("reaction", {"emoji": drawn[0], "set": drawn[1]})
)


@given(st.lists(kinds | reactions, max_size=12), st.data())
def test_replaying_any_tail_of_the_operations_changes_nothing(drawn, data):
    log = [operation(kind, 11 + at, **fields) for at, (kind, fields) in enumerate(drawn)]
    state = message()
    for entry in log:
        state = changed_by(state, entry, ME)
    again = state
    for entry in log[data.draw(st.integers(0, len(log))) :]:
        again = changed_by(again, entry, ME)
    assert again == state
