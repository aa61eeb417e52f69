"""ports.Store.commit: whole or not at all, once per key, in the order of commits."""

import asyncio
from dataclasses import replace

import pytest
from msgspec import UNSET

from chatd.core.room import Member, Room
from chatd.core.users import Account, DeviceSeen
from chatd.core.write_set import Message
from chatd.ports import KeyTaken, Store, SyncQuery
from chatd.protocol.codec import decode_event, encode
from chatd.protocol.identifiers import room_name
from chatd.protocol.objects import Body, Event
from tests.kit.chronicle import Chronicle

MANY = 10_000_000


async def log_of(store: Store, room: Room) -> list[Event]:
    page = await store.log(room.number, 1, room.seq + 10, 10_000, MANY)
    assert page.next is None
    return [decode_event(blob) for blob in page.events]


async def test_a_commit_advances_the_stamp_to_that_of_the_batch(store: Store, chronicle: Chronicle) -> None:
    before = store.stamp
    await chronicle.group("ann")
    assert store.stamp == before + 1


async def test_an_event_is_stored_byte_for_byte_as_it_is_pushed(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann")
    event = await chronicle.post(room, "ann", "hello \U0001f600")
    assert (await store.log(room.number, 2, 2, 10, MANY)).events == [encode(event)]


async def test_a_loaded_room_equals_the_one_that_was_stored(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann", "bob", "eve", key="create-1")
    await chronicle.settings(room, title="Tea", avatar="a.png", public=True, data={"x": [1, b"y"]})
    await chronicle.post(room, "ann", mentions=("bob",))
    await chronicle.prefer(room, "bob", pinned=True, hidden=True, muted_until=1)
    await chronicle.leave(room, "eve")
    loaded = (await store.load_rooms([room.name]))[room.name]
    assert set(loaded.members) == {"ann", "bob"}
    assert loaded.former["eve"].gone == "left"
    assert loaded.members == room.members
    assert loaded.former == room.former
    same = "number name kind creator seq ordinal time log_floor title avatar public data client_key"
    assert [getattr(loaded, name) for name in same.split()] == [getattr(room, name) for name in same.split()]


async def test_whoever_is_or_was_in_a_room_is_placed_and_who_may_join(
    store: Store, chronicle: Chronicle
) -> None:
    private, public = await chronicle.group("ann", "eve"), await chronicle.group("ann")
    await chronicle.leave(private, "eve")
    await chronicle.settings(public, public=True)
    yes = {("ann", private.name, False), ("eve", private.name, False), ("bob", public.name, True)}
    no = {
        ("bob", private.name, False),
        ("bob", private.name, True),
        ("bob", public.name, False),
        ("ann", "g0", True),
    }
    assert await store.placed(yes | no) == yes


async def test_flags_come_back_as_flags(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann")
    await chronicle.prefer(room, "ann", pinned=True)
    member = (await store.load_rooms([room.name]))[room.name].members["ann"]
    assert (member.pinned, member.hidden, member.receipts) == (True, False, True)
    assert type(member.pinned) is bool


async def test_rooms_nobody_knows_are_left_out(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann")
    assert set(await store.load_rooms([room.name, "g00000000zzz"])) == {room.name}


async def test_a_deleted_room_says_who_deleted_it(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann", "bob")
    await chronicle.delete(room)
    loaded = (await store.load_rooms([room.name]))[room.name]
    assert loaded.deleted_by == "ann"
    assert not loaded.members
    assert {member.gone for member in loaded.former.values()} == {"deleted"}


async def test_room_numbers_are_never_given_twice(store: Store, chronicle: Chronicle) -> None:
    numbers = [await store.next_room_number() for _ in range(3)]
    room = await chronicle.group("ann")
    numbers.append(room.number)
    assert numbers == sorted(set(numbers))


async def test_a_key_used_again_is_refused_and_nothing_of_the_batch_stays(
    store: Store, chronicle: Chronicle
) -> None:
    room = await chronicle.group("ann", "bob")
    await chronicle.post(room, "ann", key="key-again")
    stamp, seq = store.stamp, room.seq
    work = chronicle.work()
    work.accounts.append(Account("carl"))
    chronicle.say(work, room, "bob", "fine", key="key-fresh")
    chronicle.say(work, room, "ann", "again", key="key-again")
    with pytest.raises(KeyTaken):
        await store.commit(work)
    work.rollback()
    assert store.stamp == stamp
    assert [event.seq for event in await log_of(store, room)] == list(range(1, seq + 1))
    assert await store.account("carl") is None
    assert (await store.load_rooms([room.name]))[room.name].members == room.members


async def test_after_a_refused_batch_the_next_one_is_stored(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann")
    await chronicle.post(room, "ann", key="key-again")
    work = chronicle.work()
    chronicle.say(work, room, "ann", key="key-again")
    with pytest.raises(KeyTaken):
        await store.commit(work)
    work.rollback()
    event = await chronicle.post(room, "ann", "on we go")
    assert [stored.seq for stored in await log_of(store, room)] == [1, 2, event.seq]


async def test_one_key_serves_two_users_and_two_rooms(store: Store, chronicle: Chronicle) -> None:
    one, other = await chronicle.group("ann", "bob"), await chronicle.group("ann")
    await chronicle.post(one, "ann", key="key-same")
    await chronicle.post(one, "bob", key="key-same")
    await chronicle.post(other, "ann", key="key-same")
    places = [
        (one.number, "ann", "key-same"),
        (one.number, "bob", "key-same"),
        (other.number, "ann", "key-same"),
    ]
    found = await store.keyed([*places, (one.number, "eve", "key-same")])
    assert {place: stored.event.seq for place, stored in found.items()} == dict(
        zip(places, (2, 3, 2), strict=True)
    )


async def test_a_stored_key_tells_the_first_answer(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann")
    event = await chronicle.post(room, "ann", key="key-1234")
    stored = (await store.keyed([(room.number, "ann", "key-1234")]))[room.number, "ann", "key-1234"]
    assert (stored.event, stored.time) == (event, event.time)
    assert stored.digest == chronicle.keys


@pytest.mark.parametrize("digest", [-(2**63), -1, 0, 2**63 - 1])
async def test_a_digest_of_any_64_bits_comes_back(store: Store, chronicle: Chronicle, digest: int) -> None:
    room = await chronicle.group("ann")
    work = chronicle.work()
    work.append(room, Event(seq=0, kind="pin", user="ann"), key="key-1234", digest=digest)
    await store.commit(work)
    assert (await store.keyed([(room.number, "ann", "key-1234")])).popitem()[1].digest == digest


async def test_a_pair_has_one_room_in_any_order(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.direct("bob", "ann")
    assert await store.room_of_pair("ann", "bob") == await store.room_of_pair("bob", "ann") == room.name
    assert await store.room_of_pair("ann", "eve") is None
    with pytest.raises(KeyTaken):
        await chronicle.direct("ann", "bob")
    assert len(await store.memberships("ann")) == 1


async def test_a_creation_key_makes_one_room_a_creator(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann", key="create-1")
    await chronicle.group("bob", key="create-1")
    assert await store.room_of_key("ann", "create-1") == room.name
    assert await store.room_of_key("ann", "create-2") is None
    with pytest.raises(KeyTaken):
        await chronicle.group("ann", key="create-1")


async def test_an_event_stored_under_a_taken_number_is_a_defect_not_a_repetition(
    store: Store, chronicle: Chronicle
) -> None:
    room = await chronicle.group("ann")
    await chronicle.post(room, "ann")
    room.seq -= 1
    work = chronicle.work()
    chronicle.say(work, room, "ann")
    with pytest.raises(Exception, match="internal"):
        await store.commit(work)


async def test_a_message_is_served_in_current_state_after_an_edit(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann")
    message = await chronicle.post(room, "ann", "tpyo")
    await chronicle.edit(room, "ann", message.seq, "typo")
    _, stored, edit = await log_of(store, room)
    assert (stored.body, stored.changed) == (Body(text="typo"), edit.seq)
    assert edit.body == Body(text="typo")


async def test_a_message_changed_in_the_batch_that_adds_it_is_stored_changed(
    store: Store, chronicle: Chronicle
) -> None:
    room = await chronicle.group("ann")
    work = chronicle.work()
    event = chronicle.say(work, room, "ann", "secret")
    edit = work.append(room, Event(seq=0, kind="edit", user="ann", target=event.seq, body=Body(text="open")))
    event.body, event.changed = Body(text="open"), edit.seq
    work.rewrite(Message(room, event))
    await store.commit(work)
    assert (await log_of(store, room))[1] == event


async def test_a_recall_empties_the_message_and_all_its_edits(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann")
    one, other = await chronicle.post(room, "ann", "secret"), await chronicle.post(room, "ann", "fine")
    await chronicle.edit(room, "ann", one.seq, "more secret")
    await chronicle.edit(room, "ann", one.seq, "most secret")
    await chronicle.edit(room, "ann", other.seq, "finer")
    await chronicle.recall(room, "ann", one.seq)
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


async def test_an_edit_keeps_its_body_until_the_next_one(store: Store, chronicle: Chronicle) -> None:
    """So a recall has one edit to empty, not as many as somebody had the patience to make."""
    room = await chronicle.group("ann")
    one, other = await chronicle.post(room, "ann"), await chronicle.post(room, "ann")
    for text in ("first", "second", "third"):
        await chronicle.edit(room, "ann", one.seq, text)
    await chronicle.edit(room, "ann", other.seq, "other")
    work = chronicle.work()
    for text in ("fourth", "fifth"):
        work.append(room, Event(seq=0, kind="edit", user="ann", target=one.seq, body=Body(text=text)))
    await store.commit(work)
    edits = [(event.target, event.body) for event in await log_of(store, room) if event.kind == "edit"]
    kept = [(other.seq, Body(text="other")), (one.seq, UNSET), (one.seq, Body(text="fifth"))]
    assert edits == [(one.seq, UNSET)] * 3 + kept


async def test_an_edit_recalled_in_its_own_batch_is_stored_empty(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann")
    message = await chronicle.post(room, "ann", "secret")
    work = chronicle.work()
    edit = Event(seq=0, kind="edit", user="ann", target=message.seq, body=Body(text="secret too"))
    work.append(room, edit)
    work.recalled.append((room.number, message.seq))
    await store.commit(work)
    assert (await log_of(store, room))[2].body is UNSET


async def test_reactions_are_set_and_cleared(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann", "bob")
    message = await chronicle.post(room, "ann")
    await chronicle.react(room, "bob", message.seq, "+1")
    await chronicle.react(room, "bob", message.seq, "-1")
    await chronicle.react(room, "ann", message.seq, "+1")
    await chronicle.react(room, "bob", message.seq, "-1", clear=True)
    asked = [(room.number, message.seq, user, emoji) for user in ("ann", "bob") for emoji in ("+1", "-1")]
    assert await store.reactions_set(asked) == {asked[0], asked[2]}
    assert await store.mine(room.number, "bob", [message.seq, 99]) == {message.seq: ["+1"]}


async def test_only_messages_are_found_at_a_place(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann")
    message = await chronicle.post(room, "ann")
    places = [(room.number, seq) for seq in (0, 1, 2, 3, 2**40)]
    assert await store.messages_at(places) == {(room.number, 2): message}


async def test_folding_drops_operations_below_the_floor_and_keeps_messages(
    store: Store, chronicle: Chronicle
) -> None:
    room, other = await chronicle.group("ann"), await chronicle.group("ann")
    message = await chronicle.post(room, "ann")
    await chronicle.edit(room, "ann", message.seq, "two")
    await chronicle.edit(room, "ann", message.seq, "three")
    await fold(chronicle, room, floor=4)
    assert [(event.seq, event.kind) for event in await log_of(store, room)] == [(2, "message"), (4, "edit")]
    await chronicle.post(room, "ann")
    await fold(chronicle, room, floor=5)
    assert [event.seq for event in await log_of(store, room)] == [2, 5]
    assert (await store.load_rooms([room.name]))[room.name].log_floor == 5
    assert [event.seq for event in await log_of(store, other)] == [1]


async def fold(chronicle: Chronicle, room: Room, floor: int) -> None:
    work = chronicle.work()
    work.touch(room).log_floor = floor
    work.folds.append((room.number, floor))
    await chronicle.commit(work)


async def test_accounts_and_devices_are_replaced_as_a_whole(store: Store, chronicle: Chronicle) -> None:
    full = Account("ann", "Ann", "a.png", 3, False, False, True, 6, 5, "$argon2id$x", 7)
    phone = DeviceSeen("ann", "D" * 22, "app", "os", 10, 11, False)
    for account, device in ((Account("ann"), DeviceSeen("ann", "D" * 22, last_seen=1)), (full, phone)):
        work = chronicle.work()
        work.accounts += [account, device]
        await store.commit(work)
        assert await store.account("ann") == account
        assert await store.device("ann", "D" * 22) == device
    assert await store.account("bob") is None
    assert await store.device("ann", "E" * 22) is None
    assert await store.accounts("", 9) == [full]
    assert await store.accounts("ann", 9) == []


async def test_a_device_that_is_neither_listed_nor_revoked_has_no_row(
    store: Store, chronicle: Chronicle
) -> None:
    phone = DeviceSeen("ann", "D" * 22, last_seen=10)
    for changes, left in (
        ([phone, replace(phone, last_seen=0)], None),
        ([replace(phone, last_seen=0), phone], phone),
    ):
        work = chronicle.work()
        work.accounts += changes
        await store.commit(work)
        assert await store.device("ann", "D" * 22) == left


async def test_a_cancelled_caller_does_not_stop_a_commit(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann")
    work = chronicle.work()
    chronicle.say(work, room, "ann", "still here")
    task = asyncio.create_task(store.commit(work))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    room.title = "changed while the commit runs"
    await chronicle.post(room, "ann", "next")  # commits run in order: this one follows the cancelled one
    assert [event.seq for event in await log_of(store, room)] == [1, 2, 3]


async def test_what_is_committed_is_seen_by_every_later_reader(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann")
    for _ in range(20):
        event = await chronicle.post(room, "ann")
        pages = await asyncio.gather(
            *(store.log(room.number, event.seq, event.seq, 1, MANY) for _ in range(4))
        )
        assert all(page.events for page in pages)


async def test_a_member_who_comes_back_is_present_again(store: Store, chronicle: Chronicle) -> None:
    room = await chronicle.group("ann", "bob")
    await chronicle.leave(room, "bob")
    await chronicle.join(room, "bob")
    loaded = (await store.load_rooms([room.name]))[room.name]
    assert set(loaded.members) == {"ann", "bob"}
    assert not loaded.former
    assert (await store.sync(SyncQuery("bob", None, 10))).rooms[0].first_visible == room.seq


async def test_a_room_of_many_members_is_loaded_whole(store: Store, chronicle: Chronicle) -> None:
    users = [f"user{number:05}" for number in range(2000)]
    room = Room(await store.next_room_number(), room_name("g", 9), "group", users[0], chronicle.now)
    work = chronicle.work()
    chronicle.open(work, room, users)
    await store.commit(work)
    loaded = (await store.load_rooms([room.name]))[room.name]
    assert list(loaded.members) == users
    assert loaded.members["user00042"] == Member("user00042", "member", work.now, 1, 0, 0)


async def test_a_member_carries_the_receipts_preference_of_his_account(
    store: Store, chronicle: Chronicle
) -> None:
    room = await chronicle.group("ann", "bob")
    work = chronicle.work()
    work.accounts.append(Account("ann", receipts=False))
    await store.commit(work)
    members = (await store.load_rooms([room.name]))[room.name].members
    assert {user: member.receipts for user, member in members.items()} == {"ann": False, "bob": True}
