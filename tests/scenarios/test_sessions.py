"""protocol.md "Connection life cycle": token refresh, mode, heartbeat, revocation, bye."""

import asyncio
import time
from collections.abc import Callable

import pytest

from tests.kit.client import TestClient, fresh_device, fresh_key
from tests.kit.client_socket import Packet
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon
from tests.kit.stepped_env import SteppedEnv
from tests.kit.tokens import token_for

LIFE_S = (
    100  # of a token, and longer than anything is silent: far beyond the warning and the answer to a ping
)
STEP_S = 1.0  # shorter than any answer may take
HEARTBEAT_S = 30  # in foreground


async def passes_until(clock: SteppedEnv, condition: Callable[[], object], bystander: TestClient) -> None:
    """Let time pass in steps, with all packets received in each."""
    while not condition():
        clock.advance(STEP_S)
        await bystander.catch_up()


def heard(client: TestClient, kind: str) -> list[Packet]:
    return [packet for packet in client.heard if packet.get("type") == kind]


def short_lived(user: str, clock: SteppedEnv) -> str:
    now_s = clock.now_ms() // 1000
    return token_for(user, iat=now_s, exp=now_s + LIFE_S)


async def test_s17_a_fresh_token_of_the_same_user_renews_the_session(clients: Clients) -> None:
    alice = await clients.connect("alice", token=token_for("alice", lifetime_s=600))
    reply = await alice.request({"type": "auth", "token": token_for("alice", lifetime_s=3600)})
    assert 3_500 <= reply["token_ttl"] <= 3_600
    await alice.expect_silence()


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (token_for("bob"), "auth_mismatch"),
        (token_for("alice", device=fresh_device()), "auth_mismatch"),
        (token_for("alice", secret="y" * 40), "token_invalid"),
        (token_for("alice", iat=int(time.time()) - 7200, exp=int(time.time()) - 3600), "token_expired"),
    ],
    ids=["other user", "other device", "forged", "expired"],
)
async def test_s17_a_wrong_token_is_refused_and_the_session_stays(
    clients: Clients, token: str, code: str
) -> None:
    alice = await clients.connect("alice")
    await alice.expect_refusal(code, {"type": "auth", "token": token})
    await alice.expect_silence()


async def test_s17_an_expiring_token_is_announced_and_then_ends_the_session(
    clients: Clients, clock: SteppedEnv
) -> None:
    room, (bob, _) = await clients.in_direct("bob", "carol")
    alice = await clients.connect("alice", token=short_lived("alice", clock))
    await passes_until(clock, lambda: heard(alice, "bye"), bob)
    (warning,) = heard(alice, "token_expiring")
    assert 0 < warning["token_ttl"] < LIFE_S
    bye = await alice.expect_bye(4100)
    assert bye["reason"] == "token_expired"
    await bob.send(room, "unaffected")


async def test_s17_a_refresh_in_time_keeps_the_session(clients: Clients, clock: SteppedEnv) -> None:
    alice, bob = (
        await clients.connect("alice", token=short_lived("alice", clock)),
        await clients.connect("bob"),
    )
    await passes_until(clock, lambda: heard(alice, "token_expiring"), bob)
    await alice.request({"type": "auth", "token": short_lived("alice", clock)})
    await passes_until(clock, lambda: heard(alice, "bye"), bob)
    assert len(heard(alice, "token_expiring")) == 2, (
        "the second token is announced too: the first was replaced"
    )
    await alice.expect_bye(4100)


async def test_mode_changes_the_heartbeat(clients: Clients) -> None:
    alice = await clients.connect("alice")
    assert (await alice.request({"type": "mode", "mode": "background"}))["heartbeat"] == 240
    assert (await alice.request({"type": "mode", "mode": "foreground"}))["heartbeat"] == 30
    other = await clients.open("alice")
    assert (await other.say_hello(mode="background"))["heartbeat"] == 240


