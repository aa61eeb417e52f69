import asyncio

import pytest

from chatd.commands.hello import HELLO_CLOSES
from chatd.core.admin import Amend
from chatd.ports import Claims
from chatd.protocol.close_codes import CLOSES
from chatd.protocol.errors import ERRORS, Unavailable
from chatd.protocol.objects import Body
from chatd.protocol.requests import MembersAdd, MembersRemove, Preferences, Read, Send
from tests.kit.indoors import device_of, indoors, new_key, refusal, refused


def empty(house):
    live = house.inside.live
    return not live.sessions and not live.audiences and not house.inside.presence.states(["ann", "bob"])


async def test_a_hello_tells_who_one_is_and_what_there_is(house):
    guest = house.guest()
    id = guest.greets("ann")
    await house.quiet()
    reply = guest.reply(id)
    assert reply.pop("session")
    assert reply == {
        "type": "ok",
        "id": id,
        "version": 1,
        "user": "ann",
        "time": house.env.now_ms(),
        "epoch": house.store.epoch,
        "features": [],
        "heartbeat": 30,
        "token_ttl": 3600,
        "sync": {
            "cursor": reply["sync"]["cursor"],
            "rooms": [],
            "full": True,
            "totals": {"rooms": 0, "unread": 0, "mentions": 0},
        },
    }


async def test_unusual_limits_are_told(tmp_path):
    sections = {
        "limits": {"focus": 2, "page": 100, "hello_timeout_s": 1},
        "delivery": {"full_members": 50, "typing_members": 3},
    }
    async with indoors(tmp_path, **sections) as house:
        guest = house.guest()
        id = guest.greets("ann")
        await house.quiet()
        assert guest.reply(id)["limits"] == {"focus": 2, "page": 100, "full_delivery_members": 50}


@pytest.mark.parametrize(("version", "effective"), [(1, 1), (2, 1), (900, 1)])
async def test_the_lower_revision_is_in_force(house, version, effective):
    guest = house.guest()
    id = guest.greets("ann", version=version)
    await house.quiet()
    assert guest.reply(id)["version"] == effective


async def test_features_are_those_both_sides_know(house):
    guest = house.guest()
    id = guest.greets("ann", features=["deflate", "telepathy"])
    await house.quiet()
    assert guest.reply(id)["features"] == ["deflate"]


@pytest.mark.parametrize(
    ("hello", "answer"),
    [
        ({"version": 0}, ("not_supported", "version", 4203)),
        ({"user": "bad"}, ("token_invalid", "token_invalid", 4101)),
        ({"focus": ["g00000000000"] * 9}, ("too_large", "protocol", 4204)),
        ({"focus": ["no room"]}, ("bad_request", "protocol", 4204)),
    ],
)
async def test_a_hello_is_refused_with_its_own_close(house, hello, answer):
    assert await refused(house, **hello) == answer
    assert empty(house)


async def test_a_token_bound_to_another_device_is_not_accepted(house):
    house.passports.claims["t"] = Claims("ann", 4e9, device=device_of(2))
    assert await refused(house, "t", device=1) == ("token_invalid", "token_invalid", 4101)
    assert (await house.meets("t", device=2)).session.user == "ann"


async def test_a_disabled_user_is_banned(house):
    await house.inside.admin.disable("ann", True)
    assert await refused(house) == ("forbidden", "banned", 4202)
    await house.inside.admin.disable("ann", False)
    await house.meets("ann")


async def test_a_newer_connection_of_a_device_replaces_the_older(house):
    older = await house.meets("ann", device=1)
    other = await house.meets("ann", device=2)
    newer = await house.meets("ann", device=1)
    assert older.wire.closed_with == (4200, "replaced")
    assert other.wire.closed_with is newer.wire.closed_with is None
    older.hangs_up()
    await house.quiet()
    assert set(house.inside.live.sessions["ann"]) == {device_of(1), device_of(2)}
    assert house.inside.live.sessions["ann"][device_of(1)] is newer.session


