"""protocol.md, Connection life cycle: who may come in, and what the first packet is answered with."""

import time
from typing import Any

import jwt
import pytest

from tests.kit.company import Company
from tests.kit.link import encode
from tests.kit.phone import fresh_device, fresh_key
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


async def test_the_reply_to_hello_says_what_is_in_force(people: Company) -> None:
    alice = await people.connects("alice")
    started = _now()
    reply = await alice.says_hello(app="tests", os="linux", locale="en", features=["telepathy"])
    assert (reply["version"], reply["user"], reply["heartbeat"]) == (1, "alice", 30)
    assert abs(reply["time"] / 1000 - started) < HOUR_S
    assert HOUR_S - 60 <= reply["token_ttl"] <= HOUR_S
    assert reply.get("features", []) == []
    assert "limits" not in reply
    assert reply["sync"]["rooms"] == []
    assert reply["sync"]["full"] is True


@pytest.mark.settings(limits={"page": 50, "in_flight": 8})
async def test_the_reply_to_hello_carries_the_limits_that_differ(people: Company) -> None:
    alice = await people.connects("alice")
    assert (await alice.says_hello())["limits"] == {"page": 50, "in_flight": 8}


async def test_the_revision_in_force_is_the_lower_one(people: Company) -> None:
    alice = await people.connects("alice")
    assert (await alice.says_hello(version=7))["version"] == 1


async def test_a_revision_too_old_is_refused_with_bye_version(people: Company) -> None:
    alice = await people.connects("alice")
    await alice.is_refused("not_supported", alice.hello(version=0))
    await alice.expects_bye(4203)


@pytest.mark.parametrize("packet", [{"type": "ping", "id": 1}, {"type": "pong"}, {"id": 1}], ids=repr)
async def test_s01_the_first_packet_is_hello_or_the_connection_ends(
    people: Company, packet: dict[str, Any]
) -> None:
    alice = await people.connects("alice")
    if "id" in packet:
        alice.may_be_answered(packet["id"])
    await alice.posts(packet)
    await alice.expects_bye(4204)


async def test_s01_an_outbox_pipelined_behind_hello_in_one_batch_is_committed(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await alice.hangs_up()
    fresh = await people.connects("alice")
    send = {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "from the outbox"}}
    hello, ack = await fresh.asks_at_once([fresh.hello(), send])
    assert (hello["type"], ack["type"]) == ("ok", "ok")
    assert (await bob.hears(room))["seq"] == ack["seq"]


