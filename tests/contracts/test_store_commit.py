"""Store.commit: whole or not at all, once per key, in the order of commits."""

import asyncio
from dataclasses import replace

import pytest
from msgspec import UNSET

from chatd.core.policy import RoomDetails
from chatd.core.removal import FoldedLog, SupersededEdits
from chatd.core.room import Member, Room
from chatd.core.sync_query import SyncQuery
from chatd.core.users import Account, DeviceSeen
from chatd.core.write_set import Message
from chatd.protocol.codec import decode_event, encode
from chatd.protocol.identifiers import room_name
from chatd.protocol.messages import Body, Event
from chatd.storage.interface import KeyTaken, Store
from tests.kit.history_builder import HistoryBuilder

MANY = 10_000_000


async def log_of(store: Store, room: Room) -> list[Event]:
    page = await store.log(room.number, 1, room.seq + 10, 10_000, MANY)
    assert page.next is None
    return [decode_event(blob) for blob in page.events]


async def test_a_commit_advances_the_stamp_to_that_of_the_batch(
    store: Store, builder: HistoryBuilder
) -> None:
    before = store.stamp
    await builder.group("ann")
    assert store.stamp == before + 1


async def test_an_event_is_stored_byte_for_byte_as_it_is_pushed(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("ann")
    event = await builder.post(room, "ann", "hello \U0001f600")
    assert (await store.log(room.number, 2, 2, 10, MANY)).events == [encode(event)]


async def test_a_loaded_room_equals_the_one_that_was_stored(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann", "bob", "eve", key="create-1")
    await builder.settings(room, title="Tea", avatar="a.png", public=True, data={"x": [1, b"y"]})
    await builder.post(room, "ann", mentions=("bob",))
    await builder.prefer(room, "bob", pinned=True, hidden=True, muted_until=1)
    await builder.leave(room, "eve")
    loaded = (await store.load_rooms([room.name]))[room.name]
    assert set(loaded.members) == {"ann", "bob"}
    assert loaded.former["eve"].gone == "left"
    assert loaded.members == room.members
    assert loaded.former == room.former
    same = "number name kind creator seq ordinal time log_floor title avatar public data client_key"
    assert [getattr(loaded, name) for name in same.split()] == [getattr(room, name) for name in same.split()]


async def test_each_change_of_a_room_is_stored_with_and_without_a_message(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("ann")
    values: dict[str, object] = {
        "log_floor": 2,
        "title": "Tea",
        "avatar": "a.png",
        "public": True,
        "data": b"\x80",
        "retain_s": 9,
        "purged": 1,
        "purged_ordinal": 1,
        "details": RoomDetails(about="All of it"),
        "deleted_by": "ann",
    }
    for place, (name, value) in enumerate(values.items()):
        writes = builder.writes()
        setattr(writes.touch(room), name, value)
        if place % 2:
            builder.say(writes, room, "ann")
        await builder.commit(writes)
        loaded = (await store.load_rooms([room.name]))[room.name]
        assert [getattr(loaded, one) for one in ("seq", *values)] == [
            getattr(room, one) for one in ("seq", *values)
        ]


async def test_whoever_is_or_was_in_a_room_is_placed_and_who_may_join(
    store: Store, builder: HistoryBuilder
) -> None:
    private, public = await builder.group("ann", "eve"), await builder.group("ann")
    await builder.leave(private, "eve")
    await builder.settings(public, public=True)
    yes = {("ann", private.name, False), ("eve", private.name, False), ("bob", public.name, True)}
    no = {
        ("bob", private.name, False),
        ("bob", private.name, True),
        ("bob", public.name, False),
        ("ann", "g0", True),
    }
    assert await store.placed(yes | no) == yes


async def test_flags_come_back_as_flags(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann")
    await builder.prefer(room, "ann", pinned=True)
    member = (await store.load_rooms([room.name]))[room.name].members["ann"]
    assert (member.pinned, member.hidden, member.receipts) == (True, False, True)
    assert type(member.pinned) is bool


async def test_rooms_nobody_knows_are_left_out(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann")
    assert set(await store.load_rooms([room.name, "g00000000zzz"])) == {room.name}


async def test_a_deleted_room_says_who_deleted_it(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann", "bob")
    await builder.delete(room)
    loaded = (await store.load_rooms([room.name]))[room.name]
    assert loaded.deleted_by == "ann"
    assert not loaded.members
    assert {member.gone for member in loaded.former.values()} == {"deleted"}


async def test_room_numbers_are_never_given_twice(store: Store, builder: HistoryBuilder) -> None:
    numbers = [await store.next_room_number() for _ in range(3)]
    room = await builder.group("ann")
    numbers.append(room.number)
    assert numbers == sorted(set(numbers))


async def test_a_key_used_again_is_refused_and_nothing_of_the_batch_stays(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("ann", "bob")
    await builder.post(room, "ann", key="key-again")
    stamp, seq = store.stamp, room.seq
    writes = builder.writes()
    writes.add(Account("carl"))
    builder.say(writes, room, "bob", "fine", key="key-fresh")
    builder.say(writes, room, "ann", "again", key="key-again")
    with pytest.raises(KeyTaken):
        await store.commit(writes)
    writes.rollback()
    assert store.stamp == stamp
    assert [event.seq for event in await log_of(store, room)] == list(range(1, seq + 1))
    assert await store.account("carl") is None
    assert (await store.load_rooms([room.name]))[room.name].members == room.members


async def test_after_a_refused_batch_the_next_one_is_stored(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann")
    await builder.post(room, "ann", key="key-again")
    writes = builder.writes()
    builder.say(writes, room, "ann", key="key-again")
    with pytest.raises(KeyTaken):
        await store.commit(writes)
    writes.rollback()
    event = await builder.post(room, "ann", "on we go")
    assert [stored.seq for stored in await log_of(store, room)] == [1, 2, event.seq]


async def test_one_key_serves_two_users_and_two_rooms(store: Store, builder: HistoryBuilder) -> None:
    one, other = await builder.group("ann", "bob"), await builder.group("ann")
    await builder.post(one, "ann", key="key-same")
    await builder.post(one, "bob", key="key-same")
    await builder.post(other, "ann", key="key-same")
    places = [
        (one.number, "ann", "key-same"),
        (one.number, "bob", "key-same"),
        (other.number, "ann", "key-same"),
    ]
    found = await store.keyed([*places, (one.number, "eve", "key-same")])
    assert {place: stored.event.seq for place, stored in found.items()} == dict(
        zip(places, (2, 3, 2), strict=True)
    )


async def test_a_stored_key_tells_the_first_answer(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann")
    event = await builder.post(room, "ann", key="key-1234")
    stored = (await store.keyed([(room.number, "ann", "key-1234")]))[room.number, "ann", "key-1234"]
    assert (stored.event, stored.time) == (event, event.time)
    assert stored.digest == builder.keys


@pytest.mark.parametrize("digest", [-(2**63), -1, 0, 2**63 - 1])
async def test_a_digest_of_any_64_bits_comes_back(store: Store, builder: HistoryBuilder, digest: int) -> None:
    room = await builder.group("ann")
    writes = builder.writes()
    writes.append(room, Event(seq=0, kind="pin", user="ann"), key="key-1234", digest=digest)
    await store.commit(writes)
    assert (await store.keyed([(room.number, "ann", "key-1234")])).popitem()[1].digest == digest


async def test_a_pair_has_one_room_in_any_order(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.direct("bob", "ann")
    pairs = [("ann", "bob"), ("bob", "ann"), ("ann", "eve")]
    assert await store.rooms_of_pairs(pairs) == {("ann", "bob"): room.name, ("bob", "ann"): room.name}
    with pytest.raises(KeyTaken):
        await builder.direct("ann", "bob")
    assert len(await store.memberships("ann")) == 1


async def test_a_creation_key_makes_one_room_a_creator(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann", key="create-1")
    await builder.group("bob", key="create-1")
    assert await store.room_of_key("ann", "create-1") == room.name
    assert await store.room_of_key("ann", "create-2") is None
    with pytest.raises(KeyTaken):
        await builder.group("ann", key="create-1")


async def test_an_event_stored_under_a_taken_number_is_a_defect_not_a_repetition(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("ann")
    await builder.post(room, "ann")
    room.seq -= 1
    writes = builder.writes()
    builder.say(writes, room, "ann")
    with pytest.raises(Exception, match="internal"):
        await store.commit(writes)


async def test_a_message_is_served_in_current_state_after_an_edit(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("ann")
    message = await builder.post(room, "ann", "tpyo")
    await builder.edit(room, "ann", message.seq, "typo")
    _, stored, edit = await log_of(store, room)
    assert (stored.body, stored.changed) == (Body(text="typo"), edit.seq)
    assert edit.body == Body(text="typo")


async def test_a_message_changed_in_the_batch_that_adds_it_is_stored_changed(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("ann")
    writes = builder.writes()
    event = builder.say(writes, room, "ann", "secret")
    edit = writes.append(
        room, Event(seq=0, kind="edit", user="ann", target=event.seq, body=Body(text="open"))
    )
    event.body, event.changed = Body(text="open"), edit.seq
    writes.rewrite(Message(room, event))
    await store.commit(writes)
    assert (await log_of(store, room))[1] == event


async def test_a_recall_empties_the_message_and_all_its_edits(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann")
    one, other = await builder.post(room, "ann", "secret"), await builder.post(room, "ann", "fine")
    await builder.edit(room, "ann", one.seq, "more secret")
    await builder.edit(room, "ann", one.seq, "most secret")
    await builder.edit(room, "ann", other.seq, "finer")
    await builder.recall(room, "ann", one.seq)
    events = await log_of(store, room)
    bodies = [(event.kind, event.target, event.body) for event in events[1:]]
    assert bodies == [
        ("message", UNSET, UNSET),
        ("message", UNSET, Body(text="finer")),
        ("edit", one.seq, UNSET),
        ("edit", one.seq, UNSET),
        ("edit", other.seq, Body(text="finer")),
        ("recall", one.seq, UNSET),
    ]
    assert not any(b"secret" in blob for blob in (await store.log(room.number, 1, 99, 99, MANY)).events)


async def test_an_edit_keeps_its_body_until_the_next_one(store: Store, builder: HistoryBuilder) -> None:
    """So a recall has one edit to empty, however many were made."""
    room = await builder.group("ann")
    one, other = await builder.post(room, "ann"), await builder.post(room, "ann")
    for text in ("first", "second", "third"):
        await builder.edit(room, "ann", one.seq, text)
    await builder.edit(room, "ann", other.seq, "other")
    writes = builder.writes()
    for text in ("fourth", "fifth"):
        edit = Event(seq=0, kind="edit", user="ann", target=one.seq, body=Body(text=text))
        writes.add(SupersededEdits(room.number, one.seq, writes.append(room, edit).seq))
    await store.commit(writes)
    edits = [(event.target, event.body) for event in await log_of(store, room) if event.kind == "edit"]
    kept = [(other.seq, Body(text="other")), (one.seq, UNSET), (one.seq, Body(text="fifth"))]
    assert edits == [(one.seq, UNSET)] * 3 + kept


async def test_an_edit_recalled_in_its_own_batch_is_stored_empty(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("ann")
    message = await builder.post(room, "ann", "secret")
    writes = builder.writes()
    edit = Event(seq=0, kind="edit", user="ann", target=message.seq, body=Body(text="secret too"))
    writes.add(SupersededEdits(room.number, message.seq, writes.append(room, edit).seq + 1))
    await store.commit(writes)
    assert (await log_of(store, room))[2].body is UNSET


async def test_reactions_are_set_and_cleared(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann", "bob")
    message = await builder.post(room, "ann")
    await builder.react(room, "bob", message.seq, "+1")
    await builder.react(room, "bob", message.seq, "-1")
    await builder.react(room, "ann", message.seq, "+1")
    await builder.react(room, "bob", message.seq, "-1", clear=True)
    asked = [(room.number, message.seq, user, emoji) for user in ("ann", "bob") for emoji in ("+1", "-1")]
    assert await store.reactions_set(asked) == {asked[0], asked[2]}
    assert await store.mine(room.number, "bob", [message.seq, 99]) == {message.seq: ["+1"]}


async def test_only_messages_are_found_at_a_place(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann")
    message = await builder.post(room, "ann")
    places = [(room.number, seq) for seq in (0, 1, 2, 3, 2**40)]
    assert await store.messages_at(places) == {(room.number, 2): message}


async def test_folding_drops_operations_below_the_floor_and_keeps_messages(
    store: Store, builder: HistoryBuilder
) -> None:
    room, other = await builder.group("ann"), await builder.group("ann")
    message = await builder.post(room, "ann")
    await builder.edit(room, "ann", message.seq, "two")
    await builder.edit(room, "ann", message.seq, "three")
    await fold(builder, room, floor=4)
    assert [(event.seq, event.kind) for event in await log_of(store, room)] == [(2, "message"), (4, "edit")]
    await builder.post(room, "ann")
    await fold(builder, room, floor=5)
    assert [event.seq for event in await log_of(store, room)] == [2, 5]
    assert (await store.load_rooms([room.name]))[room.name].log_floor == 5
    assert [event.seq for event in await log_of(store, other)] == [1]


async def fold(builder: HistoryBuilder, room: Room, floor: int) -> None:
    writes = builder.writes()
    writes.add(FoldedLog(room.number, room.log_floor, floor))
    writes.touch(room).log_floor = floor
    await builder.commit(writes)


async def test_accounts_and_devices_are_replaced_as_a_whole(store: Store, builder: HistoryBuilder) -> None:
    full = Account("ann", "Ann", "a.png", 3, False, False, True, 6, 5, "$argon2id$x", 7)
    client = DeviceSeen("ann", "D" * 22, "app", "os", 10, 11, False)
    for account, device in ((Account("ann"), DeviceSeen("ann", "D" * 22, last_seen=1)), (full, client)):
        writes = builder.writes()
        writes.add(account, device)
        await store.commit(writes)
        assert await store.account("ann") == account
        assert await store.device("ann", "D" * 22) == device
    assert await store.account("bob") is None
    assert await store.device("ann", "E" * 22) is None
    assert await store.accounts("", 9) == [full]
    assert await store.accounts("ann", 9) == []
    assert await store.accounts("", 9, "ann") == await store.accounts("", 9, "a") == [full]
    assert await store.accounts("", 9, "anna") == await store.accounts("", 9, "b") == []


async def test_a_device_that_is_neither_listed_nor_revoked_has_no_row(
    store: Store, builder: HistoryBuilder
) -> None:
    client = DeviceSeen("ann", "D" * 22, last_seen=10)
    for changes, left in (
        ([client, replace(client, last_seen=0)], None),
        ([replace(client, last_seen=0), client], client),
    ):
        writes = builder.writes()
        writes.add(*changes)
        await store.commit(writes)
        assert await store.device("ann", "D" * 22) == left


async def test_a_cancelled_caller_does_not_stop_a_commit(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann")
    writes = builder.writes()
    builder.say(writes, room, "ann", "still here")
    task = asyncio.create_task(store.commit(writes))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    room.title = "changed while the commit runs"
    await builder.post(room, "ann", "next")  # commits run in order: this one follows the cancelled one
    assert [event.seq for event in await log_of(store, room)] == [1, 2, 3]


async def test_what_is_committed_is_seen_by_every_later_reader(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann")
    for _ in range(20):
        event = await builder.post(room, "ann")
        pages = await asyncio.gather(
            *(store.log(room.number, event.seq, event.seq, 1, MANY) for _ in range(4))
        )
        assert all(page.events for page in pages)


async def test_a_member_who_comes_back_is_present_again(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann", "bob")
    await builder.leave(room, "bob")
    await builder.join(room, "bob")
    loaded = (await store.load_rooms([room.name]))[room.name]
    assert set(loaded.members) == {"ann", "bob"}
    assert not loaded.former
    assert (await store.sync(SyncQuery("bob", None, 10))).rooms[0].first_visible == room.seq


async def test_a_room_of_many_members_is_loaded_whole(store: Store, builder: HistoryBuilder) -> None:
    users = [f"user{number:05}" for number in range(2000)]
    room = Room(await store.next_room_number(), room_name("g", 9), "group", users[0], builder.now)
    writes = builder.writes()
    builder.open(writes, room, users)
    await store.commit(writes)
    loaded = (await store.load_rooms([room.name]))[room.name]
    assert list(loaded.members) == users
    assert loaded.members["user00042"] == Member("user00042", "member", writes.now, 1, 0, 0)


async def test_a_member_carries_the_receipts_preference_of_their_account(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("ann", "bob")
    writes = builder.writes()
    writes.add(Account("ann", receipts=False))
    await store.commit(writes)
    members = (await store.load_rooms([room.name]))[room.name].members
    assert {user: member.receipts for user, member in members.items()} == {"ann": False, "bob": True}