async def test_a_user_has_so_many_connections_and_no_more(tmp_path):
    async with indoors(tmp_path, limits={"connections_per_user": 2}) as house:
        await house.meets("ann", device=1)
        await house.meets("ann", device=2)
        assert (await refused(house, "ann", device=3))[1:] == ("connection_limit", 4205)
        await house.meets("ann", device=2)
        await house.meets("bob", device=3)


async def test_too_many_hellos_are_sent_away_for_a_while(tmp_path):
    async with indoors(tmp_path, rates={"hello_user_per_min": 2, "hello_address_per_min": 100}) as house:
        for device in (1, 2):
            await house.meets("ann", device=device)
        guest = house.guest()
        guest.greets("ann", device=3)
        await house.quiet()
        assert refusal(guest) == ("rate_limited", "overloaded", 4003)
        error, bye = guest.wire.packets
        assert error["retry_after"] == bye["retry_after"] == 30_000
        assert error["scope"] == "user"
        house.env.advance(30)
        await house.meets("ann", device=3)


# --- without `read`


async def test_without_read_there_is_no_page_no_seat_and_no_event(house):
    ann = await house.meets("ann")
    room = await ann.makes_group("bob")
    await ann.sends(room, "a secret")
    house.passports.claims["bot"] = Claims("bob", 4e9, allow=frozenset({"send", "create", "admin"}))
    bot = house.guest()
    id = bot.greets("bot", previews=True, events=50, focus=[room], cursor="AAAA", epoch="other")
    await house.quiet()
    assert bot.reply(id)["sync"] == {"rooms": []}
    bot.hears()
    await ann.sends(room, "after hello", mentions=None)
    await ann.asks(type="react", room=room, key=new_key(), target=2, emoji="+1", set=True)
    other = await ann.makes_group("bob")
    await ann.asks(type="members.remove", room=other, key=new_key(), users=["bob"])
    await ann.asks(type="room.update", room=room, key=new_key(), title="renamed")
    bob = await house.meets("bob", device=2)
    await bob.asks(type="read", room=room, seq=2)
    await bob.asks(type="preferences", room=room, pinned=True)
    await bob.asks(type="preferences", room=room, muted_until=0)
    await house.passes(25)
    assert bot.hears("ping") == bot.wire.take(), "nothing but pings"
    assert not bot.session.rooms
    for packet in ({"type": "sync"}, {"type": "focus", "rooms": [room]}, {"type": "watch", "users": ["ann"]}):
        assert (await bot.asks(**packet))["code"] == "forbidden"


async def test_without_read_one_still_writes_and_counts_against_the_room(tmp_path):
    async with indoors(tmp_path, rates={"room_per_s": 0.01, "room_burst": 2}) as house:
        ann = await house.meets("ann")
        room = await ann.makes_group("bob")
        house.passports.claims["bot"] = Claims("bob", 4e9, allow=frozenset({"send"}))
        bot = await house.meets("bot")
        await ann.asks(type="focus", rooms=[room])
        ann.hears()
        await bot.asks(type="typing", room=room)
        assert [push["user"] for push in ann.hears("typing")] == ["bob"]
        assert [(await bot.sends(room)).get("code") for _ in range(3)] == [None, None, "rate_limited"]
        assert len(ann.hears("event")) == 2
        assert bot.hears("event", "head", "room") == []


async def test_a_store_that_cannot_now_is_overloaded(house):
    house.store.fail("hello", Unavailable("overloaded"))
    assert await refused(house) == ("overloaded", "overloaded", 4003)
    assert empty(house)


async def test_a_fault_of_ours_is_internal(house, caplog):
    house.store.fail("hello", ZeroDivisionError())
    assert await refused(house) == ("internal", "internal", 1011)
    assert "hello failed" in caplog.text
    assert empty(house)


def test_every_refusal_of_a_hello_has_a_close():
    assert set(HELLO_CLOSES) <= set(ERRORS)
    assert set(HELLO_CLOSES.values()) <= set(CLOSES)


# --- a storm

CLIENTS = 200


