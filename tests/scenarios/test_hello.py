"""protocol.md "Connection life cycle": the connections that are accepted, and the answer to the first packet."""

import time
from typing import Any

import jwt
import pytest

from tests.kit.client import fresh_device, fresh_key
from tests.kit.client_socket import encode
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon
from tests.kit.stepped_env import SteppedEnv
from tests.kit.tokens import SECRET, token_for

DEVICE = "Zk3vN0b1Q2mXr8sT5uWy7A"
HOUR_S = 3600


def _now() -> int:
    return int(time.time())


def _unsigned(user: str) -> str:
    claims = {"sub": user, "aud": "chatd", "iat": _now(), "exp": _now() + HOUR_S}
    return jwt.encode(claims, None, algorithm="none")


INVALID_TOKENS: dict[str, str] = {
    "no token": "J",
    "another secret": token_for("alice", secret="x" * 40),
    "no signature": _unsigned("alice"),
    "cut": token_for("alice")[:-3],
    "five dots": token_for("alice") + ".x.y.z",
    "trailing junk": token_for("alice") + "AAAA",
    "another audience": token_for("alice", aud="tinode"),
    "no audience": token_for("alice", aud=None),
    "no expiry": token_for("alice", exp=None),
    "expiry as text": token_for("alice", exp="tomorrow"),
    "lives 25 hours": token_for("alice", lifetime_s=25 * HOUR_S),
    "no subject": token_for("alice", sub=None),
    "empty subject": token_for(""),
    "subject with a space": token_for("alice liddell"),
    "subject of 65": token_for("a" * 65),
    "from the future": token_for("alice", nbf=_now() + HOUR_S),
    "issued in the future": token_for("alice", iat=_now() + HOUR_S, exp=_now() + 2 * HOUR_S),
    "unknown crit": jwt.encode(
        {"sub": "alice", "aud": "chatd", "iat": _now(), "exp": _now() + HOUR_S},
        SECRET,
        algorithm="HS256",
        headers={"crit": ["x"], "x": 1},
    ),
}


async def test_the_reply_to_hello_says_what_is_in_force(clients: Clients) -> None:
    alice = await clients.open("alice")
    started = _now()
    reply = await alice.say_hello(app="tests", os="linux", locale="en", features=["telepathy"])
    assert (reply["version"], reply["user"], reply["heartbeat"]) == (1, "alice", 30)
    assert abs(reply["time"] / 1000 - started) < HOUR_S
    assert HOUR_S - 60 <= reply["token_ttl"] <= HOUR_S
    assert reply.get("features", []) == []
    assert "limits" not in reply
    assert reply["sync"]["rooms"] == []
    assert reply["sync"]["full"] is True


@pytest.mark.settings(limits={"page": 50, "in_flight": 8})
async def test_the_reply_to_hello_carries_the_limits_that_differ(clients: Clients) -> None:
    alice = await clients.open("alice")
    assert (await alice.say_hello())["limits"] == {"page": 50, "in_flight": 8}


async def test_the_revision_in_force_is_the_lower_one(clients: Clients) -> None:
    alice = await clients.open("alice")
    assert (await alice.say_hello(version=7))["version"] == 1


async def test_a_revision_too_old_is_refused_with_bye_version(clients: Clients) -> None:
    alice = await clients.open("alice")
    await alice.expect_refusal("not_supported", alice.hello(version=0))
    await alice.expect_bye(4203)


@pytest.mark.parametrize("packet", [{"type": "ping", "id": 1}, {"type": "pong"}, {"id": 1}], ids=repr)
async def test_s01_the_first_packet_is_hello_or_the_connection_ends(
    clients: Clients, packet: dict[str, Any]
) -> None:
    alice = await clients.open("alice")
    if "id" in packet:
        alice.allow_reply(packet["id"])
    await alice.post(packet)
    await alice.expect_bye(4204)


async def test_s01_an_outbox_pipelined_behind_hello_in_one_batch_is_committed(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await alice.hang_up()
    fresh = await clients.open("alice")
    send = {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "from the outbox"}}
    hello, ack = await fresh.request_all([fresh.hello(), send])
    assert (hello["type"], ack["type"]) == ("ok", "ok")
    assert (await bob.next_event(room))["seq"] == ack["seq"]


