"""What a store reads for push notifications: candidates of a plan, and what there is to tell at a moment."""

import pytest
from msgspec.structs import replace

from chatd.core.contacts import Contact, State
from chatd.core.joining import Join
from chatd.core.push import Address
from chatd.core.push_alerts import Alert, ToldAlerts
from chatd.core.push_registrations import ChangedRegistration, Registration
from chatd.core.room import Room
from chatd.core.sections import ChangedRow
from chatd.core.users import Account, Restriction
from chatd.protocol.codec import encode
from chatd.protocol.messages import Body
from chatd.protocol.push import PushPreferences
from chatd.storage.interface import Store
from chatd.storage.push import Look, LookQuery, PlanPage, PlanQuery, Recipient
from tests.kit.history_builder import HistoryBuilder

MEMBERS_ALL = 500


@pytest.fixture(autouse=True)
async def opened(store: Store) -> None:
    await store.push.open(lambda: 0.0, lambda spent_s: None)


async def add(builder: HistoryBuilder, *records: object) -> None:
    writes = builder.writes()
    writes.add(*records)
    await builder.commit(writes)


async def register(builder: HistoryBuilder, user: str, device: str = "phone", **keys: object) -> None:
    epoch = str(keys.pop("epoch", builder.store.epoch))
    address = Address("fcm", "", f"{user}/{device}", **keys)  # type: ignore[arg-type]
    registration = Registration(user, device, address, builder.now, epoch)
    await add(builder, ChangedRegistration(registration))


async def planned(store: Store, room: Room, first: int = 1, members_all: int = MEMBERS_ALL) -> list[PlanPage]:
    """Return all pages of a plan."""
    pages = [await store.push.plan(PlanQuery(room.number, first, members_all))]
    while pages[-1].next:
        query = PlanQuery(room.number, first, members_all, after=pages[-1].next)
        pages.append(await store.push.plan(query))
    return pages


async def looked(builder: HistoryBuilder, user: str, room: Room, low: int, seq: int) -> Look:
    asked = LookQuery(user, "phone", room.number, "message", low, seq)
    (look,) = await builder.store.push.look([asked], builder.now, MEMBERS_ALL)
    return look


def users(pages: list[PlanPage]) -> list[tuple[str, str]]:
    return [(one.user, one.device) for page in pages for one in page.recipients]