async def test_ephemerals_stop_in_background(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await bob.request({"type": "focus", "rooms": [room]})
    await bob.request({"type": "mode", "mode": "background"})
    await alice.post({"type": "typing", "room": room})
    ack = await alice.send(room, "typed")
    assert (await bob.next_event(room))["seq"] == ack["seq"]
    await bob.expect_silence("typing")
    await bob.request({"type": "mode", "mode": "foreground"})
    await alice.post({"type": "typing", "room": room})
    assert (await bob.receive("typing"))["user"] == "alice"


async def test_muted_rooms_stop_in_background_and_sync_finds_them(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    muted = await alice.create_group("noise", bob)
    loud = await alice.create_group("news", bob)
    await bob.request({"type": "preferences", "room": muted, "muted_until": 1})
    fresh, hello = await clients.reconnect(bob, mode="background")
    sent = await alice.send(muted, "noise")
    await alice.send(loud, "news")
    assert (await fresh.next_event(loud))["kind"] == "message"
    assert [push for push in fresh.waiting() if push.get("room") == muted] == []
    page = await fresh.request({"type": "sync", "cursor": hello["sync"]["cursor"], "events": 5})
    assert {summary["room"]: summary["seq"] for summary in page["rooms"]}[muted] == sent["seq"]


async def test_muted_rooms_are_delivered_in_foreground(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    await bob.request({"type": "preferences", "room": room, "muted_until": 1})
    ack = await alice.send(room, "noise")
    assert (await bob.next_event(room))["seq"] == ack["seq"]


async def test_a_ping_of_the_client_is_answered_with_the_time(clients: Clients) -> None:
    alice = await clients.connect("alice")
    reply = await alice.request({"type": "ping"})
    assert abs(reply["time"] / 1000 - time.time()) < 60


async def test_s16_a_silent_peer_is_pinged_and_stays_while_it_answers(
    clients: Clients, clock: SteppedEnv
) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    await passes_until(clock, lambda: len(heard(alice, "ping")) == 2, bob)
    await alice.expect_silence()


async def test_s16_a_frozen_peer_is_closed_with_4001(clients: Clients, clock: SteppedEnv) -> None:
    alice, frozen = await clients.connect("alice"), await clients.connect("frozen")
    frozen.answers_pings = False
    await passes_until(clock, lambda: not frozen.is_connected, alice)
    await frozen.expect_close(4001, 1006)
    assert len(heard(frozen, "ping")) == 1
    await alice.expect_silence()


async def test_s16_a_peer_that_does_not_even_read_is_cut(clients: Clients, clock: SteppedEnv) -> None:
    _, (alice, frozen) = await clients.in_touch("alice", "frozen")
    await alice.request({"type": "watch", "users": ["frozen"]})
    frozen.link.stop_reading()
    await passes_until(clock, lambda: heard(alice, "presence"), alice)
    presence = await alice.receive("presence")
    assert [(row["user"], "state" in row) for row in presence["users"]] == [("frozen", False)]
    frozen.link.resume_reading()
    await frozen.expect_close(4001, 1006)


async def test_s16_listening_alone_is_no_life_sign(clients: Clients, clock: SteppedEnv) -> None:
    """Something is sent to bob all the time; because bob sends nothing, the server pings nevertheless."""
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    for _ in range(round(HEARTBEAT_S / STEP_S)):
        assert not heard(bob, "ping")
        clock.advance(STEP_S)
        await alice.send(room, "blah")
        await bob.next_event(room)
    assert len(heard(bob, "ping")) == 1


async def test_the_cursor_of_a_ping_hides_nothing_that_was_withheld(
    clients: Clients, clock: SteppedEnv
) -> None:
    """A muted room moved in background: whatever cursor the ping carries, the next hello must show the room."""
    alice, bob = await clients.connect_all("alice", "bob")
    muted = await alice.create_group("noise", bob)
    loud = await alice.create_group("news", bob)
    await bob.request({"type": "preferences", "room": muted, "muted_until": 1})
    bob, hello = await clients.reconnect(bob, mode="background")
    sent = (await alice.send(muted, "noise"))["seq"]
    await alice.send(loud, "news")
    await bob.next_event(loud)
    await passes_until(clock, lambda: heard(bob, "ping"), alice)
    cursors = [packet["cursor"] for packet in bob.heard if packet["type"] == "ping" and "cursor" in packet]
    cursor = [hello["sync"]["cursor"], *cursors][-1]
    _, back = await clients.reconnect(bob, epoch=hello["epoch"], cursor=cursor)
    assert (muted, sent) in [(summary["room"], summary["seq"]) for summary in back["sync"]["rooms"]]


async def test_the_cursor_of_a_ping_spares_what_was_received(clients: Clients, clock: SteppedEnv) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    before = (await alice.send(room, "heard"))["seq"]
    await bob.next_event(room)
    await passes_until(clock, lambda: heard(bob, "ping"), alice)
    (cursor,) = [packet["cursor"] for packet in heard(bob, "ping")]
    bob.cut()
    missed = (await alice.send(room, "missed"))["seq"]
    epoch = next(packet["epoch"] for packet in bob.heard if "epoch" in packet)
    _, back = await clients.reconnect(bob, epoch=epoch, cursor=cursor, events=10)
    (summary,) = back["sync"]["rooms"]
    assert [event["seq"] for event in summary["events"]] == [missed] == [before + 1]


async def test_a_removed_device_is_closed_with_4201(clients: Clients) -> None:
    client, tablet = [await clients.connect_bound("alice") for _ in range(2)]
    listed = (await client.request({"type": "devices.list"}))["devices"]
    assert {row["device"] for row in listed} == {client.device, tablet.device}
    await client.request({"type": "devices.remove", "device": tablet.device})
    await tablet.expect_bye(4201)
    again = await clients.open("alice", device=tablet.device, token=tablet.token)
    await again.expect_refusal("token_invalid", again.hello())
    await again.expect_bye(4201)
    await client.expect_silence()
    listed = (await client.request({"type": "devices.list"}))["devices"]
    assert [row["device"] for row in listed] == [client.device]


async def test_devices_show_what_hello_said_about_them(clients: Clients) -> None:
    alice = await clients.open("alice")
    hello = await alice.say_hello(app="tests 1.0", os="linux")
    (row,) = (await alice.request({"type": "devices.list"}))["devices"]
    assert (row["app"], row["os"]) == ("tests 1.0", "linux")
    assert row["last_seen"] >= hello["time"] - 1000


async def test_a_device_of_somebody_else_cannot_be_removed(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    await alice.expect_refusal("not_found", {"type": "devices.remove", "device": bob.device})
    await bob.expect_silence()


async def test_push_tokens_are_not_supported(clients: Clients) -> None:
    alice = await clients.connect("alice")
    await alice.expect_refusal("not_supported", {"type": "devices.push", "platform": "apns", "token": "t"})


@pytest.mark.settings(drain={"window_s": 0.2, "spread_min_s": 5.0})
async def test_s25_a_stop_sends_everybody_away_spread_over_time(daemon: RunningDaemon) -> None:
    clients = Clients(daemon.url)
    peers = [await clients.connect(f"user{number}") for number in range(200)]
    stopping = asyncio.create_task(daemon.restart())
    byes = [await client.expect_bye(4000) for client in peers]
    await stopping
    waits = sorted(bye["retry_after"] for bye in byes)
    assert waits[-1] <= 5_000
    assert waits[150] - waits[50] > 1_000  # spread evenly, the middle half covers 2,500 ms of the 5,000
    clients.url = daemon.url
    back, _ = await clients.reconnect(peers[0], cursor=byes[0].get("cursor"), epoch="x")
    await back.hang_up()


async def test_s25_everything_acknowledged_before_a_stop_is_there_after_it(
    daemon: RunningDaemon, clients: Clients
) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    _, hello = await clients.reconnect(bob)
    send = {"type": "send", "room": room}
    sends = [{**send, "key": fresh_key(), "body": {"text": str(number)}} for number in range(60)]
    acks = await alice.request_all(sends)
    await daemon.restart()
    await alice.expect_bye(4000)
    clients.url = daemon.url
    fresh, back = await clients.reconnect(
        bob, epoch=hello["epoch"], cursor=hello["sync"]["cursor"], events=50
    )
    (summary,) = back["sync"]["rooms"]
    assert back["epoch"] == hello["epoch"]
    assert summary["seq"] == acks[-1]["seq"] == 61
    assert len(await fresh.read_log(room)) == 61
