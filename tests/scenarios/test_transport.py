"""protocol.md "Transport and encoding": the opening of a WebSocket, its frames, and its end."""

import msgpack
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.kit import http
from tests.kit.client import fresh_key
from tests.kit.client_socket import encode, inflated
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon
from tests.kit.tokens import token_for

# Beyond the table of negative frames: what tries to cost more than it is worth.
BOMBS: dict[str, bytes] = {
    "empty frame": b"",
    "declares four billion": b"\xdd\xff\xff\xff\xff",
    "nested headers": b"\xdc\xff\xff" * 1000,
    "60,000 levels": b"\x91" * 60_000,
    "65,000 empty maps": b"\xdc\xfd\xe8" + b"\x80" * 65_000,
}

REFUSED_FIELDS: dict[str, dict[str, object]] = {
    "negative seq": {"type": "read", "seq": -1},
    "seq as boolean": {"type": "read", "seq": True},
    "seq missing": {"type": "read"},
    "null for text": {"type": "send", "key": "k" * 22, "body": {"text": None}},
    "body as text": {"type": "send", "key": "k" * 22, "body": "hello"},
    "key too short": {"type": "send", "key": "k" * 7, "body": {"text": "x"}},
    "key too long": {"type": "send", "key": "k" * 37, "body": {"text": "x"}},
    "key with a space": {"type": "send", "key": "a key with spaces", "body": {"text": "x"}},
    "no key": {"type": "send", "body": {"text": "x"}},
    "empty body": {"type": "send", "key": "k" * 22, "body": {}},
    "flag as text": {"type": "pin", "key": "k" * 22, "target": 1, "set": "yes"},
}


def nested(levels: int) -> object:
    """Lists inside lists, `levels` deep."""
    content: object = 1
    for _ in range(levels):
        content = [content]
    return content


async def test_the_server_takes_the_first_subprotocol_it_supports(daemon: RunningDaemon) -> None:
    offers = [Subprotocol(name) for name in ("chatd.v9", "chatd.v1.json", "chatd.v1.msgpack")]
    async with connect(daemon.url, subprotocols=offers, compression=None) as connection:
        assert connection.subprotocol == "chatd.v1.json"


@pytest.mark.parametrize("offers", [None, [Subprotocol("chatd.v9")]], ids=["none", "unknown"])
async def test_no_common_subprotocol_is_http_400(
    daemon: RunningDaemon, offers: list[Subprotocol] | None
) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        await connect(daemon.url, subprotocols=offers, compression=None)
    assert refusal.value.response.status_code == 400


async def test_a_query_is_ignored(daemon: RunningDaemon, clients: Clients) -> None:
    clients.url = daemon.url + "?version=9&user=mallory"
    alice = await clients.open("alice")
    assert (await alice.say_hello())["user"] == "alice"


@pytest.mark.parametrize("name", ["token", "access_token"])
async def test_a_token_in_the_query_is_http_400(daemon: RunningDaemon, name: str) -> None:
    """Even a good one: tokens in URLs end up in logs."""
    url = f"{daemon.url}?{name}={token_for('alice')}"
    with pytest.raises(InvalidStatus) as refusal:
        await connect(url, subprotocols=[Subprotocol("chatd.v1.msgpack")], compression=None)
    assert refusal.value.response.status_code == 400


async def test_deflate_of_the_websocket_layer_is_not_negotiated(daemon: RunningDaemon) -> None:
    offers = [Subprotocol("chatd.v1.msgpack")]
    async with connect(daemon.url, subprotocols=offers, compression="deflate") as connection:
        assert connection.protocol.extensions == []


async def test_a_websocket_ping_is_answered(clients: Clients) -> None:
    alice = await clients.connect("alice")
    await alice.link.websocket_ping()
    await alice.expect_silence()


async def test_health_tells_a_captive_portal_from_an_outage(daemon: RunningDaemon) -> None:
    answer = await http.request(f"{daemon.http_url}/v1/health")
    assert (answer.status, answer.body) == (200, b"chatd\n")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("frame", BOMBS.values(), ids=BOMBS)
async def test_a_bomb_ends_its_connection_and_no_other(clients: Clients, frame: bytes) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    mallory = await clients.connect("mallory")
    await mallory.send_frame(frame)
    await mallory.expect_bye(4204)
    ack = await alice.send(room, "still here")
    assert (await bob.next_event(room))["seq"] == ack["seq"]


