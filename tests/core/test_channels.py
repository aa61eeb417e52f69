import pytest
from msgspec import UNSET

from chatd.core.channels import Followed, RemoveFollowers, check_staff, follows_enough
from chatd.core.read_set import ChannelRules, ReadSet, Rules
from chatd.core.room import CHANNEL, CROWD, Member, Room
from chatd.core.room_cache import RoomCache
from chatd.core.room_steps import ChannelDeleted, MemberLeft
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import room_name
from chatd.protocol.members import MembersRole, RoleOf, RoomJoin, RoomLeave
from chatd.protocol.messages import Body, Send
from chatd.protocol.rooms import RoomCreate, RoomDelete
from tests.kit.env import START_MS
from tests.kit.memory_writer import MemoryWriter, group

RULES = Rules(channels=ChannelRules(enabled=True, users_create=True, staff_max=2, followed_max=3))
MILLION = 1_000_000


def channel(number=1, followers=MILLION, **roles):
    """A channel of which these are in memory."""
    room = Room(number, room_name("c", number), CHANNEL, "ann", START_MS, seq=1, public=True)
    room.followers = followers
    for user, role in roles.items():
        room.members[user] = Member(user, role, START_MS, first_visible=1, read=0, read_ordinal=0)
    return room


def keyed(kind, room, key="k" * 22, **fields):
    return kind(room=room.name, key=key, **fields)


def test_its_size_is_the_number_of_followers_and_no_threshold_is_above_it():
    room = channel(ann="owner")
    assert (room.size, room.in_memory, room.scale) == (MILLION, 1, CROWD)


def test_the_number_follows_who_comes_and_goes_and_a_rollback_takes_it_back():
    writer = MemoryWriter(channel(ann="owner"), rules=RULES)
    room = writer.room(1)
    writer.ask("bob", keyed(RoomJoin, room))
    assert writer.room(1).size == MILLION + 1
    writer.ask("bob", keyed(RoomLeave, room, key="l" * 22))
    assert writer.room(1).size == MILLION
    writer.decide([("cat", keyed(RoomJoin, room, key="m" * 22))])
    assert room.size == MILLION + 1
    writer.writes.rollback()
    assert (room.size, room.member("cat")) == (MILLION, None)


def test_a_post_touches_its_author_and_the_room_and_nobody_it_mentions():
    writer = MemoryWriter(channel(ann="owner", bob="member"), rules=RULES)
    body = Body(text="all", mentions=["bob", "*"])
    writer.decide([("ann", keyed(Send, writer.room(1), body=body))])
    writes = writer.writes
    assert (writes.members, set(writes.rooms), writes.plain) == ({}, {1}, True)
    assert next(iter(writes.steps.values()))[0].mentions == ()


def test_a_newcomer_sees_everything_has_read_it_and_is_not_logged():
    room = channel(ann="owner")
    room.seq, room.ordinal = 40, 30
    writer = MemoryWriter(room, rules=RULES)
    reply = writer.ask("bob", keyed(RoomJoin, room))
    bob = writer.room(1).members["bob"]
    assert (bob.first_visible, bob.read, bob.unread(30)) == (1, 40, 0)
    assert (writer.room(1).seq, reply.seq) == (40, UNSET)


@pytest.mark.parametrize(
    ("staff", "successor"),
    [({"bob": "admin", "cat": "member"}, "bob"), ({"cat": "member"}, None)],
)
def test_an_admin_follows_the_last_owner_and_no_follower_does(staff, successor):
    writer = MemoryWriter(channel(ann="owner", **staff), rules=RULES)
    writer.ask("ann", keyed(RoomLeave, writer.room(1)))
    owners = [user for user in staff if writer.room(1).members[user].role == "owner"]
    assert owners == ([successor] if successor else [])


@pytest.mark.parametrize(
    ("roles", "fits"),
    [
        ({"bob": "admin"}, True),
        ({"bob": "admin", "cat": "admin"}, False),
        ({"ann": "member", "bob": "owner", "cat": "admin"}, True),
        ({"ann": "admin"}, True),
    ],
)
def test_it_has_so_much_staff_at_most(roles, fits):
    room, reads = channel(ann="owner", bob="member", cat="member"), ReadSet(RULES, {})
    if fits:
        check_staff(room, roles, reads)
    else:
        with pytest.raises(Refused, match="room_full"):
            check_staff(room, roles, reads)


