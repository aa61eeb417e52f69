"""Administration by the host app's back end: revoke, lock out, rename, post notices. All of it at once."""

import asyncio
import time

from tests.kit.client import fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon
from tests.kit.tokens import earlier_token, token_for


async def test_revoking_a_user_ends_every_connection_and_every_earlier_token(
    daemon: RunningDaemon, clients: Clients
) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    old = earlier_token("alice")
    tablet = await clients.connect("alice", token=old)
    answer = await daemon.api("POST", "/v1/users/alice/revoke")
    assert answer.status == 200
    for client in (alice, tablet):
        await client.expect_bye(4201)
    again = await clients.open("alice", token=old)
    await again.expect_refusal("token_invalid", again.hello())
    await again.expect_bye(4201)
    fresh = await clients.connect("alice", token=token_for("alice", generation=answer.json["generation"]))
    await bob.send(room, "back again?")
    assert (await fresh.next_event(room))["body"]["text"] == "back again?"


async def test_a_token_of_the_second_of_a_revocation_is_not_good_and_not_lost(
    daemon: RunningDaemon, clients: Clients
) -> None:
    """Nobody can say on which side of it: another one is, a moment later."""
    before = int(time.time())
    assert (await daemon.api("POST", "/v1/users/alice/revoke")).status == 200
    alice = await clients.open("alice")
    told = await alice.expect_refusal("token_expired", alice.hello())
    assert 0 < told["retry_after"] <= 31_000
    assert (await alice.expect_bye(4100))["retry_after"] == told["retry_after"]
    later = await clients.open("alice", token=token_for("alice", iat=before + 30, nbf=0))
    await later.expect_refusal("token_expired", later.hello())


async def test_revoking_a_device_leaves_the_others_alone(daemon: RunningDaemon, clients: Clients) -> None:
    client, tablet = [await clients.connect_bound("alice") for _ in range(2)]
    assert (await daemon.api("POST", "/v1/users/alice/revoke", device=tablet.device)).status == 200
    await tablet.expect_bye(4201)
    await client.expect_silence()
    again = await clients.open("alice", device=client.device, token=client.token)
    await again.say_hello()


async def test_a_lost_phone_cannot_come_back_as_another_device(
    daemon: RunningDaemon, clients: Clients
) -> None:
    """Its token is bound to no device: the thief needs only make one up."""
    lost = await clients.connect("alice", token=earlier_token("alice"))
    assert (await daemon.api("POST", "/v1/users/alice/revoke", device=lost.device)).status == 200
    await lost.expect_bye(4201)
    thief = await clients.open("alice", token=lost.token)
    await thief.expect_refusal("token_invalid", thief.hello())
    await thief.expect_bye(4101)


async def test_a_disabled_user_is_banned_until_enabled(daemon: RunningDaemon, clients: Clients) -> None:
    alice = await clients.connect("alice")
    assert (await daemon.api("PUT", "/v1/users/alice", disabled=True)).status == 200
    await alice.expect_bye(4202)
    again = await clients.open("alice")
    await again.expect_refusal("forbidden", again.hello())
    await again.expect_bye(4202)
    assert (await daemon.api("PUT", "/v1/users/alice", disabled=False)).status == 200
    await clients.connect("alice")


async def test_nothing_is_delivered_after_a_revocation_was_confirmed(
    daemon: RunningDaemon, clients: Clients
) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    last = 0

    async def chatters() -> None:
        nonlocal last
        while True:
            last = (await alice.send(room, "x"))["seq"]

    chatting = asyncio.create_task(chatters())
    await bob.next_event(room)
    assert (await daemon.api("POST", "/v1/users/bob/revoke")).status == 200
    confirmed = last
    await bob.expect_bye(4201)
    await alice.catch_up()
    chatting.cancel()
    await asyncio.gather(chatting, return_exceptions=True)
    seen = [event["seq"] for push in bob.heard if push["type"] == "event" for event in push["events"]]
    assert seen[-1] <= confirmed + 1  # one send may have been committed while the confirmation was on its way


async def test_a_notice_is_an_event_of_nobody(daemon: RunningDaemon, clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    body = {"text": "Maintenance tonight at 2."}
    answer = await daemon.api("POST", f"/v1/rooms/{room}/notices", key=fresh_key(), body=body)
    assert answer.status == 200
    event = await bob.next_event(room)
    assert (event["seq"], event["kind"], event["body"]) == (
        2,
        "notice",
        {"text": "Maintenance tonight at 2."},
    )
    assert not {"user", "ordinal", "key"} & event.keys()
    assert (await alice.read_log(room))[-1] == event
    assert "unread" not in await alice.get_room(room)
    assert await alice.request_history(room) == []


async def test_a_notice_needs_a_room(daemon: RunningDaemon, clients: Clients) -> None:
    answer = await daemon.api("POST", "/v1/rooms/gAbCdEfGhIj0/notices", key=fresh_key(), body={"text": "x"})
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert (
        await daemon.api("POST", "/v1/rooms/x/notices", key=fresh_key(), body={"text": "x"})
    ).status == 400


async def test_a_repeated_notice_is_there_once(daemon: RunningDaemon, clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    path, asked = f"/v1/rooms/{room}/notices", {"key": fresh_key(), "body": {"text": "Maintenance tonight."}}
    first, again = [(await daemon.api("POST", path, **asked)).json for _ in range(2)]
    assert again == {**first, "duplicate": True}
    other = await daemon.api("POST", path, key=asked["key"], body={"text": "No, tomorrow."})
    assert (other.status, other.json["code"]) == (409, "conflict")
    assert [event["kind"] for event in await alice.read_log(room)].count("notice") == 1


async def test_a_changed_name_moves_the_version(daemon: RunningDaemon, clients: Clients) -> None:
    alice = await clients.connect("alice")
    seen = []
    for name in ("Bob", "Robert"):
        assert (await daemon.api("PUT", "/v1/users/bob", name=name, avatar="b.png")).status == 200
        seen += (await alice.request({"type": "users.get", "users": ["bob"]}))["users"]
    assert [row["name"] for row in seen] == ["Bob", "Robert"]
    assert seen[0]["version"] < seen[1]["version"]
    assert seen[1]["avatar"] == "b.png"
