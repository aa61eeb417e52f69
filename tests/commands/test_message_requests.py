"""Direct rooms with people, in a whole daemon: requests make no sound, and what is committed is in force."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatd.config.people import Bounds
from chatd.core.accounts import Amend
from chatd.core.audit import Audit
from chatd.core.erasure_steps import Erase
from chatd.protocol.friends import ContactSet
from tests.kit.client import fresh_key
from tests.kit.inprocess import InProcessClient, InProcessServer, in_process

FEATURES = ["account", "people"]
BOX = 3


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    people = {"enabled": True, "message_requests_max": BOX}
    async with in_process(tmp_path, rates={"enabled": False}, people=people) as server:
        yield server


async def comes(server: InProcessServer, user: str, device: int = 1, **hello: Any) -> InProcessClient:
    return await server.connect(user, device, features=FEATURES, **hello)


async def befriend(one: InProcessClient, other: InProcessClient) -> None:
    for client, user in ((one, other.session.user), (other, one.session.user)):
        assert (await client.request(type="friend.request", user=user))["type"] == "ok"
    for client in (one, other):
        client.take()


async def opens(client: InProcessClient, user: str) -> str:
    room: str = (await client.request(type="room.direct", user=user))["summary"]["room"]
    return room


async def totals(client: InProcessClient) -> dict[str, int]:
    found: dict[str, int] = (await client.request(type="sync"))["totals"]
    return found


async def passes(server: InProcessServer, seconds: int, *clients: InProcessClient) -> None:
    """Let time pass for clients that answer their pings."""
    for _ in range(seconds):
        await server.advance(1)
        for client in clients:
            client.send_packets({"type": "pong"})


def rooms(packets: list[dict[str, Any]]) -> list[tuple[int, bool]]:
    """Return of `room` pushes the number of messages they tell, and whether it is a request."""
    return [(packet["summary"]["ordinal"], packet["summary"].get("request", False)) for packet in packets]


async def test_a_request_makes_no_sound_until_it_is_accepted(server: InProcessServer) -> None:
    ann, bob, old = await comes(server, "ann"), await comes(server, "bob"), await server.connect("bob", 2)
    room = await opens(ann, "bob")
    assert bob.take() == old.take() == [], "an empty room is nobody's news"
    for _ in range(3):
        assert (await ann.send(room))["type"] == "ok"
    assert (await ann.send(room))["code"] == "request_pending"
    assert rooms(bob.take()) == [(1, True)]
    assert old.take() == []
    assert await totals(bob) == {"rooms": 0, "unread": 0, "mentions": 0, "message_requests": 1}
    assert (await old.request(type="sync"))["rooms"] == []
    await passes(server, 61, ann, bob, old)
    assert rooms(bob.take("room")) == [(3, True)], "once a minute, as it is by then"
    read = await bob.request(type="history", room=room)
    assert [event["ordinal"] for event in read["events"]] == [1, 2, 3]
    await bob.request(type="read", room=room, seq=4)
    ann.take(), bob.take(), old.take()
    reply = await bob.request(type="room.accept", room=room)
    assert reply.keys() == {"type", "id"}
    assert rooms(bob.take("room")) == rooms(old.take()) == [(3, False)]
    assert ann.take() == [], "the asker is told of nothing"
    await ann.send(room)
    assert [len(client.take("event")) for client in (bob, old)] == [1, 1]
    assert await totals(bob) == {"rooms": 1, "unread": 1, "mentions": 0}


async def test_whoever_is_asked_is_told_of_what_is_taken_back_and_erased(server: InProcessServer) -> None:
    ann, bob = await comes(server, "ann"), await comes(server, "bob")
    room = await opens(ann, "bob")
    for _ in range(2):
        await ann.send(room)
    await passes(server, 121, ann, bob)
    bob.take()
    await ann.request(type="recall", room=room, key=fresh_key(), target=2)
    (told,) = bob.take("room")
    assert (told["summary"]["seq"], told["summary"]["request"]) == (4, True)
    privacy = server.app.persons.privacy(server.app.host.writes, server.app.hub)
    await privacy.erase(Erase("ann"), Audit("socket", "a test", "ann", ""))
    await server.app.persons.erasures.carry_out_due()
    await passes(server, 61, bob)
    assert [packet["summary"]["seq"] for packet in bob.take("room")] == [5]


async def asked(client: InProcessClient, room: str) -> list[int]:
    """Return how many texts wait, as memory and as the store have it."""
    summary = (await client.request(type="room.get", room=room))["summary"]
    (listed,) = (await client.request(type="sync"))["rooms"]
    return [summary.get("asked", 0), listed.get("asked", 0)]


async def test_the_asker_sees_how_many_texts_wait_until_they_are_accepted(server: InProcessServer) -> None:
    ann, bob, carol = await comes(server, "ann"), await comes(server, "bob"), await comes(server, "carol")
    room, other = await opens(ann, "bob"), await opens(carol, "bob")
    assert await asked(ann, room) == [0, 0]
    for count in (1, 2):
        for client, name in ((ann, room), (carol, other)):
            await client.send(name)
            assert await asked(client, name) == [count, count]
    await bob.request(type="room.accept", room=room)
    await bob.request(type="room.decline", room=other)
    assert await asked(ann, room) == [0, 0]
    assert await asked(carol, other) == [2, 2], "a decline is never told"
    assert await asked(bob, room) == [0, 0]


async def test_no_cursor_goes_past_a_request_that_was_not_told(server: InProcessServer) -> None:
    ann, bob = await comes(server, "ann"), await comes(server, "bob")
    room = await opens(ann, "bob")
    await bob.request(type="sync")
    await ann.send(room)
    await passes(server, 31, ann, bob)
    told = [packet.get("cursor") for packet in bob.take("ping")]
    assert told
    assert all(told)
    await ann.send(room)
    await passes(server, 27, ann, bob)
    assert bob.take("ping", "room") == []
    bob.session.close(4001)
    (bye,) = bob.take("bye")
    assert "cursor" not in bye
    (summary,) = await changed(server, told[-1])
    assert (summary["ordinal"], summary["request"]) == (2, True)


async def changed(server: InProcessServer, cursor: str) -> list[dict[str, Any]]:
    """Return the rooms of a hello of bob with this cursor."""
    client = server.client()
    id = client.say_hello("bob", 3, features=FEATURES, epoch=server.store.epoch, cursor=cursor)
    await server.wait_idle()
    found: list[dict[str, Any]] = client.reply(id)["sync"]["rooms"]
    return found


async def test_an_app_that_learns_of_people_is_named_all_requests(server: InProcessServer) -> None:
    ann, old = await comes(server, "ann"), await server.connect("bob", 2)
    await ann.send(await opens(ann, "bob"))
    cursor = (await old.request(type="sync"))["cursor"]
    (summary,) = await changed(server, cursor)
    assert summary["request"]


async def test_a_declined_request_is_gone_and_comes_back_with_an_answer(server: InProcessServer) -> None:
    ann, bob, tablet = await comes(server, "ann"), await comes(server, "bob"), await comes(server, "bob", 2)
    room = await opens(ann, "bob")
    await ann.send(room)
    cursor = (await bob.request(type="sync"))["cursor"]
    ann.take(), bob.take(), tablet.take()
    assert (await bob.request(type="room.decline", room=room))["type"] == "ok"
    gone = {"type": "gone", "room": room, "reason": "left"}
    assert (bob.take("gone"), tablet.take(), ann.take()) == ([gone], [gone], [])
    assert (await ann.send(room))["type"] == "ok"
    assert bob.take() == []
    delta = await bob.request(type="sync", cursor=cursor)
    assert (delta["rooms"], delta["gone"]) == ([], [room])
    assert (await bob.request(type="sync"))["rooms"] == []
    bob.take()
    await bob.send(room)
    assert {*rooms(bob.take("room"))} == {*rooms(tablet.take("room"))} == {(3, False)}
    assert len(ann.take("event")) == 1


async def test_declining_may_block(server: InProcessServer) -> None:
    ann, bob = await comes(server, "ann"), await comes(server, "bob")
    room = await opens(ann, "bob")
    await ann.send(room)
    bob.take()
    assert (await bob.request(type="room.decline", room=room, block=True))["type"] == "ok"
    (pushed,) = bob.take("account")
    assert pushed["sections"]["contacts"][0]["value"] == {"blocked": True}
    assert (await ann.send(room))["code"] == "refused"
    assert (await bob.send(room))["code"] == "blocked"


async def test_friendship_opens_and_its_end_leaves_it_to_privacy(server: InProcessServer) -> None:
    ann, bob, old = await comes(server, "ann"), await comes(server, "bob"), await server.connect("bob", 2)
    room = await opens(ann, "bob")
    await ann.send(room)
    bob.take()
    await bob.request(type="friend.request", user="ann")
    await ann.request(type="friend.request", user="bob")
    assert rooms(bob.take("room")) == rooms(old.take("room")) == [(1, False)]
    for client in (ann, bob):
        assert (await client.send(room))["type"] == "ok"
    await bob.request(type="friend.remove", user="ann")
    ann.take(), bob.take(), old.take()
    assert (await ann.send(room))["type"] == "ok"
    assert rooms(bob.take()) == [(4, True)]
    assert old.take() == [{"type": "gone", "room": room, "reason": "left"}]
    assert await totals(bob) == {"rooms": 0, "unread": 0, "mentions": 0, "message_requests": 1}


async def test_the_oldest_request_of_somebody_unknown_makes_place(server: InProcessServer) -> None:
    """mia, whom a friend of bob knows, stays, though she asked first."""
    bob, eve, mia = [await comes(server, user) for user in ("bob", "eve", "mia")]
    for friend in (bob, mia):
        await befriend(eve, friend)
    asked = {}
    for user in ("mia", "s1", "s2", "s3", "s4"):
        asker = mia if user == "mia" else await comes(server, user)
        asked[user] = await opens(asker, "bob")
        await asker.send(asked[user])
        await server.advance(1)
    left = {summary["room"] for summary in (await bob.request(type="sync"))["rooms"]}
    assert left == {asked[user] for user in ("mia", "s3", "s4")}
    assert {packet["room"] for packet in bob.take("gone")} == {asked["s1"], asked["s2"]}


async def test_strangers_begin_a_few_a_day(tmp_path: Path) -> None:
    rates = {"enabled": True, "strangers_per_day": 2}
    async with in_process(tmp_path, rates=rates, people={"enabled": True}) as server:
        ann = await comes(server, "ann")
        codes = []
        for user in ("u1", "u2", "u3"):
            await server.advance(1)
            codes.append((await ann.send(await opens(ann, user))).get("code"))
        assert codes == [None, None, "rate_limited"]


async def test_a_block_is_in_force_with_its_acknowledgement(server: InProcessServer) -> None:
    ann, bob = await comes(server, "ann"), await comes(server, "bob")
    await befriend(ann, bob)
    room = await opens(ann, "bob")
    for client in (ann, bob):
        await client.send(room)
    for blocked, codes in ((True, ("refused", "blocked")), (False, (None, None))):
        await bob.request(type="contact.set", user="ann", blocked=blocked)
        assert tuple([(await client.send(room)).get("code") for client in (ann, bob)]) == codes


async def test_a_block_ends_a_message_request_and_its_author_is_told_nothing(server: InProcessServer) -> None:
    ann, bob, tablet = await comes(server, "ann"), await comes(server, "bob"), await comes(server, "bob", 2)
    room = await opens(ann, "bob")
    await ann.send(room)
    before = await ann.request(type="room.get", room=room)
    for client in (ann, tablet):
        client.take()
    await bob.request(type="contact.set", user="ann", blocked=True)
    assert [push["reason"] for push in tablet.take("gone")] == ["left"]
    assert "message_requests" not in (await bob.request(type="sync"))["totals"]
    after = await ann.request(type="room.get", room=room)
    assert after["summary"] == before["summary"]
    assert ann.take() == [after]
    await bob.request(type="contact.set", user="ann", blocked=False)
    assert (await ann.send(room))["type"] == "ok"
    assert tablet.take("room") == []


async def test_a_block_is_in_force_for_a_room_that_is_being_read(server: InProcessServer) -> None:
    """The people of the room are read, the block is committed, and only then the read comes back."""
    ann, bob = await comes(server, "ann"), await comes(server, "bob")
    await befriend(ann, bob)
    room = await opens(ann, "bob")
    await bob.request(type="privacy.set", rules={"find": {"to": "nobody"}})
    hold = server.store.hold("room_relations", after=True)
    history = ann.send_request(type="history", room=room)
    await hold.reached.wait()
    await server.app.writer.submit_and_wait("bob", block("ann"))
    hold.release()
    await ann.answer(history)
    assert (await ann.send(room))["code"] == "refused"


def block(user: str) -> Any:
    return ContactSet(user=user, blocked=True)


async def test_a_closed_account_is_a_block_for_everybody(server: InProcessServer) -> None:
    ann, bob = await comes(server, "ann"), await comes(server, "bob")
    await befriend(ann, bob)
    room = await opens(ann, "bob")
    await ann.send(room)
    await server.app.writer.submit_and_wait("bob", Amend(disabled=True))
    closed = await ann.send(room)
    await server.app.writer.submit_and_wait("bob", Amend(disabled=False))
    await bob.request(type="contact.set", user="ann", blocked=True)
    blocked = await ann.send(room)
    assert {**closed, "id": 0} == {**blocked, "id": 0}
    assert closed["code"] == "refused"


async def test_privacy_is_kept_within_the_bounds_of_the_host(server: InProcessServer) -> None:
    bob, tablet = await comes(server, "bob"), await comes(server, "bob", 2)
    refused = await bob.request(
        type="privacy.set", rules={"knock": {"to": "nobody"}, "presence": {"to": "everyone"}}
    )
    assert (refused["code"], refused["field"]) == ("forbidden", "rules.presence")
    assert tablet.take() == []
    unknown = await bob.request(type="privacy.set", rules={"page": {"to": "everyone", "deny": [1]}})
    assert (unknown["code"], unknown["field"]) == ("not_found", "rules.page.deny")
    await bob.request(type="circle.set", name="Work")
    tablet.take()
    for rules in ({"knock": {"to": "nobody"}}, {"page": {"to": "everyone", "deny": [1]}}):
        reply = await bob.request(type="privacy.set", rules=rules)
    assert reply["privacy"] == {"rules": {"knock": {"to": "nobody"}, "page": {"to": "everyone", "deny": [1]}}}
    (_, pushed) = tablet.take()
    (row,) = pushed["sections"]["account"]
    assert (row["name"], row["value"]) == ("privacy", reply["privacy"])
    await bob.request(type="privacy.set", rules=rules)
    assert tablet.take() == [], "what is so already is no news"
    ann = await comes(server, "ann")
    assert (await ann.request(type="room.direct", user="bob"))["code"] == "refused"


async def test_whoever_does_not_let_others_add_them_is_left_out_without_a_reason(
    server: InProcessServer,
) -> None:
    ann, *friends = [await comes(server, user) for user in ("ann", "fay", "bob", "cat", "dan")]
    for friend in friends:
        await befriend(ann, friend)
    _, blocker, denier, _ = friends
    await blocker.request(type="contact.set", user="ann", blocked=True)
    number = (await denier.request(type="circle.set", name="Work"))["circle"]["number"]
    await denier.request(type="contact.set", user="ann", circles=[number])
    await denier.request(type="privacy.set", rules={"add": {"to": "everyone", "deny": [number]}})
    await server.app.writer.submit_and_wait("dan", Amend(disabled=True))
    everybody = ["stranger", "fay", "bob", "cat", "dan"]
    room = await ann.create_group(*everybody)
    assert room
    made = await ann.request(
        type="room.create", key="key-of-a-group", kind="group", title="t", users=everybody
    )
    # Of the stranger anybody may ask; the others take nothing from her.
    assert (made["offered"], made["not_added"]) == (["stranger", "cat"], ["bob", "dan"])
    assert made["summary"]["members"] == 2
    added = await ann.request(type="members.add", room=room, key="key-of-an-add", users=everybody)
    assert (added["duplicate"], added["offered"]) == (True, ["stranger", "cat"])
    assert added["not_added"] == ["bob", "dan"]


async def test_a_hello_names_the_audiences_and_numbers_that_the_host_has_set(tmp_path: Path) -> None:
    everyone = Bounds(default="everyone")
    privacy = {"write": everyone, "presence": Bounds(widest="friends"), "find": everyone}
    people = {"enabled": True, "request_texts": 5, "privacy": privacy}
    async with in_process(tmp_path, people=people) as server:
        client, old = server.client(), server.client()
        told = await hello_of(client, server, FEATURES)
        assert told["limits"] == {"request_texts": 5}
        assert told["audiences"] == {
            "write": ["everyone", "everyone", "friends"],
            "presence": ["friends", "friends", "nobody"],
        }
        assert "audiences" not in await hello_of(old, server, ["account"])


async def hello_of(client: InProcessClient, server: InProcessServer, features: list[str]) -> dict[str, Any]:
    id = client.say_hello("ann", 1, features=features)
    await server.wait_idle()
    reply: dict[str, Any] = client.reply(id)
    return reply