def test_roles_beyond_the_staff_are_refused_whole():
    writer = MemoryWriter(channel(ann="owner", bob="member", cat="member"), rules=RULES)
    rows = [RoleOf("bob", "admin"), RoleOf("cat", "admin")]
    with pytest.raises(Refused, match="room_full"):
        writer.ask("ann", keyed(MembersRole, writer.room(1), users=rows))
    assert writer.room(1).staff == ["ann"]


@pytest.mark.parametrize(("followed", "enough"), [(0, False), (2, False), (3, True), (None, False)])
def test_a_user_follows_so_many_channels(followed, enough):
    reads, writes = ReadSet(RULES, {}), WriteSet(now=START_MS, stamp=1)
    if followed is not None:
        reads.records_of(Followed)["bob"] = Followed(followed)
    assert follows_enough("bob", writes, reads) == enough


def test_joins_of_one_batch_count_together():
    reads, writes = ReadSet(RULES, {}), WriteSet(now=START_MS, stamp=1)
    reads.records_of(Followed)["bob"] = Followed(1)
    for number in (1, 2):
        assert not follows_enough("bob", writes, reads)
        writes.add_member(channel(number), Member("bob", "member", START_MS, 1, 1, 0))
    assert follows_enough("bob", writes, reads)


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        (ChannelRules(), "not_supported"),
        (ChannelRules(enabled=True), "forbidden"),
        (ChannelRules(enabled=True, users_create=True), None),
    ],
)
def test_the_operator_says_who_makes_channels(rules, code):
    writer = MemoryWriter(rules=Rules(channels=rules))
    request = RoomCreate(key="k" * 22, kind=CHANNEL, title="news")
    if code is None:
        assert writer.ask("ann", request).summary.kind == CHANNEL
    else:
        with pytest.raises(Refused, match=code):
            writer.ask("ann", request)


def test_deleting_it_is_one_step_and_rows_go_only_of_a_deleted_one():
    writer = MemoryWriter(channel(ann="owner", bob="member"), rules=RULES)
    room = writer.room(1)
    writer.ask("", RemoveFollowers(room.name, ["bob"]))
    assert "bob" in writer.room(1).members
    writer.ask("ann", keyed(RoomDelete, room))
    assert [type(step) for step in writer.writes.steps[1]] == [ChannelDeleted]
    assert writer.writes.members == {}
    writer.ask("", RemoveFollowers(room.name, ["bob", "nobody"]))
    assert (writer.room(1).former["bob"].gone, writer.room(1).size) == ("deleted", MILLION - 1)
    assert not any(isinstance(step, MemberLeft) for step in writer.writes.steps.get(1, ()))


def test_followers_are_forgotten_the_oldest_first_and_staff_and_authors_are_not():
    room = channel(ann="owner", bob="member", cat="member", dan="member", eve="member")
    room.uncounted, room.uncounted_by = 1, frozenset({"bob"})
    room.forget_followers(3)
    assert list(room.members) == ["ann", "bob", "eve"]
    room.forget_followers(0)
    assert list(room.members) == ["ann", "bob"]


def test_a_bot_is_one_of_a_channel_as_staff_only():
    cache, room = RoomCache(), channel(ann="owner", bot="member")
    cache.automated = {"bot"}
    cache.put(room, 0.0)
    assert room.bots == frozenset()
    room.members["bot"].role = "admin"
    cache.note_bots(room)
    assert room.bots == {"bot"}
    cache.set_automated("ann", automated=True)
    room.members["bot"].role = "member"
    cache.set_automated("bot", automated=False)
    assert room.bots == {"ann"}


def test_the_cache_knows_the_channels_that_it_holds():
    cache, room, other = RoomCache(), channel(ann="owner"), group(2, ann="owner")
    cache.put(room, 0.0)
    cache.put(other, 0.0)
    assert cache.channels == {room.name}
    cache.forget_idle(1.0, ())
    assert cache.channels == set()