async def crowd(house, clients):
    """These come at the same moment: who was let in, and when each of the others is to come back, milliseconds."""
    guests = {client: house.guest() for client in clients}
    for client, guest in guests.items():
        guest.greets(f"u{client}")
    await house.quiet()
    later = {}
    for client, guest in guests.items():
        first = guest.wire.packets[0]
        if first["type"] == "error":
            assert refusal(guest) == ("overloaded", "overloaded", 4003)
            assert first["retry"] == "later"
            assert first["retry_after"] == guest.wire.packets[1]["retry_after"]
            later[client] = first["retry_after"]
    return later


def narrow(house):
    """Four at once, and twenty may wait."""
    house.inside.turnstile.at_once = 4
    house.inside.turnstile._pace.per_s = 10.0


async def test_a_storm_of_those_who_wait_as_they_are_told_lets_everybody_in_the_next_time(house):
    narrow(house)
    ann = await house.meets("ann")
    room = await ann.makes_group()
    later = await crowd(house, range(CLIENTS))
    assert len(later) == CLIENTS - 24
    assert sorted(set(later.values())) == list(later.values()), "a moment for each, in the order they came"
    assert (await ann.sends(room))["seq"] == 2
    now = 0
    for client, at in later.items():
        house.env.advance((at - now) / 1000)
        now = at
        assert await crowd(house, [client]) == {}
    assert len(house.inside.live.sessions) == CLIENTS + 1


async def test_a_storm_of_those_who_do_not_wait_is_over_too(house):
    narrow(house)
    away, rounds = range(CLIENTS), 0
    while away:
        left = list(await crowd(house, away))
        assert len(left) <= max(0, len(away) - 24)
        away, rounds = left, rounds + 1
        house.env.advance(1)
    assert rounds <= 10
    assert len(house.inside.live.sessions) == CLIENTS
    assert (house.inside.turnstile.under_way, house.inside.turnstile.waiting) == (0, 0)


async def test_a_hello_that_waits_for_its_turn_is_in_nobodys_way(house):
    """It left the pool whose oldest has to go: a storm must not send away who waited longest."""
    house.inside.turnstile.at_once = 1
    hold = house.store.hold("hello")
    first, second = house.guest(), house.guest()
    for guest in (first, second):
        house.inside.admission.admit("192.0.2.1", guest.wire)
    first.greets("ann")
    second.greets("bob")
    await hold.reached.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    assert house.inside.admission.unauthenticated == 0
    assert (house.inside.turnstile.under_way, house.inside.turnstile.waiting) == (1, 1)
    second.hangs_up()
    hold.release()
    await house.quiet()
    assert (house.inside.turnstile.under_way, house.inside.turnstile.waiting) == (0, 0)


async def test_a_token_that_is_no_good_waits_for_nobody(house):
    house.inside.turnstile.at_once = 1
    hold = house.store.hold("hello")
    house.guest().greets("ann")
    await hold.reached.wait()
    forger = house.guest()
    forger.greets("bad")
    while not forger.wire.closed_with:
        await asyncio.sleep(0)
    assert refusal(forger)[0] == "token_invalid"
    hold.release()
    await house.quiet()


# --- what happens while a hello is decided (S07, S23)

# Where a hello waits: at its one read, or, when a commit was told meanwhile, at those it repeats in its seat.
FIRST, AGAIN = ("hello",), ("people", "memberships", "sync")


async def held(house, guest, user, method, *, after=False, **hello):
    """A hello that waits at `method`, before or after it was read; how to let it go on, and its id."""
    first = house.store.hold("hello", after=method != "hello" or after)
    id = guest.greets(user, **hello)
    await first.reached.wait()
    if method == "hello":
        return first, id
    await house.inside.writer.carry(user, Amend(name="another"))
    again = house.store.hold(method, after=after)
    first.release()
    await again.reached.wait()
    return again, id