async def test_s01_an_outbox_pipelined_in_later_frames_is_committed_in_order(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await alice.hangs_up()
    fresh = await people.connects("alice")
    sends = [
        {"type": "send", "room": room, "key": fresh_key(), "body": {"text": str(number)}}
        for number in range(20)
    ]
    _, *acks = await fresh.asks_at_once([fresh.hello(), *sends], as_batch=False)
    events = await bob.collects_until(room, acks[-1]["seq"])
    assert [event["body"]["text"] for event in events] == [str(number) for number in range(20)]


async def test_s01_an_outbox_behind_a_refused_hello_is_dropped(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    thief = await people.connects("alice", token="J")
    send = {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "stolen"}}
    frame = encode("msgpack", [{**thief.hello(), "id": 1}, send])
    assert (await thief.is_answered_in_frame(frame, 1))["code"] == "token_invalid"
    await thief.expects_bye(4101)
    await bob.is_silent()
    assert (await alice.gets(room))["seq"] == 1


@pytest.mark.settings(limits={"hello_timeout_s": 0.5})
async def test_s02_silence_instead_of_hello_is_closed_with_4006(people: Company) -> None:
    alice = await people.meets("alice")
    nobody = await people.connects("nobody")
    await nobody.expects_bye(4006)
    await alice.is_silent()


@pytest.mark.settings(limits={"hello_timeout_s": 0.5})
async def test_s02_a_frame_that_never_ends_does_not_count_as_hello(people: Company) -> None:
    nobody = await people.connects("nobody")
    nobody.link.write(b"\x82\xfe")  # the first two bytes of a masked binary frame with a 16-bit length
    await nobody.expects_bye(4006)


@pytest.mark.settings(limits={"unauthenticated": 3})
async def test_strangers_who_say_nothing_keep_nobody_out(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    silent = [await people.connects(f"silent{number}") for number in range(10)]
    await people.meets("carol")
    await alice.sends(room, "unaffected")
    await bob.hears(room)
    await silent[0].expects_bye(4003)


@pytest.mark.settings(limits={"unauthenticated": 20})
async def test_half_a_hello_from_many_keeps_nobody_out(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    drips = []
    for number in range(60):
        drips.append(await people.connects(f"drip{number}"))
        drips[-1].link.write(b"\x82\xfe")  # two bytes of a masked frame with a 16-bit length
    await people.meets("carol")
    for drip in drips[50:]:
        drip.link.write(b"\x10")
    await people.meets("dave")
    await alice.sends(room, "unaffected")
    await bob.hears(room)
    await drips[0].expects_bye(4003)


async def test_a_second_hello_is_a_bad_request(people: Company) -> None:
    alice = await people.meets("alice")
    await alice.is_refused("bad_request", alice.hello())
    await alice.is_silent()


@pytest.mark.parametrize("token", INVALID_TOKENS.values(), ids=INVALID_TOKENS)
async def test_a_token_that_is_no_token_is_refused(people: Company, token: str) -> None:
    alice = await people.connects("alice", token=token)
    await alice.is_refused("token_invalid", alice.hello())
    await alice.expects_bye(4101)


async def test_a_token_of_yesterday_is_refused_as_expired(people: Company) -> None:
    alice = await people.connects("alice", token=token_for("alice", iat=_now() - 7200, exp=_now() - HOUR_S))
    await alice.is_refused("token_expired", alice.hello())
    await alice.expects_bye(4100)


async def test_a_token_bound_to_a_device_opens_no_other(people: Company) -> None:
    token = token_for("alice", device=DEVICE)
    thief = await people.connects("alice", token=token, device=fresh_device())
    await thief.is_refused("token_invalid", thief.hello())
    await thief.expects_bye(4101)
    owner = await people.connects("alice", token=token, device=DEVICE)
    await owner.says_hello()


@pytest.mark.parametrize("field", ["version", "token", "device"])
async def test_a_hello_without_a_required_field_is_a_bad_request(people: Company, field: str) -> None:
    alice = await people.connects("alice")
    packet = {name: value for name, value in alice.hello().items() if name != field}
    assert (await alice.is_refused("bad_request", packet))["field"] == field
    await alice.expects_bye(4204)


async def test_claims_restrict_what_a_token_allows(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    reader = await people.meets("alice", token=token_for("alice", allow=["read"]))
    send = {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "x"}}
    create = {"type": "room.create", "key": fresh_key(), "kind": "group", "title": "t", "users": []}
    await reader.logs(room)
    await reader.is_refused("forbidden", send)
    await reader.is_refused("forbidden", create)
    sender = await people.meets("alice", token=token_for("alice", allow=["read", "send"]))
    await sender.asks(send)
    await sender.is_refused("forbidden", create)
    creator = await people.meets("alice", token=token_for("alice", allow=["create"]))
    await creator.asks(create)
    await creator.is_refused("forbidden", send)
    assert (await bob.hears(room))["kind"] == "message"
    await alice.catches_up()


async def test_s18_a_newer_connection_of_the_device_replaces_the_older(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    newer, _ = await people.again(alice)
    await alice.expects_bye(4200)
    ack = await bob.sends(room, "to the newer one")
    assert (await newer.hears(room))["seq"] == ack["seq"]


async def test_another_device_of_the_user_replaces_nothing(people: Company) -> None:
    first = await people.meets("alice")
    second = await people.meets("alice")
    await first.is_silent()
    await second.is_silent()


async def test_the_same_device_name_of_another_user_replaces_nothing(people: Company) -> None:
    alice = await people.meets("alice", device=DEVICE)
    await people.meets("bob", device=DEVICE)
    await alice.is_silent()


@pytest.mark.settings(limits={"connections_per_user": 2})
async def test_a_connection_above_the_limit_of_a_user_is_refused(people: Company) -> None:
    first, second = await people.meets("alice"), await people.meets("alice")
    third = await people.connects("alice")
    await third.is_refused("forbidden", third.hello())
    await third.expects_bye(4205)
    await first.is_silent()
    await second.hangs_up()
    await people.meets("alice")


@pytest.mark.settings(limits={"connections_per_user": 2})
async def test_a_replacing_connection_is_within_the_limit(people: Company) -> None:
    first = await people.meets("alice")
    await people.meets("alice")
    await people.again(first)
    await first.expects_bye(4200)
