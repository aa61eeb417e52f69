"""Joining and adding, in one commit with what it asks for (core/entering.py)."""

from chatd.core.extras import BANNED_UNTIL, put_extra
from chatd.core.read_set import PeopleRules, Rules
from chatd.protocol.errors import ChatError
from tests.kit.entering import ASK, EVE, NO, YES, decide, lets, put, room_of, state_now, writer_of
from tests.kit.env import START_MS
from tests.kit.group_requests import add, creation, join, roles
from tests.kit.memory_writer import MemoryWriter


def test_an_offer_works_while_its_maker_may_invite():
    for join_rule, ends in (("closed", "not_found"), ("request", "asked")):
        room = room_of(join=join_rule)
        writer = writer_of(room)
        lets(writer, EVE, ASK)
        writer.ask("bob", add(room, EVE))
        writer.ask("ann", roles(room, bob="member"))
        (reply,) = writer.batch([(EVE, join(room))])
        found = reply.code if isinstance(reply, ChatError) else state_now(room, writer)
        assert found == ends


def test_a_creation_offers_the_group_to_those_who_want_to_be_asked():
    writer = MemoryWriter(rules=Rules(people=PeopleRules(enabled=True)))
    lets(writer, "bob", YES)
    lets(writer, EVE, ASK)
    lets(writer, "dan", NO)
    reply = writer.ask("ann", creation("bob", EVE, "dan"))
    assert (reply.offered, reply.not_added) == ([EVE], ["dan"])
    room = writer.rooms[reply.summary.room]
    assert [*room.members] == ["ann", "bob"]
    assert writer.ask(EVE, join(room)).seq
    assert EVE in room.members


def test_the_queue_of_a_group_is_bounded():
    room = room_of(join="request")
    writer = writer_of(room, joins_max=2)
    for user in ("u1", "u2"):
        writer.ask(user, join(room))
    (refused,) = writer.batch([("u3", join(room))])
    assert (refused.code, refused.field) == ("too_large", "room")
    assert room.details.joins == 2
    writer.ask("bob", decide(room, "u1", "u2", accept=False))
    assert room.details.joins == 0
    assert not room.governed or room.details.joins == 0
    writer.ask("u3", join(room))


def test_a_ban_that_is_over_keeps_nobody_out():
    room = room_of(join="open")
    writer = writer_of(room)
    put(room, writer, "banned")
    put_extra(room.former[EVE], BANNED_UNTIL, START_MS + 10)
    (refused,) = writer.batch([(EVE, join(room))])
    assert refused.code == "not_member"
    writer.now += 10
    writer.ask(EVE, join(room))
    assert EVE in room.members
