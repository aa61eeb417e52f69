"""Requests to join: how they are decided, and when they end (core/joins.py)."""

from chatd.core.joins import DECLINED_MS, EndJoins
from chatd.core.sections import ChangedRow
from chatd.protocol.members import RoomJoin
from tests.kit.entering import EVE, decide, room_of, state_now, writer_of
from tests.kit.group_requests import add, join, key, leave


def test_a_decline_is_not_told_and_lasts_a_day():
    room = room_of(join="request")
    writer = writer_of(room)
    writer.ask(EVE, RoomJoin(room=room.name, key=key(), text="hello"))
    writer.ask("bob", decide(room, EVE, accept=False))
    assert not writer.writes.records_of(ChangedRow)
    reply = writer.ask(EVE, join(room))
    assert (reply.duplicate, reply.requested) == (True, True)
    writer.now += DECLINED_MS - 1
    writer.ask("", EndJoins([(room.name, EVE)]))
    assert state_now(room, writer) == "declined"
    writer.now += 1
    writer.ask("", EndJoins([(room.name, EVE)]))
    assert writer.ask(EVE, join(room)).requested
    assert state_now(room, writer) == "asked"


def test_of_two_admins_the_second_changes_nothing():
    room = room_of(join="request")
    writer = writer_of(room)
    writer.ask(EVE, join(room))
    first, second = writer.batch([("ann", decide(room, EVE)), ("bob", decide(room, EVE))])
    assert (first.duplicate, second.duplicate) == (False, True)
    assert sum(event.kind == "joined" for event in writer.events(room)) == 1


def test_what_waits_ends_when_its_user_is_let_in_another_way():
    room = room_of(join="request")
    writer = writer_of(room)
    writer.ask(EVE, join(room))
    writer.ask("bob", add(room, EVE))
    assert state_now(room, writer) == "in"
    assert writer.joins[room.number, EVE].kind == ""
    assert room.details.joins == 0


def test_an_admin_declines_for_good():
    room = room_of(join="request")
    writer = writer_of(room)
    writer.ask(EVE, join(room))
    writer.ask("bob", decide(room, EVE, accept=False, ban=True))
    assert state_now(room, writer) == "banned"
    assert room.details.joins == 0
    (refused,) = writer.batch([(EVE, join(room))])
    assert refused.code == "not_found"
    (refused,) = writer.batch([("bob", decide(room, EVE, ban=True))])
    assert (refused.code, refused.field) == ("bad_request", "ban")


def test_who_left_and_asks_to_come_back_can_take_that_back():
    room = room_of(join="request")
    writer = writer_of(room)
    writer.ask(EVE, join(room))
    writer.ask("bob", decide(room, EVE))
    writer.ask(EVE, leave(room))
    writer.ask(EVE, join(room))
    assert not writer.ask(EVE, leave(room)).duplicate
    assert state_now(room, writer) == "out"
