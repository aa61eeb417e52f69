import pytest

from chatd.auth.interface import Claims
from chatd.commands.hello import HELLO_CLOSE_CODES
from chatd.core.accounts import Amend
from chatd.protocol.close_codes import CLOSE_CODES
from chatd.protocol.errors import ERRORS, Unavailable
from chatd.protocol.members import MembersAdd, MembersRemove
from chatd.protocol.messages import Body, Send
from chatd.protocol.read_state import Read
from chatd.protocol.rooms import Preferences
from tests.kit.inprocess import device_of, in_process, new_key, refusal, refused
from tests.kit.waiting import until


def empty(server):
    live = server.app.hub
    return not live.sessions and not live.rooms and not server.app.presence.states(["ann", "bob"])


async def test_a_hello_tells_who_one_is_and_what_there_is(server):
    client = server.client()
    id = client.say_hello("ann")
    await server.wait_idle()
    reply = client.reply(id)
    assert reply.pop("session")
    assert reply == {
        "type": "ok",
        "id": id,
        "version": 1,
        "user": "ann",
        "time": server.env.now_ms(),
        "epoch": server.store.epoch,
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
    async with in_process(tmp_path, **sections) as server:
        client = server.client()
        id = client.say_hello("ann")
        await server.wait_idle()
        told = {"focus": 2, "page": 100, "full_delivery_members": 50, "typing_members": 3}
        assert client.reply(id)["limits"] == told


@pytest.mark.parametrize(("version", "effective"), [(1, 1), (2, 1), (900, 1)])
async def test_the_lower_revision_is_in_force(server, version, effective):
    client = server.client()
    id = client.say_hello("ann", version=version)
    await server.wait_idle()
    assert client.reply(id)["version"] == effective


async def test_features_are_those_both_sides_know(server):
    client = server.client()
    id = client.say_hello("ann", features=["deflate", "telepathy"])
    await server.wait_idle()
    assert client.reply(id)["features"] == ["deflate"]


@pytest.mark.parametrize(
    ("hello", "answer"),
    [
        ({"version": 0}, ("not_supported", "version", 4203)),
        ({"user": "bad"}, ("token_invalid", "token_invalid", 4101)),
        ({"focus": ["g00000000000"] * 9}, ("too_large", "protocol", 4204)),
        ({"focus": ["no room"]}, ("bad_request", "protocol", 4204)),
    ],
)
async def test_a_hello_is_refused_with_its_own_close(server, hello, answer):
    assert await refused(server, **hello) == answer
    assert empty(server)


async def test_a_token_bound_to_another_device_is_not_accepted(server):
    server.identity.claims["t"] = Claims("ann", 4e9, device=device_of(2))
    assert await refused(server, "t", device=1) == ("token_invalid", "token_invalid", 4101)
    assert (await server.connect("t", device=2)).session.user == "ann"


async def test_a_disabled_user_is_banned(server):
    await server.app.host.admin.amend("ann", Amend(disabled=True))
    assert await refused(server) == ("forbidden", "banned", 4202)
    await server.app.host.admin.amend("ann", Amend(disabled=False))
    await server.connect("ann")


async def test_a_newer_connection_of_a_device_replaces_the_older(server):
    older = await server.connect("ann", device=1)
    other = await server.connect("ann", device=2)
    newer = await server.connect("ann", device=1)
    assert older.wire.closed_with == (4200, "replaced")
    assert other.wire.closed_with is newer.wire.closed_with is None
    older.hang_up()
    await server.wait_idle()
    assert set(server.app.hub.sessions["ann"]) == {device_of(1), device_of(2)}
    assert server.app.hub.sessions["ann"][device_of(1)] is newer.session


async def test_a_user_has_so_many_connections_and_no_more(tmp_path):
    async with in_process(tmp_path, limits={"connections_per_user": 2}) as server:
        await server.connect("ann", device=1)
        await server.connect("ann", device=2)
        assert (await refused(server, "ann", device=3))[1:] == ("connection_limit", 4205)
        await server.connect("ann", device=2)
        await server.connect("bob", device=3)


async def test_too_many_hellos_are_sent_away_for_a_while(tmp_path):
    async with in_process(tmp_path, rates={"hello_user_per_min": 2, "hello_address_per_min": 100}) as server:
        for device in (1, 2):
            await server.connect("ann", device=device)
        client = server.client()
        client.say_hello("ann", device=3)
        await server.wait_idle()
        assert refusal(client) == ("rate_limited", "overloaded", 4003)
        error, bye = client.wire.packets
        assert error["retry_after"] == bye["retry_after"] == 30_000
        assert error["scope"] == "user"
        server.env.advance(30)
        await server.connect("ann", device=3)


# --- without `read`


async def test_without_read_there_is_no_page_no_subscription_and_no_event(server):
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    await ann.send(room, "a secret")
    server.identity.claims["bot"] = Claims("bob", 4e9, allow=frozenset({"send", "create", "admin"}))
    bot = server.client()
    id = bot.say_hello("bot", previews=True, events=50, focus=[room], cursor="AAAA", epoch="other")
    await server.wait_idle()
    assert bot.reply(id)["sync"] == {"rooms": []}
    bot.take()
    await ann.send(room, "after hello", mentions=None)
    await ann.request(type="react", room=room, key=new_key(), target=2, emoji="+1", set=True)
    other = await ann.create_group("bob")
    await ann.request(type="members.remove", room=other, key=new_key(), users=["bob"])
    await ann.request(type="room.update", room=room, key=new_key(), title="renamed")
    bob = await server.connect("bob", device=2)
    await bob.request(type="read", room=room, seq=2)
    await bob.request(type="preferences", room=room, pinned=True)
    await bob.request(type="preferences", room=room, muted_until=0)
    await server.advance(25)
    assert bot.take("ping") == bot.wire.take(), "nothing but pings"
    assert not bot.session.subscriptions.rooms
    for packet in ({"type": "sync"}, {"type": "focus", "rooms": [room]}, {"type": "watch", "users": ["ann"]}):
        assert (await bot.request(**packet))["code"] == "forbidden"


async def test_without_read_one_still_writes_and_counts_against_the_room(tmp_path):
    async with in_process(tmp_path, rates={"room_per_s": 0.01, "room_burst": 2}) as server:
        ann = await server.connect("ann")
        room = await ann.create_group("bob")
        server.identity.claims["bot"] = Claims("bob", 4e9, allow=frozenset({"send"}))
        bot = await server.connect("bot")
        await ann.request(type="focus", rooms=[room])
        ann.take()
        await bot.request(type="typing", room=room)
        assert [push["user"] for push in ann.take("typing")] == ["bob"]
        assert [(await bot.send(room)).get("code") for _ in range(3)] == [None, None, "rate_limited"]
        assert len(ann.take("event")) == 2
        assert bot.take("event", "head", "room") == []


async def test_a_store_that_cannot_now_is_overloaded(server):
    server.store.fail("hello", Unavailable("overloaded"))
    assert await refused(server) == ("overloaded", "overloaded", 4003)
    assert empty(server)


async def test_a_fault_of_ours_is_internal(server, caplog):
    server.store.fail("hello", ZeroDivisionError())
    assert await refused(server) == ("internal", "internal", 1011)
    assert "hello failed" in caplog.text
    assert empty(server)


def test_every_refusal_of_a_hello_has_a_close():
    assert set(HELLO_CLOSE_CODES) <= set(ERRORS)
    assert set(HELLO_CLOSE_CODES.values()) <= set(CLOSE_CODES)


# --- a storm

CLIENTS = 200


async def connect_together(server, numbers):
    """Connect these at one moment; return when each that was refused is to come back, milliseconds."""
    clients = {number: server.client() for number in numbers}
    for number, client in clients.items():
        client.say_hello(f"u{number}")
    await server.wait_idle()
    later = {}
    for number, client in clients.items():
        first = client.wire.packets[0]
        if first["type"] == "error":
            assert refusal(client) == ("overloaded", "overloaded", 4003)
            assert first["retry"] == "later"
            assert first["retry_after"] == client.wire.packets[1]["retry_after"]
            later[number] = first["retry_after"]
    return later


def narrow(server):
    """Four at once, and twenty may wait."""
    server.app.hello_limiter.reconfigure(4)
    server.app.hello_limiter._retry_schedule.per_s = 10.0


async def test_a_storm_of_clients_that_wait_for_retry_after_is_accepted_the_next_time(server):
    narrow(server)
    ann = await server.connect("ann")
    room = await ann.create_group()
    later = await connect_together(server, range(CLIENTS))
    assert len(later) == CLIENTS - 24
    assert sorted(set(later.values())) == list(later.values()), "a moment for each, in the order they came"
    assert (await ann.send(room))["seq"] == 2
    now = 0
    for number, at in later.items():
        server.env.advance((at - now) / 1000)
        now = at
        assert await connect_together(server, [number]) == {}
    assert len(server.app.hub.sessions) == CLIENTS + 1


async def test_a_storm_of_those_who_do_not_wait_is_over_too(server):
    narrow(server)
    away, rounds = range(CLIENTS), 0
    while away:
        left = list(await connect_together(server, away))
        assert len(left) <= max(0, len(away) - 24)
        away, rounds = left, rounds + 1
        server.env.advance(1)
    assert rounds <= 10
    assert len(server.app.hub.sessions) == CLIENTS
    assert (server.app.hello_limiter.under_way, server.app.hello_limiter.waiting) == (0, 0)


async def test_a_hello_that_waits_for_its_turn_is_in_nobodys_way(server):
    """It left the pool whose oldest has to go: a storm must not send away who waited longest."""
    server.app.hello_limiter.reconfigure(1)
    hold = server.store.hold("hello")
    first, second = server.client(), server.client()
    for client in (first, second):
        server.app.admission.admit("192.0.2.1", client.wire)
    first.say_hello("ann")
    second.say_hello("bob")
    await hold.reached.wait()
    await until(lambda: server.app.hello_limiter.waiting)
    assert server.app.admission.unauthenticated == 0
    assert (server.app.hello_limiter.under_way, server.app.hello_limiter.waiting) == (1, 1)
    second.hang_up()
    hold.release()
    await server.wait_idle()
    assert (server.app.hello_limiter.under_way, server.app.hello_limiter.waiting) == (0, 0)


async def test_a_token_that_is_no_good_waits_for_nobody(server):
    server.app.hello_limiter.reconfigure(1)
    hold = server.store.hold("hello")
    server.client().say_hello("ann")
    await hold.reached.wait()
    forger = server.client()
    forger.say_hello("bad")
    await until(lambda: forger.wire.closed_with)
    assert refusal(forger)[0] == "token_invalid"
    hold.release()
    await server.wait_idle()


# --- what happens while a hello is decided (S07, S23)

# A hello waits at its one read, or, when a commit was published meanwhile, at those it repeats while subscribed.
FIRST, AGAIN = ("hello",), ("people", "memberships", "sync")


async def held(server, client, user, method, *, after=False, **hello):
    """A hello that waits at `method`, before or after it was read; how to let it go on, and its id."""
    first = server.store.hold("hello", after=method != "hello" or after)
    id = client.say_hello(user, **hello)
    await first.reached.wait()
    if method == "hello":
        return first, id
    await server.app.writer.submit_and_wait(user, Amend(name="another"))
    again = server.store.hold(method, after=after)
    first.release()
    await again.reached.wait()
    return again, id


@pytest.mark.parametrize("welcome", ["members.add", "room.join"])
async def test_a_hello_between_a_commit_and_its_push_is_shown_nothing_of_before(server, welcome):
    ann, bob = await server.connect("ann"), server.client()
    room = await ann.create_group(public=True)
    who, users = (
        (ann, {"users": ["bob"]}) if welcome == "members.add" else (await server.connect("bob", 2), {})
    )
    hold = server.store.hold("commit", after=True)
    ann.send_packets({"type": "send", "id": 90, "room": room, "key": new_key(), "body": {"text": "before"}})
    who.send_packets({"type": welcome, "id": 91, "room": room, "key": new_key(), **users})
    await hold.reached.wait()
    id = bob.say_hello("bob", events=10, focus=[room])
    await bob.answer(id)
    hold.release()
    await server.wait_idle()
    assert bob.reply(id)["sync"]["rooms"][0]["first_visible"] == 3
    shown = [event["seq"] for packet in bob.take("event") for event in packet["events"]]
    assert shown == [3]
    assert len(bob.session.subscriptions.focus) == 1


@pytest.mark.parametrize("method", [*FIRST, "memberships", "sync"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_message_stored_during_a_hello_is_in_its_snapshot_or_follows_it(server, method, after):
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    bob = server.client()
    hold, id = await held(server, bob, "bob", method, after=after, events=10)
    acks = [ann.send_request(type="send", room=room, key=new_key(), body={"text": "x"}) for _ in range(3)]
    for ack in acks:
        await ann.answer(ack)
    hold.release()
    await server.wait_idle()
    assert bob.wire.packets[0] == bob.reply(id), "the reply comes first"
    (summary,) = bob.reply(id)["sync"]["rooms"]
    known = summary["seq"]
    for push in bob.wire.packets[1:]:
        assert (push["type"], push["room"]) == ("event", room)
        assert push["events"][0]["seq"] <= known + 1, "a hole"
        known = max(known, push["events"][-1]["seq"])
    assert known == 4
    assert (await bob.send(room))["seq"] == 5


@pytest.mark.parametrize("method", [*FIRST, "memberships", "sync"])
@pytest.mark.parametrize("after", [False, True])
async def test_no_counter_behind_a_hello_is_older_than_its_reply(server, method, after):
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    await ann.send(room)
    bob = server.client()
    hold, id = await held(server, bob, "bob", method, after=after)
    for user, request in (
        ("bob", Read(room=room, seq=2)),
        ("ann", Send(room=room, key=new_key(), body=Body(text="x"))),
    ):
        await server.app.writer.submit_and_wait(user, request)
    hold.release()
    await server.wait_idle()
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
async def test_a_revocation_is_not_overtaken_by_a_hello(server, method, after, verb):
    """The token was checked before the revocation was committed, the connection subscribed after it."""
    bob, now_s = server.client(), server.env.now_ms() / 1000
    server.identity.claims["bob"] = Claims("bob", now_s + 3600, issued_at_s=now_s)
    hold, _ = await held(server, bob, "bob", method, after=after)
    server.env.advance(1)
    admin = server.app.host.admin
    await (admin.revoke("bob") if verb == "revoke" else admin.amend("bob", Amend(disabled=True)))
    hold.release()
    await server.wait_idle()
    assert bob.wire.packets[-1]["close"] == (4201 if verb == "revoke" else 4202)
    assert server.app.hub.of("bob") == []


async def test_the_newest_focus_wins_even_when_an_older_one_takes_longer(server):
    ann = await server.connect("ann")
    first, second = await ann.create_group(), await ann.create_group()
    server.app.rooms.cache.forget_idle(float("inf"), [second])
    hold = server.store.hold("load_rooms")
    ann.send_packets({"type": "focus", "id": 900, "rooms": [first]})
    ann.send_packets({"type": "focus", "id": 901, "rooms": [second]})
    await hold.reached.wait()
    hold.release()
    await server.wait_idle()
    (number,) = ann.session.subscriptions.focus
    assert ann.session.subscriptions.rooms[number].name == second


@pytest.mark.parametrize("method", [*FIRST, "memberships", "sync"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_member_removed_during_a_hello_receives_nothing_after_gone(server, method, after):
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    bob = server.client()
    hold, id = await held(server, bob, "bob", method, after=after, focus=[room])
    await server.app.writer.submit_and_wait("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
    hold.release()
    await server.wait_idle()
    await ann.send(room)
    server.env.advance(5)
    listed = [summary["room"] for summary in bob.reply(id)["sync"]["rooms"]]
    pushes = [packet["type"] for packet in bob.wire.packets[1:]]
    assert pushes == (["gone"] if (method, after) == ("sync", True) else [])  # else the reply shows it
    assert listed == [] or pushes == ["gone"]
    assert not bob.session.subscriptions.rooms
    assert not bob.session.subscriptions.focus


@pytest.mark.parametrize("method", [*FIRST, "memberships", "sync"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_member_added_during_a_hello_receives_everything_from_there_on(server, method, after):
    ann = await server.connect("ann")
    room = await ann.create_group()
    bob = server.client()
    hold, id = await held(server, bob, "bob", method, after=after)
    await server.app.writer.submit_and_wait("ann", MembersAdd(room=room, key=new_key(), users=["bob"]))
    hold.release()
    await server.wait_idle()
    await ann.send(room)
    pushes = bob.wire.packets[1:]
    told = [*bob.reply(id)["sync"]["rooms"], *(push["summary"] for push in pushes if push["type"] == "room")]
    (summary,) = told  # the page has the room, unless it was read before
    assert (summary["first_visible"], summary["seq"]) == (2, 2)
    events = [event["seq"] for push in pushes if push["type"] == "event" for event in push["events"]]
    assert events == ([3] if method == "hello" else [2, 3])


async def test_who_is_removed_and_added_again_during_a_hello_is_in(server):
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    bob = server.client()
    hold, id = await held(server, bob, "bob", "memberships", after=True)
    await server.app.writer.submit_and_wait("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
    await server.app.writer.submit_and_wait("ann", MembersAdd(room=room, key=new_key(), users=["bob"]))
    hold.release()
    await server.wait_idle()
    await ann.send(room)
    assert [p["type"] for p in bob.wire.packets] == ["ok", "event", "event"]
    (summary,) = bob.reply(id)["sync"]["rooms"]
    assert summary["first_visible"] == bob.wire.packets[1]["events"][0]["seq"] == 3


async def test_a_hello_nobody_overtook_reads_once(server):
    ann = await server.connect("ann")
    other, room = await ann.create_group("eve"), await ann.create_group("bob")
    bob = server.client()
    before = server.store.calls.copy()
    hold, id = await held(server, bob, "bob", "hello", after=True)
    await server.app.writer.submit_and_wait(
        "ann", MembersAdd(room=other, key=new_key(), users=["fay"])
    )  # not a room of the user
    hold.release()
    await server.wait_idle()
    read = server.store.calls - before
    assert (read["hello"], read["memberships"], read["sync"]) == (1, 0, 0)
    (summary,) = bob.reply(id)["sync"]["rooms"]
    assert (summary["room"], summary["seq"]) == (room, 1)


async def test_a_preference_changed_during_a_hello_is_in_force(server):
    bob = server.client()
    hold, _ = await held(server, bob, "bob", "hello", after=True)
    await server.app.writer.submit_and_wait("bob", Preferences(receipts=False))
    hold.release()
    await server.wait_idle()
    assert bob.session.receipts is False


@pytest.mark.parametrize("method", FIRST + AGAIN)
@pytest.mark.parametrize("after", [False, True])
async def test_a_connection_that_ends_during_its_hello_leaves_nothing_behind(server, method, after):
    ann = await server.connect("ann")
    await ann.create_group("bob")
    ann.hang_up()
    server.env.advance(60)
    await server.wait_idle()
    bob = server.client()
    hold, _ = await held(server, bob, "bob", method, after=after)
    bob.hang_up(1006)
    hold.release()
    await server.wait_idle()
    assert empty(server)
    assert not bob.wire.packets


@pytest.mark.parametrize("method", FIRST + AGAIN)
async def test_a_dead_hello_does_not_replace_the_living_connection(server, method):
    dead = server.client()
    hold, _ = await held(server, dead, "ann", method)
    dead.hang_up(1006)
    living = await server.connect("ann")
    hold.release()
    await server.wait_idle()
    assert living.wire.closed_with is None
    assert server.app.hub.of("ann") == [living.session]


@pytest.mark.parametrize("method", ["memberships", "sync"])
async def test_a_hello_overtaken_by_a_newer_one_is_replaced(server, method):
    older = server.client()
    hold, _ = await held(server, older, "ann", method)
    newer = await server.connect("ann")
    hold.release()
    await server.wait_idle()
    assert older.wire.closed_with == (4200, "replaced")
    assert server.app.hub.of("ann") == [newer.session]
    assert newer.wire.closed_with is None


async def test_a_slower_hello_does_not_replace_a_newer_one(server):
    older, newer = server.client(), server.client()
    hold, _ = await held(server, older, "ann", "hello", after=True)
    newer.say_hello("ann")
    await until(lambda: newer.wire.packets)
    hold.release()
    await server.wait_idle()
    assert refusal(older) == ("forbidden", "replaced", 4200)
    assert server.app.hub.of("ann") == [newer.session]
    assert newer.wire.closed_with is None


async def test_what_stands_behind_a_hello_waits_for_it(server):
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    bob = server.client()
    hold = server.store.hold("hello")
    hello = bob.say_hello("bob")
    send = bob.send_request(type="send", room=room, key=new_key(), body={"text": "x"})
    await hold.reached.wait()
    assert not bob.wire.packets
    hold.release()
    await server.wait_idle()
    assert [packet["id"] for packet in bob.wire.packets if "id" in packet] == [hello, send]
    assert bob.reply(send)["seq"] == 2


async def test_what_stands_behind_a_refused_hello_is_dropped(server):
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    bob = server.client()
    bob.say_hello("bad")
    bob.send_request(type="send", room=room, key=new_key(), body={"text": "x"})
    await server.wait_idle()
    assert refusal(bob)[0] == "token_invalid"
    assert (await ann.send(room))["seq"] == 2


async def test_an_unknown_mode_of_a_hello_is_the_default(server):
    assert (await server.connect("ann", mode="asleep")).session.mode == "foreground"


async def test_a_hello_notes_the_device(server):
    await server.connect("ann", app="Bike 4", os="ios 19")
    (row,) = await server.store.devices("ann")
    assert (row.device, row.app, row.os, row.last_seen) == (
        device_of(1),
        "Bike 4",
        "ios 19",
        server.env.now_ms(),
    )


async def test_a_known_device_is_written_again_only_when_there_is_news(server):
    """A storm of phones that come back must not be a storm of writes."""

    async def rows_written(**hello) -> int:
        before = server.store.stamp
        ann = await server.connect("ann", **hello)
        await server.wait_idle()
        written = server.store.stamp - before
        ann.hang_up()
        await server.wait_idle()
        return written

    assert await rows_written(app="chat 1") == 1
    assert await rows_written(app="chat 1") == 0
    assert await rows_written() == 0
    assert await rows_written(app="chat 2") == 1
    server.env.advance(3600)
    assert await rows_written(app="chat 2") == 1
