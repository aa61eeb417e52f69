"""The gate of a direct room and the standing of the other, for every row of protocol.md "Direct rooms and message
requests"."""

import pytest

from chatd.core.message_requests import REQUEST_CHARACTERS_MAX, relate
from chatd.core.privacy import BOUNDS, Relation, RoomRelations, Side, Tie
from chatd.core.read_set import PeopleRules, Rules
from chatd.core.room import Standing
from chatd.core.room_steps import RoomListed, RoomUnlisted
from chatd.core.write_set import NewEvent
from chatd.protocol.errors import ChatError, Refused
from chatd.protocol.messages import Attachment, Body, Edit, Pin, React, Recall, Send
from chatd.protocol.privacy import Audience
from chatd.protocol.read_state import Read
from chatd.protocol.rooms import RoomAccept, RoomDecline
from tests.kit.memory_writer import MemoryWriter, direct

POLICY, ACCEPTED, REQUEST, DECLINED = Standing
EVERYBODY, NOBODY = {"write": Audience("everyone")}, {"knock": Audience("nobody")}
numbers = iter(range(10_000_000, 99_999_999))


def send(room, text="hello", **body):
    return Send(room=room.name, key=f"key-{next(numbers)}", body=Body(text=text, **body))


def meet(room, *, rules=None, bob_blocks=False, ann_blocks=False, friends=False, closed=False):
    """Let ann and bob stand so to each other; `rules` and `closed` are of bob."""
    ann = Side("ann", Tie(is_friend=friends, blocked=ann_blocks))
    bob = Side("bob", Tie(is_friend=friends, blocked=bob_blocks), rules or {}, closed)
    room.people_changes += 1
    relate(room, RoomRelations({}, Relation(ann, bob)), room.people_changes, BOUNDS)


def a_room(standing=POLICY, *, written=3, **relation):
    """Return a direct room that ann made, in which bob has this standing, and its writer."""
    room = direct("ann", "bob")
    room.members["bob"].standing = standing
    room.written = written
    meet(room, **relation)
    return room, MemoryWriter(room, rules=Rules(people=PeopleRules(enabled=True)))


def outcome(writer, user, request):
    """Return the code of a refusal, or "done"."""
    try:
        writer.ask(user, request)
    except ChatError as refusal:
        return refusal.code
    return "done"


ROWS = [
    # standing of bob, relation, ann sends, the standing after it, ann edits
    *((any_, {"ann_blocks": True}, "blocked", any_, "blocked") for any_ in Standing),
    *((any_, {"bob_blocks": True}, "refused", any_, "refused") for any_ in Standing),
    *((any_, {"closed": True}, "refused", any_, "refused") for any_ in Standing),
    (ACCEPTED, {}, "done", ACCEPTED, "done"),
    (ACCEPTED, {"rules": NOBODY}, "done", ACCEPTED, "done"),
    *((any_, {"friends": True}, "done", POLICY, "done") for any_ in (POLICY, REQUEST, DECLINED)),
    *((any_, {"rules": EVERYBODY}, "done", POLICY, "done") for any_ in (POLICY, REQUEST, DECLINED)),
    (POLICY, {}, "done", REQUEST, "request_pending"),
    (POLICY, {"rules": NOBODY}, "refused", POLICY, "refused"),
    *((any_, {}, "done", any_, "request_pending") for any_ in (REQUEST, DECLINED)),
    *((any_, {"rules": NOBODY}, "done", any_, "request_pending") for any_ in (REQUEST, DECLINED)),
]


@pytest.mark.parametrize(("standing", "relation", "sends", "after", "edits"), ROWS)
def test_every_row_of_the_table_has_its_outcome(standing, relation, sends, after, edits):
    room, writer = a_room(standing, friends=True)
    mine = writer.ask("ann", send(room)).seq
    room.members["bob"].standing = standing
    meet(room, **relation)
    operations = [
        Edit(room=room.name, key=f"key-{next(numbers)}", target=mine, body=Body(text="better")),
        React(room=room.name, key=f"key-{next(numbers)}", target=mine, emoji="👍", set=True),
        Pin(room=room.name, key=f"key-{next(numbers)}", target=mine, set=True),
    ]
    assert [outcome(writer, "ann", operation) for operation in operations] == [edits] * 3
    assert outcome(writer, "ann", send(room)) == sends
    assert room.members["bob"].standing == after
    recall = Recall(room=room.name, key=f"key-{next(numbers)}", target=mine)
    assert outcome(writer, "ann", recall) == "done"


@pytest.mark.parametrize("standing", [POLICY, REQUEST, DECLINED])
def test_three_texts_are_taken_before_an_answer_and_nothing_else(standing):
    room, writer = a_room(standing)
    picture = Attachment(url="https://x/y", mime="image/png")
    for too_much in (
        {"attachments": [picture]},
        {"data": 1},
        {"text": "x" * (REQUEST_CHARACTERS_MAX + 1)},
    ):
        before = writer.snapshot()
        with pytest.raises(Refused, match="request_pending"):
            writer.ask("ann", send(room, **{"text": "look", **too_much}))
        assert writer.snapshot() == before
    asked = [outcome(writer, "ann", send(room, "x" * REQUEST_CHARACTERS_MAX)) for _ in range(4)]
    assert asked == ["done", "done", "done", "request_pending"]


