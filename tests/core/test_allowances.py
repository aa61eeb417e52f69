"""The allowances of a user a day, of bytes, rooms and additions: refused when used up, charged when stored."""

import pytest

from chatd.core.allowances import Allowances
from chatd.core.members import MEMBER_BYTES, ROOM_BYTES
from chatd.core.write_set import EVENT_BYTES
from chatd.protocol.errors import Refused
from chatd.protocol.members import MembersAdd, MembersRemove, RoomJoin, RoomLeave
from chatd.protocol.messages import Body, Send
from chatd.protocol.read_state import Read
from chatd.protocol.rooms import RoomCreate, RoomDelete, RoomDirect
from tests.kit.memory_writer import MemoryWriter, group

DAY_S = 86_400
numbers = iter(range(10_000_000, 99_999_999))


class Accountant(MemoryWriter):
    """A writer in memory whose users have so much a day; `seconds` pass when a test says so."""

    def __init__(self, *rooms, **per_day):
        super().__init__(*rooms)
        self.allowances = Allowances()
        self.allowances.become(per_day)
        self.seconds = 0.0

    def gather(self, asked):
        reads = super().gather(asked)
        reads.allowances, reads.now_s = self.allowances, self.seconds
        return reads

    def commit(self):
        super().commit()
        self.allowances.charge(self.writes, self.seconds)


def key():
    return f"key-{next(numbers)}"


def creation(*users, **keys):
    return RoomCreate(**{"key": key(), "kind": "group", "title": "t", "users": list(users), **keys})


def send(room, text="x", **keys):
    return Send(**{"room": room.name, "key": key(), "body": Body(text=text), **keys})


def refusal(writer, user, request):
    with pytest.raises(Refused, match="rate_limited") as refused:
        writer.ask(user, request)
    assert writer.writes.empty
    assert (refused.value.scope, refused.value.retry) == ("user", "later")
    return refused.value.retry_after


def test_rooms_made_count_and_come_back_over_the_day():
    writer = Accountant(rooms=2)
    writer.ask("ann", creation())
    writer.ask("ann", RoomDirect(user="bob"))
    wait_ms = refusal(writer, "ann", creation())
    assert wait_ms == refusal(writer, "ann", RoomDirect(user="cat")) == DAY_S * 1000 // 2
    writer.ask("bob", RoomDirect(user="ann"))  # which is there
    writer.ask("bob", creation())
    writer.seconds += wait_ms / 1000
    writer.ask("ann", creation())


def test_people_put_into_rooms_count_all_or_none():
    writer = Accountant(added=5)
    room = writer.rooms[writer.ask("ann", creation("bob", "cat", "ann")).summary.room]
    refusal(writer, "ann", MembersAdd(room=room.name, key=key(), users=["dan", "eve", "fay", "gus"]))
    refusal(writer, "ann", creation("dan", "eve", "fay", "gus"))
    writer.ask("ann", MembersAdd(room=room.name, key=key(), users=["bob", "cat", "dan", "eve"]))
    writer.ask("ann", RoomDirect(user="bob"))
    refusal(writer, "ann", RoomDirect(user="cat"))
    writer.ask("cat", RoomDirect(user="dan"))


def test_what_a_batch_takes_counts_within_it():
    writer = Accountant(rooms=2, added=3)
    replies = writer.batch(
        [("ann", creation("bob", "cat")), ("ann", creation("bob", "cat")), ("ann", creation("bob"))]
    )
    assert [getattr(reply, "code", "ok") for reply in replies] == ["ok", "rate_limited", "ok"]


def test_what_came_to_nothing_costs_nothing():
    writer = Accountant(rooms=1)
    writer.decide([("ann", creation())])
    writer.writes.rollback()
    writer.ask("ann", creation())


def test_a_repeated_request_costs_nothing_and_is_answered_whatever_is_left():
    writer = Accountant(rooms=1, bytes=EVENT_BYTES)
    request = creation()
    made = writer.ask("ann", request)
    room = writer.rooms[made.summary.room]
    refusal(writer, "ann", send(room))
    assert writer.ask("ann", request).duplicate
    writer = Accountant(group(ann="owner"), bytes=EVENT_BYTES)
    (room,) = writer.rooms.values()
    request = send(room)
    writer.ask("ann", request)
    refusal(writer, "ann", send(room))
    assert writer.ask("ann", request).duplicate
    writer.ask("ann", Read(room=room.name, seq=2))


def test_what_is_stored_counts_as_what_it_takes():
    writer = Accountant(group(ann="owner", bob="member", cat="member"), bytes=1)
    (room,) = writer.rooms.values()

    def spent(user, request):
        writer.seconds += 10 * DAY_S * 1_000_000
        writer.ask(user, request)
        return writer.writes.spent.get(("bytes", user), 0)

    sent = spent("ann", send(room, "x" * 1000))
    assert EVENT_BYTES + 1000 < sent < EVENT_BYTES + 1100
    created = spent("ann", creation("bob", "cat", avatar="a" * 1000))
    assert created > ROOM_BYTES + 3 * MEMBER_BYTES + EVENT_BYTES + 4000
    assert (
        spent("ann", MembersAdd(room=room.name, key=key(), users=["dan", "eve"]))
        > 2 * MEMBER_BYTES + EVENT_BYTES
    )
    assert spent("ann", MembersRemove(room=room.name, key=key(), users=["dan"])) > MEMBER_BYTES + EVENT_BYTES
    room.public = True
    assert spent("gus", RoomJoin(room=room.name, key=key())) > MEMBER_BYTES + EVENT_BYTES
    assert spent("gus", RoomLeave(room=room.name, key=key())) > MEMBER_BYTES + EVENT_BYTES
    assert spent("ann", RoomDelete(room=room.name, key=key())) == 4 * MEMBER_BYTES


def test_other_rates_count_for_those_who_used_theirs():
    writer = Accountant(rooms=1)
    writer.ask("ann", creation())
    assert refusal(writer, "ann", creation()) == DAY_S * 1000
    writer.allowances.become({"rooms": 4})
    assert refusal(writer, "ann", creation()) == DAY_S * 1000 // 4
    writer.allowances.become({})
    for _ in range(5):
        writer.ask("ann", creation())
