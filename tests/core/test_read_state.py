import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from chatd.core.read_set import Rules
from chatd.core.room_summary import receipt_of
from chatd.core.users import Account
from chatd.protocol.codec import decode_tree, encode
from chatd.protocol.errors import Refused
from chatd.protocol.members import MembersAdd, RoomLeave
from chatd.protocol.messages import Body, Edit, Recall, Send
from chatd.protocol.read_state import Delivered, DeliveredRoom, Read
from chatd.protocol.rooms import Preferences, RoomUpdate
from tests.kit.memory_writer import MemoryWriter, direct, group

numbers = iter(range(10_000_000, 99_999_999))


def key():
    return f"key-{next(numbers)}"


def send(room, *mentions, silent=False):
    body = Body(text="x", mentions=list(mentions))
    return Send(room=room.name, key=key(), body=body, silent=silent)


def read(room, seq):
    return Read(room=room.name, seq=seq)


def delivered(*places):
    return Delivered(rooms=[DeliveredRoom(room.name, seq) for room, seq in places])


@pytest.fixture
def room():
    return group(ann="owner", bob="member", cat="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


def counts(room, user):
    member = room.members[user]
    return member.read, member.unread(room.ordinal), member.mentions


# --- read


def test_reading_to_the_end_leaves_nothing_unread(writer, room):
    for _ in range(3):
        writer.ask("ann", send(room, "bob"))
    reply = writer.ask("bob", read(room, 4))
    assert (reply.read, reply.unread, reply.unread_mentions) == (4, 0, 0)


def test_reading_part_of_it_leaves_the_rest(writer, room):
    for _ in range(3):
        writer.ask("ann", send(room, "bob"))
    reply = writer.ask("bob", read(room, 2))
    assert (reply.read, reply.unread, reply.unread_mentions) == (2, 2, 2)


def test_a_reply_counts_what_the_same_batch_adds_behind_it(writer, room):
    writer.ask("ann", send(room))
    reply, _, own, _ = writer.batch(
        [("bob", read(room, 2)), ("ann", send(room, "bob")), ("bob", send(room)), ("ann", send(room))]
    )
    assert (reply.read, reply.unread, reply.unread_mentions, reply.ordinal) == (2, 2, 1, 4)
    assert own.ordinal == 3


def test_reading_backwards_changes_nothing_and_answers_with_what_is_stored(writer, room):
    for _ in range(3):
        writer.ask("ann", send(room))
    writer.ask("bob", read(room, 3))
    reply = writer.ask("bob", read(room, 2))
    assert (reply.read, reply.unread) == (3, 1)
    assert writer.writes.empty
    assert [position.moved for position in writer.writes.read_positions] == [False]


def test_nobody_reads_beyond_the_end(writer, room):
    writer.ask("ann", send(room))
    assert writer.ask("bob", read(room, 99)).read == 2
    writer.ask("ann", send(room))
    assert counts(room, "bob") == (2, 1, 0)


def test_reading_moves_the_delivered_position_along(writer, room):
    writer.ask("ann", send(room))
    writer.ask("bob", read(room, 2))
    assert room.members["bob"].delivered == 2


def test_a_moved_position_is_pushed_as_a_receipt_and_as_a_position(writer, room):
    writer.ask("ann", send(room))
    writer.ask("bob", read(room, 2))
    assert list(writer.writes.receipts) == [(room.number, "bob")]
    assert [position.moved for position in writer.writes.read_positions] == [True]


def test_a_member_who_hides_receipts_sends_none_but_reads_all_the_same(writer, room):
    room.members["bob"].receipts = False
    writer.ask("ann", send(room))
    assert writer.ask("bob", read(room, 2)).unread == 0
    assert not writer.writes.receipts
    assert writer.writes.read_positions


def test_only_in_a_direct_room_a_watermark_changes_what_the_peer_syncs():
    for room, touched in ((group(ann="owner", bob="member"), False), (direct("ann", "bob"), True)):
        writer = MemoryWriter(room)
        writer.ask("ann", send(room))
        writer.ask("bob", read(room, 2))
        assert (room.number in writer.writes.rooms) is touched


@pytest.mark.parametrize(("user", "code"), [("eve", "not_found"), ("cat", "not_member")])
def test_only_members_read(writer, room, user, code):
    writer.ask("cat", RoomLeave(room=room.name, key=key()))
    with pytest.raises(Refused) as refused:
        writer.ask(user, read(room, 1))
    assert refused.value.code == code


class Model:
    """protocol.md "Unread" word for word: counts from the whole log, every time."""

    def __init__(self):
        self.messages = []  # (seq, author, whom it mentioned)
        self.read = {}

    def counts(self, user):
        after = [
            (author, named)
            for seq, author, named in self.messages
            if seq > self.read[user] and author != user
        ]
        return self.read[user], len(after), sum(user in named for _, named in after)


USERS = ["ann", "bob", "cat"]
STEPS = st.one_of(
    st.tuples(
        st.just("send"),
        st.sampled_from(USERS),
        st.booleans(),
        st.lists(st.sampled_from([*USERS, "dan", "*"]), max_size=2),
    ),
    st.tuples(st.just("read"), st.sampled_from(USERS), st.integers(0, 40)),
    st.tuples(st.just("settings"), st.just("ann")),
    st.tuples(st.just("edit"), st.sampled_from(USERS), st.integers(2, 20)),
    st.tuples(st.just("recall"), st.sampled_from(USERS), st.integers(2, 20)),
    st.tuples(st.just("add"), st.just("ann")),
)


def request_of(room, step):
    what, user, *rest = step
    if what == "send":
        silent, mentions = rest
        return user, send(room, *mentions, silent=silent)
    if what == "read":
        return user, read(room, rest[0])
    if what == "edit":
        return user, Edit(room=room.name, key=key(), target=rest[0], body=Body(text="y", mentions=["*"]))
    if what == "recall":
        return user, Recall(room=room.name, key=key(), target=rest[0])
    if what == "add":
        return user, MembersAdd(room=room.name, key=key(), users=["dan"])
    return user, RoomUpdate(room=room.name, key=key(), title="t")


@given(st.lists(st.lists(STEPS, max_size=8), max_size=6), st.sampled_from([2, 500]))
def test_unread_is_what_the_log_says(batches, full_members):
    room = group(ann="owner", bob="member", cat="member")
    writer, model = MemoryWriter(room, rules=Rules(full_members=full_members)), Model()
    model.read = dict.fromkeys(USERS, 0)
    for batch in batches:
        replies = writer.batch([request_of(room, step) for step in batch])
        for step, reply in zip(batch, replies, strict=True):
            follow(model, step, reply, full_members)
        for (what, user, *_), reply in zip(batch, replies, strict=True):
            if what == "read":
                assert (reply.read, reply.unread, reply.unread_mentions) == model.counts(user)
                assert reply.ordinal == room.ordinal
        assert {user: counts(room, user) for user in model.read} == {u: model.counts(u) for u in model.read}


def follow(model, step, reply, full_members):
    """Carry one step and its reply into the model. `*` names those who are members when it is posted."""
    what, user, *rest = step
    if what == "send" and not rest[0]:
        named = set(rest[1])
        if "*" in named and len(model.read) <= full_members:
            named = set(model.read)
        model.messages.append((reply.seq, user, named & set(model.read)))
    elif what == "read":
        model.read[user] = max(model.read[user], reply.read)
    elif what == "add" and not reply.duplicate:
        model.read["dan"] = reply.seq - 1


# --- delivered


def test_delivered_moves_up_in_the_rooms_it_names():
    one, two = group(1, ann="owner", bob="member"), direct("ann", "bob", 2)
    writer = MemoryWriter(one, two)
    writer.batch([("ann", send(one)), ("ann", send(two)), ("ann", send(two))])
    writer.ask("bob", delivered((one, 2), (two, 99)))
    assert (one.members["bob"].delivered, two.members["bob"].delivered) == (2, 3)
    assert set(writer.writes.receipts) == {(1, "bob"), (2, "bob")}
    assert (one.members["bob"].read, two.members["bob"].read) == (0, 0)


def test_delivered_never_moves_down(writer, room):
    writer.ask("ann", send(room))
    writer.ask("bob", delivered((room, 2)))
    writer.ask("bob", delivered((room, 1)))
    assert room.members["bob"].delivered == 2
    assert writer.writes.empty


def test_nothing_is_delivered_of_before_ones_time(writer, room):
    writer.ask("ann", send(room))
    writer.ask("ann", MembersAdd(room=room.name, key=key(), users=["dan"]))
    writer.ask("dan", delivered((room, 2)))
    assert (room.members["dan"].delivered, receipt_of(room.members["dan"]).read) == (0, UNSET)
    assert writer.writes.empty


def test_delivered_passes_over_rooms_it_is_not_for(room):
    large, foreign = group(2, ann="owner", bob="member", cat="member", dan="member"), group(3, ann="owner")
    writer = MemoryWriter(room, large, foreign, rules=Rules(delivered_members=3))
    for one in (room, large, foreign):
        writer.ask("ann", send(one))
    missing = group(4)
    writer.ask("bob", delivered((missing, 1), (foreign, 2), (large, 2), (room, 2)))
    assert (room.members["bob"].delivered, large.members["bob"].delivered) == (2, 0)


# --- preferences


def test_preferences_change_what_they_name(writer, room):
    bob = room.members["bob"]
    writer.ask("bob", Preferences(room=room.name, muted_until=1, pinned=True, hidden=True))
    writer.ask("bob", Preferences(room=room.name, pinned=False))
    assert (bob.muted_until, bob.pinned, bob.hidden) == (1, False, True)
    assert list(writer.writes.refreshed) == [(room.number, "bob")]
    assert (room.seq, writer.writes.steps) == (1, {})


def test_a_wallpaper_is_kept_beside_other_extras_and_goes_when_it_is_empty(writer, room):
    bob = room.members["bob"]
    bob.extras = encode({"other": 1})
    writer.ask("bob", Preferences(room=room.name, wallpaper="dunes"))
    assert decode_tree(bob.extras) == {"other": 1, "wallpaper": "dunes"}
    assert list(writer.writes.refreshed) == [(room.number, "bob")]
    writer.ask("bob", Preferences(room=room.name, wallpaper=""))
    assert decode_tree(bob.extras) == {"other": 1}


@pytest.mark.parametrize(
    "asked",
    [{}, {"wallpaper": ""}, {"muted_until": 5}, {"pinned": True, "hidden": False}, {"receipts": True}],
)
def test_preferences_that_change_nothing_store_nothing(writer, room, asked):
    writer.ask("bob", Preferences(room=room.name, muted_until=5, pinned=True))
    writer.ask("bob", Preferences(room=room.name, **asked))
    assert writer.writes.empty
    assert not writer.writes.refreshed


def test_a_read_takes_the_mark_from_a_room_that_was_marked_as_unread(writer, room):
    writer.ask("ann", send(room))
    writer.ask("bob", read(room, 2))
    writer.ask("bob", Preferences(room=room.name, unread_mark=True, folder=1))
    assert (room.members["bob"].unread_mark, room.members["bob"].folder) == (True, 1)
    assert (room.number, "bob") in writer.writes.refreshed
    # It moves nothing, and is told to the other devices all the same.
    writer.ask("bob", read(room, 2))
    assert (room.members["bob"].unread_mark, room.members["bob"].folder) == (False, 1)
    assert (room.number, "bob") in writer.writes.refreshed
    writer.ask("bob", read(room, 2))
    assert writer.writes.empty


def test_preferences_of_a_room_are_of_its_members(writer, room):
    with pytest.raises(Refused, match="not_found"):
        writer.ask("eve", Preferences(room=room.name, pinned=True))


def test_without_a_room_only_the_account_changes(writer, room):
    writer.ask("bob", Preferences(muted_until=1, pinned=True, hidden=True, receipts=False))
    bob = room.members["bob"]
    assert (bob.muted_until, bob.pinned, bob.hidden) == (0, False, False)
    assert writer.accounts["bob"] == Account("bob", receipts=False, created_at=writer.now)
    assert not writer.writes.refreshed


def test_the_receipts_of_an_account_leave_the_rest_of_it(writer):
    writer.accounts["bob"] = Account("bob", name="Bob", generation=3)
    writer.ask("bob", Preferences(receipts=False))
    assert writer.accounts["bob"] == Account("bob", name="Bob", generation=3, receipts=False)


def test_two_changes_of_one_account_in_a_batch_both_count(writer):
    writer.batch([("bob", Preferences(receipts=False)), ("bob", Preferences(receipts=True))])
    assert writer.accounts["bob"].receipts is True


@pytest.mark.parametrize(
    ("until", "now", "muted"), [(0, 5, False), (1, 5, True), (6, 5, True), (5, 5, False)]
)
def test_muted_until(room, until, now, muted):
    bob = room.members["bob"]
    bob.muted_until = until
    assert bob.muted(now) is muted


def test_a_position_in_the_middle_of_a_batch_counts_what_follows_in_it(writer, room):
    sends = [("ann", send(room)), ("ann", send(room, "bob")), ("bob", send(room)), ("ann", send(room, "*"))]
    *_, reply = writer.batch([*sends, ("bob", read(room, 2))])
    assert (reply.read, reply.unread, reply.unread_mentions) == (2, 2, 2)
    assert counts(room, "bob") == (2, 2, 2)