async def test_s01_an_outbox_pipelined_in_later_frames_is_committed_in_order(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await alice.hang_up()
    fresh = await clients.open("alice")
    sends = [
        {"type": "send", "room": room, "key": fresh_key(), "body": {"text": str(number)}}
        for number in range(20)
    ]
    _, *acks = await fresh.request_all([fresh.hello(), *sends], as_batch=False)
    events = await bob.collect_until(room, acks[-1]["seq"])
    assert [event["body"]["text"] for event in events] == [str(number) for number in range(20)]


async def test_s01_an_outbox_behind_a_refused_hello_is_dropped(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    thief = await clients.open("alice", token="J")
    send = {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "stolen"}}
    frame = encode("msgpack", [{**thief.hello(), "id": 1}, send])
    assert (await thief.reply_to_frame(frame, 1))["code"] == "token_invalid"
    await thief.expect_bye(4101)
    await bob.expect_silence()
    assert (await alice.get_room(room))["seq"] == 1


async def test_s02_silence_instead_of_hello_is_closed_with_4006(
    daemon: RunningDaemon, clients: Clients, clock: SteppedEnv
) -> None:
    alice = await clients.connect("alice")
    nobody = await clients.open("nobody")
    clock.advance(daemon.config.limits.hello_timeout_s)
    await nobody.expect_bye(4006)
    await alice.expect_silence()


@pytest.mark.settings(limits={"hello_timeout_s": 0.5})
async def test_s02_a_frame_that_never_ends_does_not_count_as_hello(clients: Clients) -> None:
    nobody = await clients.open("nobody")
    nobody.link.write(b"\x82\xfe")  # the first two bytes of a masked binary frame with a 16-bit length
    await nobody.expect_bye(4006)


@pytest.mark.settings(limits={"unauthenticated": 3})
async def test_strangers_who_say_nothing_keep_nobody_out(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    silent = [await clients.open(f"silent{number}") for number in range(10)]
    await clients.connect("carol")
    await alice.send(room, "unaffected")
    await bob.next_event(room)
    await silent[0].expect_bye(4003)


@pytest.mark.settings(limits={"unauthenticated": 20})
async def test_half_a_hello_from_many_keeps_nobody_out(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    drips = []
    for number in range(60):
        drips.append(await clients.open(f"drip{number}"))
        drips[-1].link.write(b"\x82\xfe")  # two bytes of a masked frame with a 16-bit length
    await clients.connect("carol")
    for drip in drips[50:]:
        drip.link.write(b"\x10")
    await clients.connect("dave")
    await alice.send(room, "unaffected")
    await bob.next_event(room)
    await drips[0].expect_bye(4003)
    for drip in drips:
        drip.link.cut()  # a close frame would be the rest of the half frame, and its answer never come


async def test_a_second_hello_is_a_bad_request(clients: Clients) -> None:
    alice = await clients.connect("alice")
    await alice.expect_refusal("bad_request", alice.hello())
    await alice.expect_silence()


@pytest.mark.parametrize("token", INVALID_TOKENS.values(), ids=INVALID_TOKENS)
async def test_a_token_that_is_no_token_is_refused(clients: Clients, token: str) -> None:
    alice = await clients.open("alice", token=token)
    await alice.expect_refusal("token_invalid", alice.hello())
    await alice.expect_bye(4101)


async def test_a_token_of_yesterday_is_refused_as_expired(clients: Clients) -> None:
    alice = await clients.open("alice", token=token_for("alice", iat=_now() - 7200, exp=_now() - HOUR_S))
    await alice.expect_refusal("token_expired", alice.hello())
    await alice.expect_bye(4100)


async def test_a_token_bound_to_a_device_opens_no_other(clients: Clients) -> None:
    token = token_for("alice", device=DEVICE)
    thief = await clients.open("alice", token=token, device=fresh_device())
    await thief.expect_refusal("token_invalid", thief.hello())
    await thief.expect_bye(4101)
    owner = await clients.open("alice", token=token, device=DEVICE)
    await owner.say_hello()


@pytest.mark.parametrize("field", ["version", "token", "device"])
async def test_a_hello_without_a_required_field_is_a_bad_request(clients: Clients, field: str) -> None:
    alice = await clients.open("alice")
    packet = {name: value for name, value in alice.hello().items() if name != field}
    assert (await alice.expect_refusal("bad_request", packet))["field"] == field
    await alice.expect_bye(4204)


async def test_claims_restrict_what_a_token_allows(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    reader = await clients.connect("alice", token=token_for("alice", allow=["read"]))
    send = {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "x"}}
    create = {"type": "room.create", "key": fresh_key(), "kind": "group", "title": "t", "users": []}
    await reader.read_log(room)
    await reader.expect_refusal("forbidden", send)
    await reader.expect_refusal("forbidden", create)
    sender = await clients.connect("alice", token=token_for("alice", allow=["read", "send"]))
    await sender.request(send)
    await sender.expect_refusal("forbidden", create)
    creator = await clients.connect("alice", token=token_for("alice", allow=["create"]))
    await creator.request(create)
    await creator.expect_refusal("forbidden", send)
    assert (await bob.next_event(room))["kind"] == "message"
    await alice.catch_up()


async def test_s18_a_newer_connection_of_the_device_replaces_the_older(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    newer, _ = await clients.reconnect(alice)
    await alice.expect_bye(4200)
    ack = await bob.send(room, "to the newer one")
    assert (await newer.next_event(room))["seq"] == ack["seq"]


async def test_another_device_of_the_user_replaces_nothing(clients: Clients) -> None:
    first = await clients.connect("alice")
    second = await clients.connect("alice")
    await first.expect_silence()
    await second.expect_silence()


async def test_the_same_device_name_of_another_user_replaces_nothing(clients: Clients) -> None:
    alice = await clients.connect("alice", device=DEVICE)
    await clients.connect("bob", device=DEVICE)
    await alice.expect_silence()


@pytest.mark.settings(limits={"connections_per_user": 2})
async def test_a_connection_above_the_limit_of_a_user_is_refused(clients: Clients) -> None:
    first, second = await clients.connect("alice"), await clients.connect("alice")
    third = await clients.open("alice")
    await third.expect_refusal("forbidden", third.hello())
    await third.expect_bye(4205)
    await first.expect_silence()
    await second.hang_up()
    await clients.connect("alice")


@pytest.mark.settings(limits={"connections_per_user": 2})
async def test_a_replacing_connection_is_within_the_limit(clients: Clients) -> None:
    first = await clients.connect("alice")
    await clients.connect("alice")
    await clients.reconnect(first)
    await first.expect_bye(4200)


@pytest.mark.settings(
    delivery={"typing_members": 50, "delivered_members": 0}, storage={"recall_window_s": 120.0}
)
async def test_hello_names_the_thresholds_that_the_operator_moved(clients: Clients) -> None:
    alice = await clients.open("alice")
    moved = {"typing_members": 50, "delivered_members": 0, "recall_window_s": 120}
    assert (await alice.say_hello())["limits"] == moved
