"""All input is charged before it is decoded: malformed packets do not escape the rates."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgpack
import pytest

from chatd.session.dispatcher import PACKET_BYTES, PORTION_BYTES
from tests.kit.inprocess import InProcessClient, InProcessServer, in_process

KIB = 1024
RATE, BURST = 128 * KIB, 512 * KIB  # bytes of a connection
USER_RATE, USER_BURST = 2 * RATE, 2 * BURST


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    """With the default rates."""
    async with in_process(tmp_path) as server:
        yield server


def packed(**packet: object) -> bytes:
    return bytes(msgpack.packb(packet))


WATCH = packed(type="watch", users=["u"] * 30_000)
FLOODS = {
    "pongs": packed(type="pong"),
    "batches of pongs": bytes(msgpack.packb([{"type": "pong"}] * 64)),
    "an unknown type": packed(type="future"),
    "a wrong field": packed(type="read", room=1, seq=1),
    "a wrong field, to be answered": packed(type="read", room=1, seq=1, id=1),
    "no type": packed(x=1),
    "an id of colliding keys": b"\x82\xa4type\xa1x\xa2id\xde\x02\x00"
    + b"".join(msgpack.packb((-(2**61), n)) + b"\xc0" for n in range(512)),
    "a list that is too long": WATCH,
    "nesting without end": b"\x82\xa4type\xa4ping\xa1x" + b"\x91" * 60_000 + b"\xc0",
    "wide host data": packed(type="send", room="g" * 12, key="k" * 22, body={"data": [None] * 60_000}),
    "text that is none, with an id": b"\x82\xa4type\xa1\xff\xa2id\x01",
    "pings": packed(type="ping", id=1),
}
every_flood = pytest.mark.parametrize("frame", FLOODS.values(), ids=FLOODS)


def weight(frame: bytes) -> int:
    return len(frame) + PACKET_BYTES * (64 if frame[:1] == b"\xdc" else 1)


def least(frame: bytes) -> int:
    """Return the bytes read beyond the rate at most: a whole frame, and a portion that is charged later."""
    return weight(frame) + PORTION_BYTES


def floods(client: InProcessClient, frame: bytes) -> int:
    """Send this while it is read, and the connection is open; what was read, as it is weighed."""
    read = 0
    while client.wire.reading and client.wire.closed_with is None:
        client.session.received(frame)
        read += weight(frame)
    return read


@every_flood
async def test_of_any_flood_no_more_is_read_than_the_rate_of_bytes_allows(server, frame):
    mallory = await server.connect("mallory")
    assert floods(mallory, frame) <= BURST + least(frame)
    assert mallory.wire.closed_with is None
    for _ in range(3):
        server.env.advance(0.5)
        assert floods(mallory, frame) <= RATE / 2 + least(frame)


@pytest.mark.parametrize(
    "name", [name for name, frame in FLOODS.items() if len(frame) < KIB and name != "batches of pongs"]
)
async def test_a_flood_of_small_frames_ends_the_connection(server, name):
    mallory = await server.connect("mallory")
    seconds = 0.0
    while mallory.wire.closed_with is None:
        if mallory.wire.reading:
            mallory.session.received(FLOODS[name])
        server.env.advance(0.001)
        seconds += 0.001
        assert seconds < 10
    assert mallory.wire.closed_with == (4007, "rate_abuse")


async def test_reading_goes_on_to_the_byte_when_what_came_too_fast_is_made_up_for(server):
    ann = await server.connect("ann")
    floods(ann, FLOODS["a list that is too long"])
    server.env.advance(0.001)
    assert not ann.wire.reading
    server.env.advance(1)  # 64 KiB too much take half of that
    assert ann.wire.reading
    assert (await ann.request(type="ping"))["type"] == "ok"


async def test_the_bytes_of_a_user_are_those_of_all_their_connections(server):
    clients = [await server.connect("mallory", device) for device in range(1, 6)]
    together = sum(floods(client, WATCH) for client in clients)
    assert together <= USER_BURST + len(clients) * least(WATCH)
    server.env.advance(4)
    together = sum(floods(client, WATCH) for client in clients)
    assert together <= 4 * USER_RATE + len(clients) * least(WATCH)


async def test_who_rests_with_much_under_way_is_read_again_when_both_are_over(server):
    ann = await server.connect("ann")
    room = await ann.create_group()
    hold = server.store.hold("log")
    floods(ann, WATCH)
    for _ in range(32):  # what had been read already
        ann.send_request(type="log", room=room, **{"from": 1})
    await hold.reached.wait()
    server.env.advance(5)
    assert not ann.wire.reading
    hold.release()
    await server.wait_idle()
    assert ann.wire.reading


@pytest.mark.parametrize(
    "first",
    [
        packed(type="ping", id=1),
        packed(type="future", id=1),
        packed(type="hello"),
        b"\xc1",
        FLOODS["an id of colliding keys"],
    ],
)
async def test_any_first_frame_takes_from_the_hellos_of_its_address(server, first):
    for _ in range(60):
        stranger = server.client()
        stranger.session.received(first)
        assert stranger.wire.closed_with == (4204, "protocol")
    ann = server.client()
    id = ann.say_hello("ann")
    assert (ann.reply(id)["code"], ann.reply(id)["scope"]) == ("rate_limited", "address")
    assert ann.wire.closed_with == (4003, "overloaded")
    elsewhere = server.client(address="192.0.2.2")
    id = elsewhere.say_hello("ann")
    await server.wait_idle()
    assert elsewhere.reply(id)["type"] == "ok"


async def test_an_outbox_that_was_filled_offline_is_read_without_a_rest(server):
    ann = await server.connect("ann")
    room = await ann.create_group()
    for place in range(5):  # 16 KiB each, at once
        ann.send_request(type="send", room=room, key=f"key-of-ann-{place}", body={"text": "x" * 16_000})
    assert ann.wire.reading
    await server.wait_idle()
