"""Whole batches of all kinds of requests, drawn at random: rolled back, decided again, stored."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from chatd.core import maintenance
from chatd.core.write_set import NewEvent
from chatd.protocol.members import MembersAdd, MembersRemove, MembersRole, RoleOf, RoomJoin, RoomLeave
from chatd.protocol.messages import Body, Edit, Pin, React, Recall, Send
from chatd.protocol.read_state import Delivered, DeliveredRoom, Read
from chatd.protocol.rooms import Preferences, RoomCreate, RoomDelete, RoomDirect, RoomUpdate
from tests.kit.memory_writer import MemoryWriter, group

USERS = ["ann", "bob", "cat", "dan", "eve"]
NAME = group().name


def some_key(n):
    return f"key-{n:08}"


REQUESTS = st.one_of(
    st.builds(
        lambda n, silent, who: Send(
            room=NAME, key=some_key(n), body=Body(text="x", mentions=who), silent=silent
        ),
        st.integers(0, 20),
        st.booleans(),
        st.lists(st.sampled_from([*USERS, "*"]), max_size=2),
    ),
    st.builds(
        lambda n, t: Edit(room=NAME, key=some_key(n), target=t, body=Body(text="y")),
        st.integers(0, 20),
        st.integers(1, 12),
    ),
    st.builds(
        lambda n, t: Recall(room=NAME, key=some_key(n), target=t), st.integers(0, 20), st.integers(1, 12)
    ),
    st.builds(
        lambda n, t, on: React(room=NAME, key=some_key(n), target=t, emoji="👍", set=on),
        st.integers(0, 20),
        st.integers(1, 12),
        st.booleans(),
    ),
    st.builds(
        lambda n, t, on: Pin(room=NAME, key=some_key(n), target=t, set=on),
        st.integers(0, 20),
        st.integers(1, 12),
        st.booleans(),
    ),
    st.builds(lambda seq: Read(room=NAME, seq=seq), st.integers(0, 20)),
    st.builds(lambda seq: Delivered(rooms=[DeliveredRoom(NAME, seq)]), st.integers(0, 20)),
    st.builds(lambda m, p: Preferences(room=NAME, muted_until=m, pinned=p), st.integers(0, 5), st.booleans()),
    st.builds(lambda n: RoomJoin(room=NAME, key=some_key(n)), st.integers(0, 20)),
    st.builds(lambda n: RoomLeave(room=NAME, key=some_key(n)), st.integers(0, 20)),
    st.builds(lambda n: RoomDelete(room=NAME, key=some_key(n)), st.integers(0, 20)),
    st.builds(
        lambda n, who: MembersAdd(room=NAME, key=some_key(n), users=who),
        st.integers(0, 20),
        st.lists(st.sampled_from(USERS), min_size=1, max_size=3),
    ),
    st.builds(
        lambda n, who: MembersRemove(room=NAME, key=some_key(n), users=who),
        st.integers(0, 20),
        st.lists(st.sampled_from(USERS), min_size=1, max_size=3),
    ),
    st.builds(
        lambda n, who, role: MembersRole(room=NAME, key=some_key(n), users=[RoleOf(who, role)]),
        st.integers(0, 20),
        st.sampled_from(USERS),
        st.sampled_from(["member", "admin", "owner"]),
    ),
    st.builds(
        lambda n, t: RoomUpdate(room=NAME, key=some_key(n), title=t), st.integers(0, 20), st.text(max_size=3)
    ),
    st.builds(
        lambda n, who: RoomCreate(key=some_key(n), kind="group", title="t", users=who),
        st.integers(0, 20),
        st.lists(st.sampled_from(USERS), max_size=3),
    ),
    st.builds(lambda who: RoomDirect(user=who), st.sampled_from(USERS)),
    st.builds(lambda floor: maintenance.CompactLog(NAME, floor), st.integers(1, 12)),
    st.builds(
        lambda n, t: maintenance.PostNotice(room=NAME, key=some_key(n), body=Body(text=t)),
        st.integers(0, 20),
        st.text(max_size=3),
    ),
)
BATCHES = st.lists(st.tuples(st.sampled_from(USERS), REQUESTS), max_size=12)


@given(st.lists(BATCHES, max_size=3), BATCHES)
def test_a_rollback_leaves_rooms_and_members_as_they_were(before, failed):
    writer = MemoryWriter(group(ann="owner", bob="admin", cat="member"))
    writer.rooms[NAME].public = True
    for batch in before:
        writer.batch(batch)
    picture = writer.snapshot()
    writer.decide(failed)
    writer.writes.rollback()
    assert writer.rooms == picture


@given(st.lists(BATCHES, max_size=3), BATCHES)
def test_a_batch_decided_again_after_a_rollback_ends_the_same(before, batch):
    writer = MemoryWriter(group(ann="owner", bob="admin", cat="member"))
    writer.rooms[NAME].public = True
    for earlier in before:
        writer.batch(earlier)
    writer.decide(batch)
    first = writer.snapshot(), [blob_list(writer)]
    writer.writes.rollback()
    writer.decide(batch)
    assert (writer.snapshot(), [blob_list(writer)]) == first


def blob_list(writer):
    return {
        number: [step.blob for step in steps if isinstance(step, NewEvent)]
        for number, steps in writer.writes.steps.items()
    }


@given(st.lists(BATCHES, max_size=4))
def test_every_log_is_dense_and_every_ordinal_is_too(batches):
    writer = MemoryWriter(group(ann="owner", bob="admin", cat="member"))
    writer.rooms[NAME].public = True
    for batch in batches:
        writer.batch(batch)
    for room in writer.rooms.values():
        events = writer.events(room)
        first = 2 if room.name == NAME else 1
        assert [event.seq for event in events] == list(range(first, room.seq + 1))
        assert [e.ordinal for e in events if e.ordinal is not UNSET] == list(range(1, room.ordinal + 1))