def test_a_request_leaves_the_list_before_its_text_and_is_told():
    room, writer = a_room()
    writer.ask("ann", send(room))
    steps = writer.writes.steps[room.number]
    assert [type(step) for step in steps] == [RoomUnlisted, NewEvent]
    assert writer.writes.requests == {(room.number, "bob"): room}
    assert not writer.writes.plain
    meet(room)
    writer.ask("ann", send(room))
    assert [type(step) for step in writer.writes.steps[room.number]] == [NewEvent]
    assert writer.writes.new_requests == ()


def test_what_is_taken_back_is_told_to_whoever_was_asked():
    room, writer = a_room()
    sent = writer.ask("ann", send(room))
    meet(room)
    writer.ask("ann", Recall(room=room.name, key=f"key-{next(numbers)}", target=sent.seq))
    assert writer.writes.requests == {(room.number, "bob"): room}


def test_a_decline_is_told_to_nobody_and_texts_after_it_to_nobody_either():
    room, writer = a_room(REQUEST)
    writer.ask("bob", RoomDecline(room=room.name))
    assert (writer.writes.declined, writer.writes.steps) == (((room, "bob"),), {})
    writer.ask("bob", RoomDecline(room=room.name))
    assert writer.writes.declined == ()
    meet(room)
    writer.ask("ann", send(room))
    assert writer.writes.requests == {}
    assert room.members["bob"].standing == DECLINED


def answer(room):
    return send(room, "yes?")


@pytest.mark.parametrize("standing", [POLICY, REQUEST, DECLINED])
@pytest.mark.parametrize("accepting", [answer, lambda room: RoomAccept(room=room.name)])
def test_whoever_answers_or_accepts_takes_everything_from_then_on(standing, accepting):
    room, writer = a_room(standing)
    if standing == POLICY and accepting is not answer:
        assert outcome(writer, "bob", accepting(room)) == "not_found"
        return
    writer.ask("bob", accepting(room))
    kinds = [type(step) for step in writer.writes.steps.get(room.number, [])]
    assert kinds[:1] == ([RoomListed] if standing != POLICY else [NewEvent])
    meet(room, rules=NOBODY)
    assert [outcome(writer, "ann", send(room)) for _ in range(5)] == ["done"] * 5
    assert room.members["bob"].extras == b""


@pytest.mark.parametrize("request_", [RoomAccept, RoomDecline])
def test_nothing_is_accepted_or_declined_where_nobody_asked(request_):
    room, writer = a_room(POLICY)
    for user in ("bob", "eve"):
        assert outcome(writer, user, request_(room=room.name)) == "not_found"
    assert outcome(writer, "bob", request_(room="d00000000009")) == "not_found"
    room.members["bob"].standing = ACCEPTED
    assert outcome(writer, "bob", request_(room=room.name)) == (
        "done" if request_ is RoomAccept else "not_found"
    )


def test_a_new_room_comes_into_the_list_with_its_first_message():
    room, writer = a_room(written=0, friends=True)
    assert not room.is_listed(room.members["bob"])
    writer.ask("ann", send(room))
    assert [type(step) for step in writer.writes.steps[room.number]] == [RoomListed, NewEvent]
    assert room.is_listed(room.members["bob"])


def test_nobody_learns_that_a_request_was_read():
    room, writer = a_room()
    seq = writer.ask("ann", send(room)).seq
    writer.ask("bob", Read(room=room.name, seq=seq))
    assert room.members["bob"].read == seq
    assert (writer.writes.receipts, writer.writes.rooms) == ({}, {})
    writer.ask("bob", RoomAccept(room=room.name))
    meet(room)
    seq = writer.ask("ann", send(room)).seq
    writer.ask("bob", Read(room=room.name, seq=seq))
    assert [*writer.writes.receipts] == [(room.number, "bob")]


def test_a_rolled_back_request_never_was():
    room, writer = a_room()
    before = writer.snapshot()
    writer.decide([("ann", send(room)), ("bob", RoomDecline(room=room.name))])
    assert room.members["bob"].standing == DECLINED
    writer.writes.rollback()
    assert writer.snapshot() == before


def test_a_settled_room_has_no_gates_and_an_older_read_replaces_no_newer_one():
    room = direct("ann", "bob")
    meet(room, friends=True)
    assert (room.gates, room.is_outdated) == ({}, False)
    older = RoomRelations({}, Relation(Side("ann"), Side("bob", Tie(blocked=True))))
    relate(room, older, room.people_changes - 1, BOUNDS)
    assert room.gates == {}
    room.people_changes += 1
    assert room.is_outdated