@pytest.mark.parametrize("welcome", ["members.add", "room.join"])
async def test_a_hello_between_a_commit_and_its_telling_is_shown_nothing_of_before(house, welcome):
    ann, bob = await house.meets("ann"), house.guest()
    room = await ann.makes_group(public=True)
    who, users = (ann, {"users": ["bob"]}) if welcome == "members.add" else (await house.meets("bob", 2), {})
    hold = house.store.hold("commit", after=True)
    ann.says({"type": "send", "id": 90, "room": room, "key": new_key(), "body": {"text": "before"}})
    who.says({"type": welcome, "id": 91, "room": room, "key": new_key(), **users})
    await hold.reached.wait()
    id = bob.greets("bob", events=10, focus=[room])
    while not any(packet.get("id") == id for packet in bob.wire.packets):
        await asyncio.sleep(0)
    hold.release()
    await house.quiet()
    assert bob.reply(id)["sync"]["rooms"][0]["first_visible"] == 3
    shown = [event["seq"] for packet in bob.hears("event") for event in packet["events"]]
    assert shown == [3]
    assert len(bob.session.focus) == 1


@pytest.mark.parametrize("method", [*FIRST, "memberships", "sync"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_message_stored_during_a_hello_is_in_its_snapshot_or_follows_it(house, method, after):
    ann = await house.meets("ann")
    room = await ann.makes_group("bob")
    bob = house.guest()
    hold, id = await held(house, bob, "bob", method, after=after, events=10)
    acks = [ann.asks_for(type="send", room=room, key=new_key(), body={"text": "x"}) for _ in range(3)]
    while not all(any(p.get("id") == ack for p in ann.wire.packets) for ack in acks):
        await asyncio.sleep(0)
    hold.release()
    await house.quiet()
    assert bob.wire.packets[0] == bob.reply(id), "the reply comes first"
    (summary,) = bob.reply(id)["sync"]["rooms"]
    known = summary["seq"]
    for push in bob.wire.packets[1:]:
        assert (push["type"], push["room"]) == ("event", room)
        assert push["events"][0]["seq"] <= known + 1, "a hole"
        known = max(known, push["events"][-1]["seq"])
    assert known == 4
    assert (await bob.sends(room))["seq"] == 5


@pytest.mark.parametrize("method", [*FIRST, "memberships", "sync"])
@pytest.mark.parametrize("after", [False, True])
async def test_no_counter_behind_a_hello_is_older_than_its_reply(house, method, after):
    ann = await house.meets("ann")
    room = await ann.makes_group("bob")
    await ann.sends(room)
    bob = house.guest()
    hold, id = await held(house, bob, "bob", method, after=after)
    for user, request in (
        ("bob", Read(room=room, seq=2)),
        ("ann", Send(room=room, key=new_key(), body=Body(text="x"))),
    ):
        await house.inside.writer.carry(user, request)
    hold.release()
    await house.quiet()
    (summary,) = bob.reply(id)["sync"]["rooms"]
    known = summary["ordinal"]
    for push in bob.wire.packets[1:]:
        if push["type"] == "position":
            assert push["ordinal"] >= known
        else:
            known = max(known, push["events"][-1]["ordinal"])
    assert known == 2


@pytest.mark.parametrize("method", FIRST + AGAIN)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("verb", ["revoke", "disable"])
async def test_a_revocation_is_not_overtaken_by_a_hello(house, method, after, verb):
    """The token was checked before the revocation was committed, the seat taken after it."""
    bob, now_s = house.guest(), house.env.now_ms() / 1000
    house.passports.claims["bob"] = Claims("bob", now_s + 3600, issued_at_s=now_s)
    hold, _ = await held(house, bob, "bob", method, after=after)
    house.env.advance(1)
    await (house.inside.admin.revoke("bob") if verb == "revoke" else house.inside.admin.disable("bob", True))
    hold.release()
    await house.quiet()
    assert bob.wire.packets[-1]["close"] == (4201 if verb == "revoke" else 4202)
    assert house.inside.live.of("bob") == []


async def test_the_newest_focus_wins_even_when_an_older_one_takes_longer(house):
    ann = await house.meets("ann")
    first, second = await ann.makes_group(), await ann.makes_group()
    house.inside.rooms.registry.forget_idle(float("inf"), [second])
    hold = house.store.hold("load_rooms")
    ann.says({"type": "focus", "id": 900, "rooms": [first]})
    ann.says({"type": "focus", "id": 901, "rooms": [second]})
    await hold.reached.wait()
    hold.release()
    await house.quiet()
    (number,) = ann.session.focus
    assert ann.session.rooms[number].name == second


@pytest.mark.parametrize("method", [*FIRST, "memberships", "sync"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_member_removed_during_a_hello_hears_nothing_after_gone(house, method, after):
    ann = await house.meets("ann")
    room = await ann.makes_group("bob")
    bob = house.guest()
    hold, id = await held(house, bob, "bob", method, after=after, focus=[room])
    await house.inside.writer.carry("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
    hold.release()
    await house.quiet()
    await ann.sends(room)
    house.env.advance(5)
    listed = [summary["room"] for summary in bob.reply(id)["sync"]["rooms"]]
    pushes = [packet["type"] for packet in bob.wire.packets[1:]]
    assert pushes == (["gone"] if (method, after) == ("sync", True) else [])  # else the reply shows it
    assert listed == [] or pushes == ["gone"]
    assert not bob.session.rooms
    assert not bob.session.focus


@pytest.mark.parametrize("method", [*FIRST, "memberships", "sync"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_member_added_during_a_hello_hears_everything_from_there_on(house, method, after):
    ann = await house.meets("ann")
    room = await ann.makes_group()
    bob = house.guest()
    hold, id = await held(house, bob, "bob", method, after=after)
    await house.inside.writer.carry("ann", MembersAdd(room=room, key=new_key(), users=["bob"]))
    hold.release()
    await house.quiet()
    await ann.sends(room)
    pushes = bob.wire.packets[1:]
    told = [*bob.reply(id)["sync"]["rooms"], *(push["summary"] for push in pushes if push["type"] == "room")]
    (summary,) = told  # the page has the room, unless it was read before
    assert (summary["first_visible"], summary["seq"]) == (2, 2)
    events = [event["seq"] for push in pushes if push["type"] == "event" for event in push["events"]]
    assert events == ([3] if method == "hello" else [2, 3])


async def test_who_is_removed_and_added_again_during_a_hello_is_in(house):
    ann = await house.meets("ann")
    room = await ann.makes_group("bob")
    bob = house.guest()
    hold, id = await held(house, bob, "bob", "memberships", after=True)
    await house.inside.writer.carry("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
    await house.inside.writer.carry("ann", MembersAdd(room=room, key=new_key(), users=["bob"]))
    hold.release()
    await house.quiet()
    await ann.sends(room)
    assert [p["type"] for p in bob.wire.packets] == ["ok", "event", "event"]
    (summary,) = bob.reply(id)["sync"]["rooms"]
    assert summary["first_visible"] == bob.wire.packets[1]["events"][0]["seq"] == 3


async def test_a_hello_nobody_overtook_reads_once(house):
    ann = await house.meets("ann")
    other, room = await ann.makes_group("eve"), await ann.makes_group("bob")
    bob = house.guest()
    before = house.store.calls.copy()
    hold, id = await held(house, bob, "bob", "hello", after=True)
    await house.inside.writer.carry(
        "ann", MembersAdd(room=other, key=new_key(), users=["fay"])
    )  # not his room
    hold.release()
    await house.quiet()
    read = house.store.calls - before
    assert (read["hello"], read["memberships"], read["sync"]) == (1, 0, 0)
    (summary,) = bob.reply(id)["sync"]["rooms"]
    assert (summary["room"], summary["seq"]) == (room, 1)


async def test_a_preference_changed_during_a_hello_is_in_force(house):
    bob = house.guest()
    hold, _ = await held(house, bob, "bob", "hello", after=True)
    await house.inside.writer.carry("bob", Preferences(receipts=False))
    hold.release()
    await house.quiet()
    assert bob.session.receipts is False


@pytest.mark.parametrize("method", FIRST + AGAIN)
@pytest.mark.parametrize("after", [False, True])
async def test_a_connection_that_ends_during_its_hello_leaves_nothing_behind(house, method, after):
    ann = await house.meets("ann")
    await ann.makes_group("bob")
    ann.hangs_up()
    house.env.advance(60)
    await house.quiet()
    bob = house.guest()
    hold, _ = await held(house, bob, "bob", method, after=after)
    bob.hangs_up(1006)
    hold.release()
    await house.quiet()
    assert empty(house)
    assert not bob.wire.packets


@pytest.mark.parametrize("method", FIRST + AGAIN)
async def test_a_dead_hello_does_not_replace_the_living_connection(house, method):
    dead = house.guest()
    hold, _ = await held(house, dead, "ann", method)
    dead.hangs_up(1006)
    living = await house.meets("ann")
    hold.release()
    await house.quiet()
    assert living.wire.closed_with is None
    assert house.inside.live.of("ann") == [living.session]


@pytest.mark.parametrize("method", ["memberships", "sync"])
async def test_a_hello_overtaken_by_a_newer_one_is_replaced(house, method):
    older = house.guest()
    hold, _ = await held(house, older, "ann", method)
    newer = await house.meets("ann")
    hold.release()
    await house.quiet()
    assert older.wire.closed_with == (4200, "replaced")
    assert house.inside.live.of("ann") == [newer.session]
    assert newer.wire.closed_with is None


async def test_a_slower_hello_does_not_replace_a_newer_one(house):
    older, newer = house.guest(), house.guest()
    hold, _ = await held(house, older, "ann", "hello", after=True)
    newer.greets("ann")
    while not newer.wire.packets:
        await asyncio.sleep(0)
    hold.release()
    await house.quiet()
    assert refusal(older) == ("forbidden", "replaced", 4200)
    assert house.inside.live.of("ann") == [newer.session]
    assert newer.wire.closed_with is None


async def test_what_stands_behind_a_hello_waits_for_it(house):
    ann = await house.meets("ann")
    room = await ann.makes_group("bob")
    bob = house.guest()
    hold = house.store.hold("hello")
    hello = bob.greets("bob")
    send = bob.asks_for(type="send", room=room, key=new_key(), body={"text": "x"})
    await hold.reached.wait()
    assert not bob.wire.packets
    hold.release()
    await house.quiet()
    assert [packet["id"] for packet in bob.wire.packets if "id" in packet] == [hello, send]
    assert bob.reply(send)["seq"] == 2


async def test_what_stands_behind_a_refused_hello_is_dropped(house):
    ann = await house.meets("ann")
    room = await ann.makes_group("bob")
    bob = house.guest()
    bob.greets("bad")
    bob.asks_for(type="send", room=room, key=new_key(), body={"text": "x"})
    await house.quiet()
    assert refusal(bob)[0] == "token_invalid"
    assert (await ann.sends(room))["seq"] == 2


async def test_an_unknown_mode_of_a_hello_is_the_default(house):
    assert (await house.meets("ann", mode="asleep")).session.mode == "foreground"


async def test_a_hello_notes_the_device(house):
    await house.meets("ann", app="Bike 4", os="ios 19")
    (row,) = await house.store.devices("ann")
    assert (row.device, row.app, row.os, row.last_seen) == (
        device_of(1),
        "Bike 4",
        "ios 19",
        house.env.now_ms(),
    )


async def test_a_known_device_is_written_again_only_when_there_is_news(house):
    """A storm of phones that come back must not be a storm of writes."""

    async def rows_written(**hello) -> int:
        before = house.store.stamp
        ann = await house.meets("ann", **hello)
        await house.quiet()
        written = house.store.stamp - before
        ann.hangs_up()
        await house.quiet()
        return written

    assert await rows_written(app="chat 1") == 1
    assert await rows_written(app="chat 1") == 0
    assert await rows_written() == 0
    assert await rows_written(app="chat 2") == 1
    house.env.advance(3600)
    assert await rows_written(app="chat 2") == 1
