"""The content of a request can do no more than get that request refused: the connection lives, and its neighbours."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgpack
import pytest

from tests.kit.inprocess import InProcessClient, InProcessServer, in_process, new_key

HALF_PAIR = "\\ud83d"  # what JSON.stringify makes of half a 👋
NOT_UTF8 = b"\xed\xa0\xbd"  # what some encoders of MessagePack make of it
PLACE = "@place@"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path, rates={"enabled": False}) as server:
        yield server


async def greeted(server: InProcessServer, *, text: bool) -> InProcessClient:
    client = server.client(text=text)
    hello = {"type": "hello", "id": 1, "version": 1, "token": "ann", "device": "device0000000000000001"}
    says(client, hello)
    await server.wait_idle()
    return client


def says(client: InProcessClient, content: object, poison: bytes = b"") -> None:
    """Send a frame, with these bytes in place of a text PLACE, quotes and all."""
    if client.wire.text:
        payload = json.dumps(content).encode().replace(json.dumps(PLACE).encode(), poison)
    else:
        payload = msgpack.packb(content).replace(msgpack.packb(PLACE), poison)
    client.session.received(payload)


def with_ends(poison: bytes) -> bytes:
    return b'"a' + poison + b'"'


JSON_POISONS = {
    "half a pair": with_ends(HALF_PAIR.encode()),
    "the other half": with_ends(b"\\udc4b"),
    "half a pair, then a letter": with_ends(HALF_PAIR.encode() + b"x"),
    "a bare line end": with_ends(b"\n"),
    "an escape of another language": with_ends(b"\\x41"),
    "NaN": b"NaN",
    "minus infinity": b"-Infinity",
}
PACKED_POISONS = {"half a pair": b"\xa3" + NOT_UTF8, "Latin-1": b"\xd9\x01\xe9"}
POISONS = [
    pytest.param(text, poison, id=f"{name}, {'json' if text else 'msgpack'}")
    for text, poisons in ((True, JSON_POISONS), (False, PACKED_POISONS))
    for name, poison in poisons.items()
]
every_poison = pytest.mark.parametrize(("text", "poison"), POISONS)


@every_poison
@pytest.mark.parametrize(
    ("field", "keys"),
    [
        ("body.text", {"type": "send", "body": {"text": PLACE}}),
        ("body.data", {"type": "send", "body": {"data": [{"a": PLACE}]}}),
        (
            "body.attachments[0].name",
            {"type": "send", "body": {"attachments": [{"url": "u", "mime": "m", "name": PLACE}]}},
        ),
        ("title", {"type": "room.update", "title": PLACE}),
        ("data", {"type": "room.update", "data": PLACE}),
        ("emoji", {"type": "react", "target": 2, "set": True, "emoji": PLACE}),
    ],
)
async def test_it_is_refused_by_its_field_alone_and_in_a_batch(server, text, poison, field, keys):
    client = await greeted(server, text=text)
    room = await writable_group(server, client)
    request = {"id": 7, "room": room, "key": new_key(), **keys}
    says(client, request, poison)
    says(client, [{"type": "ping", "id": 8}, {**request, "id": 9}, {"type": "ping", "id": 10}], poison)
    await server.wait_idle()
    for id in (7, 9):
        reply = client.reply(id)
        assert (reply["code"], reply["retry"], reply["field"]) == ("bad_request", "never", field)
    assert [client.reply(id)["type"] for id in (8, 10)] == ["ok", "ok"]
    assert client.wire.closed_with is None


@every_poison
async def test_where_nobody_looks_it_does_no_harm(server, text, poison):
    client = await greeted(server, text=text)
    says(client, {"type": "ping", "id": 7, "x": {"y": PLACE}}, poison)
    says(client, [{"type": "ping", "id": 8, "x": PLACE}, {"type": "ping", "id": 9}], poison)
    assert [client.reply(id)["type"] for id in (7, 8, 9)] == ["ok"] * 3


@every_poison
async def test_what_cannot_be_answered_ends_the_connection(server, text, poison):
    client = await greeted(server, text=text)
    says(client, {"type": PLACE}, poison)
    assert client.wire.closed_with == (4204, "protocol")


@pytest.mark.parametrize("key", [with_ends(HALF_PAIR.encode()), with_ends(b"\n")])
async def test_a_key_that_is_no_text_is_refused_in_host_data_and_unknown_elsewhere(server, key):
    client = await greeted(server, text=True)
    room = await writable_group(server, client)
    says(client, {"type": "room.update", "id": 7, "room": room, "key": new_key(), "data": {PLACE: 1}}, key)
    says(client, {"type": "ping", "id": 8, PLACE: 1}, key)
    await server.wait_idle()
    assert (client.reply(7)["code"], client.reply(7)["field"]) == ("bad_request", "data")
    assert client.reply(8)["type"] == "ok"


@pytest.mark.parametrize(
    "broken",
    [b'{"type":"ping","id":1,"x":"', b'{"type":"ping","id":1,"x":"\\', b'{"type":"ping","id":01,"x":"\n"}'],
)
async def test_what_cannot_be_split_into_packets_ends_the_connection(server, broken):
    client = await greeted(server, text=True)
    client.session.received(broken)
    assert client.wire.closed_with == (4204, "protocol")


async def writable_group(server: InProcessServer, client: InProcessClient) -> str:
    says(client, {"type": "room.create", "id": 2, "key": new_key(), "kind": "group", "title": "t"})
    await server.wait_idle()
    return str(client.reply(2)["summary"]["room"])