async def test_a_plan_has_the_events_that_count_and_each_device_of_each_member(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("alice", "bob", "carol")
    await register(builder, "bob", "phone")
    await register(builder, "bob", "tablet")
    await builder.post(room, "alice", "one", mentions=("bob",))
    await builder.post(room, "bob", "silent", silent=True)
    await builder.edit(room, "alice", 2, "edited")
    await builder.react(room, "bob", 2, "👍")
    (page,) = await planned(store, room)
    assert [(one.seq, one.topic, one.author, one.mentions) for one in page.events] == [
        (2, "message", "alice", ("bob",)),
        (5, "reaction", "bob", ()),
    ]
    assert (page.events[1].users, page.events[1].emoji) == (("alice",), "👍")
    assert users([page]) == [("alice", ""), ("bob", "phone"), ("bob", "tablet"), ("carol", "")]
    (later,) = await planned(store, room, first=3)
    assert users([later]) == [("alice", "")]


async def test_facts_of_a_recipient_are_those_of_the_commit(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("alice", "bob")
    await builder.post(room, "alice")
    await register(builder, "bob", p256dh=b"key", auth=b"secret")
    writes = builder.writes()
    member = writes.touch_member(room, "bob")
    member.read, member.muted_until, member.hidden, member.notify = 1, 1, 1000, "mentions"
    chosen = PushPreferences(content="none")
    writes.add(
        Account("bob", disabled=True, restriction=Restriction("ban", 77)),
        ChangedRow("bob", "account", "preferences", encode({"push": chosen})),
    )
    await builder.commit(writes)
    (page,) = await planned(store, room)
    bob = page.recipients[-1]
    assert bob == Recipient(
        "bob",
        is_member=True,
        first_visible=1,
        read=1,
        standing=1,
        muted_until=1,
        is_hidden=True,
        is_archived=False,
        notify="mentions",
        is_disabled=True,
        banned_until=77,
        preferences=encode({"push": chosen}),
        device="phone",
        address=Address("fcm", "", "bob/phone", p256dh=b"key", auth=b"secret"),
        seen_at=bob.seen_at,
        is_restored=False,
    )
    await register(builder, "alice", epoch="another")
    (page,) = await planned(store, room)
    assert page.recipients[0].is_restored


async def test_of_a_large_room_those_are_candidates_who_are_named_or_want_all(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group(*(f"u{number:03}" for number in range(30)))
    writes = builder.writes()
    for user in ("u011", "u012", "u029"):
        writes.touch_member(room, user).notify = "all"
    await builder.commit(writes)
    await builder.post(room, "u000", mentions=("u007", "u012"))
    found = users(await planned(store, room, first=2, members_all=29))
    assert sorted(user for user, _ in found) == ["u007", "u011", "u012", "u029"]
    assert len(users(await planned(store, room, first=2, members_all=30))) == 30


async def test_pages_together_have_every_member_once(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group(*(f"u{number:03}" for number in range(450)))
    await builder.post(room, "u000")
    pages = await planned(store, room, first=2)
    assert [len(page.recipients) for page in pages] == [200, 200, 50]
    assert len(set(users(pages))) == 450


async def test_more_events_than_one_plan_takes_are_planned_later(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.direct("alice", "bob")
    await builder.post_many(room, "alice", 300)
    (page,) = await planned(store, room, first=2)
    assert (page.events[0].seq, page.events[-1].seq, page.later) == (2, 257, 258)
    (rest,) = await planned(store, room, first=page.later)
    assert (rest.events[-1].seq, rest.later) == (301, 0)
    cut = await store.push.plan(PlanQuery(room.number, 2, MEMBERS_ALL, last=9))
    assert (cut.events[-1].seq, cut.later) == (9, 0)


async def test_a_deleted_room_has_nothing_to_tell(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("alice", "bob")
    await builder.post(room, "alice")
    writes = builder.writes()
    writes.touch(room).deleted_by = "alice"
    await builder.commit(writes)
    assert (await store.push.plan(PlanQuery(room.number, 1, MEMBERS_ALL))).room is None
    look = await looked(builder, "bob", room, 2, 2)
    assert (look.room, look.recipient.is_member, look.choice) == (None, False, None)
    assert await store.push.room_names([room.number]) == {}
    assert await store.push.number_of(room.name) == 0


async def test_a_block_is_seen_at_the_plan_and_at_the_sending(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("alice", "bob")
    await register(builder, "bob")
    await builder.post(room, "alice")
    await add(builder, Contact("bob", "alice", remark="A.", stamp=1))
    look = await looked(builder, "bob", room, 2, 2)
    assert (look.is_blocked, look.name) == (False, "A.")
    await add(builder, Contact("bob", "alice", blocked=True, remark="A.", stamp=2))
    (page,) = await planned(store, room, first=2)
    assert page.blocks == {("bob", "alice")}
    look = await looked(builder, "bob", room, 2, 2)
    assert (look.is_blocked, look.choice) == (True, None)


async def test_what_is_told_is_the_newest_that_names_or_else_the_newest(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("alice", "bob", "carol")
    await register(builder, "bob")
    await add(builder, Account("alice", name="Alice"))
    await builder.post(room, "alice", "one")
    await builder.post(room, "alice", "two", mentions=("bob",))
    await builder.post(room, "carol", "three")
    await builder.post(room, "bob", "own")
    look = await looked(builder, "bob", room, 2, 5)
    assert look.choice is not None
    assert (look.choice.event.seq, look.choice.messages, look.choice.named) == (3, 3, 1)
    assert (look.body, look.name, look.badge) == (Body(text="two"), "Alice", 3)
    await builder.recall(room, "alice", 3)
    look = await looked(builder, "bob", room, 2, 5)
    assert look.choice is not None
    assert (look.choice.event.seq, look.choice.messages) == (4, 2)


async def test_what_was_read_or_recalled_is_not_told_but_named(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.direct("alice", "bob")
    await register(builder, "bob")
    await builder.post(room, "alice", "one")
    await builder.post(room, "alice", "two")
    writes = builder.writes()
    writes.touch_member(room, "bob").read = 2
    await builder.commit(writes)
    look = await looked(builder, "bob", room, 2, 2)
    assert look.choice is None
    assert look.newest is not None
    assert look.newest.seq == 2
    await builder.recall(room, "alice", 3)
    look = await looked(builder, "bob", room, 3, 3)
    assert look.choice is None
    assert look.newest is not None
    assert look.newest.is_recalled


async def test_a_reaction_that_was_taken_back_is_over(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("alice", "bob")
    await register(builder, "alice")
    await builder.post(room, "alice")
    await builder.react(room, "bob", 2, "👍")
    asked = [LookQuery("alice", "phone", room.number, "reaction", 3, 3)]
    (look,) = await store.push.look(asked, builder.now, MEMBERS_ALL)
    assert look.choice is not None
    assert look.choice.event.emoji == "👍"
    assert users(await planned(store, room, first=3)) == [("alice", "phone")]
    await builder.react(room, "bob", 2, "👍", clear=True)
    (look,) = await store.push.look(asked, builder.now, MEMBERS_ALL)
    assert look.choice is None


async def test_a_device_that_is_gone_has_no_address(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.direct("alice", "bob")
    await builder.post(room, "alice")
    look = await looked(builder, "bob", room, 2, 2)
    assert (look.recipient.device, look.recipient.address) == ("", None)
    assert look.choice is not None


async def test_rooms_behind_a_commit_are_found_with_their_first_event(
    store: Store, builder: HistoryBuilder
) -> None:
    rooms = [await builder.direct("alice", f"u{number}") for number in range(5)]
    for room in rooms:
        await builder.post(room, "alice")
    stamp = store.stamp
    for room in rooms[1:3]:
        await builder.post(room, "alice")
        await builder.post(room, "alice")
    found, after = await store.push.unplanned(stamp, 0, 100)
    assert [(one.room, one.first, one.stamp) for one in found] == [
        (rooms[1].number, 3, stamp + 1),
        (rooms[2].number, 3, stamp + 3),
    ]
    assert after == 0
    first, after = await store.push.unplanned(stamp, 0, 2)
    rest, end = await store.push.unplanned(stamp, after, 3)
    assert [*first, *rest] == found
    assert end == rooms[4].number
    assert await store.push.unplanned(stamp, end, 3) == ([], 0)


async def test_alerts_come_in_order_until_they_are_told(store: Store, builder: HistoryBuilder) -> None:
    for user in ("bob", "carol"):
        await add(
            builder, Alert(user, "friend", "alice", builder.now), Alert(user, "friend", "dave", builder.now)
        )
    alerts = await store.push.alerts((0, 0), 3)
    assert [(one.user, one.author) for one in alerts] == [
        ("bob", "alice"),
        ("bob", "dave"),
        ("carol", "alice"),
    ]
    (last,) = await store.push.alerts((alerts[-1].stamp, alerts[-1].number), 3)
    assert (last.user, last.author) == ("carol", "dave")
    await add(builder, ToldAlerts(alerts[0].stamp))
    assert [one.user for one in await store.push.alerts((0, 0), 9)] == ["carol", "carol"]


async def test_a_friend_request_that_was_taken_back_is_over(store: Store, builder: HistoryBuilder) -> None:
    await register(builder, "bob")
    asked = [LookQuery("bob", "phone", 0, "friend", 0, 0, "alice")]
    received = Contact("bob", "alice", state=State.RECEIVED, stamp=1)
    await add(builder, received)
    (look,) = await store.push.look(asked, builder.now, MEMBERS_ALL)
    assert (look.is_over, look.recipient.device) == (False, "phone")
    await add(builder, replace(received, state=State.NONE))
    (look,) = await store.push.look(asked, builder.now, MEMBERS_ALL)
    assert look.is_over


async def test_an_offer_is_over_when_it_is_answered(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("alice")
    await register(builder, "bob")
    asked = [LookQuery("bob", "phone", room.number, "offer", 0, 0, "alice")]
    for kind, is_over in (("offered", False), ("asked", True), ("", True)):
        await add(builder, Join(room.number, "bob", kind, "alice", time=builder.now))  # type: ignore[arg-type]
        (look,) = await store.push.look(asked, builder.now, MEMBERS_ALL)
        assert (look.by, look.is_over, look.recipient.is_member) == ("alice", is_over, False)


async def test_an_admin_is_shown_the_newest_of_those_who_wait_without_whom_they_block(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("alice", "bob")
    for user in ("alice", "bob"):
        await register(builder, user)
    await add(builder, Account("carol", name="Carol"))
    for time, user in ((3, "dave"), (9, "carol"), (5, "erin"), (12, "mallory")):
        await add(builder, Join(room.number, user, "asked", time=time))
    await add(builder, Join(room.number, "frank", "declined", time=20))
    await add(builder, Contact("alice", "mallory", blocked=True, stamp=1))
    asked = [LookQuery(user, "phone", room.number, "join", 0, 0) for user in ("alice", "bob")]
    owner, member = await store.push.look(asked, builder.now, MEMBERS_ALL)
    assert (owner.waiting, owner.by, owner.name, owner.is_over) == (3, "carol", "Carol", False)
    assert (member.waiting, member.is_over) == (0, True)