@pytest.mark.parametrize("levels", [b"\x91", b"\x81\xa1a"], ids=["arrays", "maps"])
async def test_deep_host_data_costs_its_packet_and_nothing_else(clients: Clients, levels: bytes) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    packet = {"type": "send", "id": 900, "room": room, "key": fresh_key(), "body": {"data": 7}}
    plain = encode("msgpack", packet)
    assert isinstance(plain, bytes)
    deep = plain[:-1] + levels * (60_000 // len(levels)) + b"\xc0"
    assert (await alice.reply_to_frame(deep, 900))["code"] == "bad_request"
    await alice.send(room, "still here")


async def test_a_frame_of_the_limit_passes_and_one_byte_more_is_closed_with_1009(clients: Clients) -> None:
    alice = await clients.connect("alice")
    packet = {"type": "ping", "id": 900, "padding": ""}
    room_left = 65536 - len(encode("msgpack", packet)) - 2  # the longer text header takes two bytes more
    frame = encode("msgpack", {**packet, "padding": "x" * room_left})
    assert (await alice.reply_to_frame(frame, 900))["type"] == "ok"
    await alice.send_frame(b"\x00" * 65537)
    await alice.expect_close(1009)


async def test_a_hello_above_8192_bytes_is_closed_with_1009(clients: Clients) -> None:
    alice = await clients.open("alice")
    await alice.send_frame(encode("msgpack", alice.hello(padding="x" * 8192)))
    await alice.expect_close(1009)


async def test_a_message_in_fragments_is_one_message(clients: Clients) -> None:
    alice = await clients.connect("alice")
    packet = {"type": "ping", "id": 900}
    reply = alice.allow_reply(900)
    frame = encode("msgpack", packet)
    await alice.link.send_fragments([frame[:5], frame[5:6], frame[6:]])
    await alice.catch_up()
    assert reply.result()["type"] == "ok"


@pytest.mark.parametrize("packet", REFUSED_FIELDS.values(), ids=REFUSED_FIELDS)
async def test_a_wrong_field_is_refused_and_the_connection_stays(
    clients: Clients, packet: dict[str, object]
) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await alice.expect_refusal("bad_request", {**packet, "room": room})
    await alice.post({**packet, "room": room})  # without `id` the packet is dropped
    await alice.expect_silence()
    await bob.expect_silence()


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_nesting_is_bounded_by_16_levels(clients: Clients, encoding: str) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    nesting = await clients.connect("alice", encoding=encoding)
    packet = {"type": "send", "room": room, "key": fresh_key()}
    await nesting.expect_refusal("bad_request", {**packet, "body": {"data": nested(15)}})
    await nesting.request({**packet, "body": {"data": nested(14)}})  # the packet and the body are two levels
    await alice.next_event(room)


async def test_a_batch_is_handled_in_order(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sends = [
        {"type": "send", "room": room, "key": fresh_key(), "body": {"text": str(number)}}
        for number in range(64)
    ]
    acks = await alice.request_all(sends)
    events = await bob.collect_until(room, acks[-1]["seq"])
    assert [event["body"]["text"] for event in events] == [str(number) for number in range(64)]
    assert [ack["seq"] for ack in acks] == [event["seq"] for event in events]


async def test_large_replies_are_deflated_when_both_sides_want_it(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    for number in range(30):
        await alice.send(room, f"the same words again and again, {number}")
    deflating = await clients.open("alice")
    hello = await deflating.say_hello(features=["deflate", "telepathy"])
    assert hello["features"] == ["deflate"]
    await deflating.read_log(room)
    frame = deflating.link.frames_received[-1]
    assert isinstance(frame, bytes)
    assert frame[0] in (0xC7, 0xC8, 0xC9)
    wrapped = msgpack.unpackb(frame).data
    assert len(frame) <= 0.9 * len(inflated(wrapped))


@pytest.mark.parametrize(("encoding", "features"), [("msgpack", []), ("json", ["deflate"])])
async def test_nothing_is_deflated_unasked(clients: Clients, encoding: str, features: list[str]) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    for number in range(30):
        await alice.send(room, f"the same words again and again, {number}")
    plain = await clients.open("alice", encoding=encoding)
    assert "deflate" not in (await plain.say_hello(features=features)).get("features", [])
    assert len(await plain.read_log(room)) == 31
    assert not any(frame[0] in (0xC7, 0xC8, 0xC9) for frame in plain.link.frames_received)


@pytest.mark.settings(limits={"batch": 70})
async def test_a_batch_is_as_large_as_the_reply_to_hello_says(clients: Clients) -> None:
    alice = await clients.open("alice")
    assert (await alice.say_hello())["limits"] == {"batch": 70}
    await alice.request_all([{"type": "ping"}] * 70)
    await alice.send_frame(encode("msgpack", [{"type": "pong"}] * 71))
    await alice.expect_bye(4204)
