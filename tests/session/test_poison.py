"""The content of a request can do no more than get that request refused: the connection lives, and its neighbours."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgpack
import pytest

from tests.kit.indoors import Guest, Indoors, indoors, new_key

HALF_PAIR = "\\ud83d"  # what JSON.stringify makes of half a 👋
NOT_UTF8 = b"\xed\xa0\xbd"  # what some encoders of MessagePack make of it
PLACE = "@place@"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Indoors]:
    async with indoors(tmp_path, rates={"enabled": False}) as house:
        yield house


async def greeted(house: Indoors, *, text: bool) -> Guest:
    guest = house.guest(text=text)
    hello = {"type": "hello", "id": 1, "version": 1, "token": "ann", "device": "device0000000000000001"}
    says(guest, hello)
    await house.quiet()
    return guest


def says(guest: Guest, content: object, poison: bytes = b"") -> None:
    """Send a frame, with these bytes in place of a text PLACE, quotes and all."""
    if guest.wire.text:
        payload = json.dumps(content).encode().replace(json.dumps(PLACE).encode(), poison)
    else:
        payload = msgpack.packb(content).replace(msgpack.packb(PLACE), poison)
    guest.session.received(payload)


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
async def test_it_is_refused_by_its_field_alone_and_in_a_batch(house, text, poison, field, keys):
    guest = await greeted(house, text=text)
    room = await guest_group(house, guest)
    request = {"id": 7, "room": room, "key": new_key(), **keys}
    says(guest, request, poison)
    says(guest, [{"type": "ping", "id": 8}, {**request, "id": 9}, {"type": "ping", "id": 10}], poison)
    await house.quiet()
    for id in (7, 9):
        reply = guest.reply(id)
        assert (reply["code"], reply["retry"], reply["field"]) == ("bad_request", "never", field)
    assert [guest.reply(id)["type"] for id in (8, 10)] == ["ok", "ok"]
    assert guest.wire.closed_with is None


@every_poison
async def test_where_nobody_looks_it_does_no_harm(house, text, poison):
    guest = await greeted(house, text=text)
    says(guest, {"type": "ping", "id": 7, "x": {"y": PLACE}}, poison)
    says(guest, [{"type": "ping", "id": 8, "x": PLACE}, {"type": "ping", "id": 9}], poison)
    assert [guest.reply(id)["type"] for id in (7, 8, 9)] == ["ok"] * 3


@every_poison
async def test_what_cannot_be_answered_ends_the_connection(house, text, poison):
    guest = await greeted(house, text=text)
    says(guest, {"type": PLACE}, poison)
    assert guest.wire.closed_with == (4204, "protocol")


@pytest.mark.parametrize("key", [with_ends(HALF_PAIR.encode()), with_ends(b"\n")])
async def test_a_key_that_is_no_text_is_refused_in_host_data_and_unknown_elsewhere(house, key):
    guest = await greeted(house, text=True)
    room = await guest_group(house, guest)
    says(guest, {"type": "room.update", "id": 7, "room": room, "key": new_key(), "data": {PLACE: 1}}, key)
    says(guest, {"type": "ping", "id": 8, PLACE: 1}, key)
    await house.quiet()
    assert (guest.reply(7)["code"], guest.reply(7)["field"]) == ("bad_request", "data")
    assert guest.reply(8)["type"] == "ok"


@pytest.mark.parametrize(
    "broken",
    [b'{"type":"ping","id":1,"x":"', b'{"type":"ping","id":1,"x":"\\', b'{"type":"ping","id":01,"x":"\n"}'],
)
async def test_what_cannot_be_split_into_packets_ends_the_connection(house, broken):
    guest = await greeted(house, text=True)
    guest.session.received(broken)
    assert guest.wire.closed_with == (4204, "protocol")


async def guest_group(house: Indoors, guest: Guest) -> str:
    says(guest, {"type": "room.create", "id": 2, "key": new_key(), "kind": "group", "title": "t"})
    await house.quiet()
    return str(guest.reply(2)["summary"]["room"])
