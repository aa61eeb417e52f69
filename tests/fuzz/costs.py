"""The cost of a payload: so much for each byte that it is charged for (session/dispatcher.py), whatever it is."""

import struct
from collections.abc import Callable

import msgpack

from chatd.protocol.codec import decode_packets, split
from chatd.protocol.errors import Broken
from chatd.session.dispatcher import PACKET_BYTES
from tests.kit.instructions import counted

# Instructions; a value of one byte takes 77 with all that is done to read it.
PER_BYTE = 100
# The cost of a frame that holds nothing.
BASE = 2000

SEND = {"type": "send", "id": 1, "room": "g4fKz81QwXe2", "key": "AZqxkP3ve9SFmQbJ7hE3Zw"}
UPDATE = {**SEND, "type": "room.update"}
# The places of a value: the bytes before it, in each encoding, and those behind it in JSON.
PLACES: list[tuple[bytes, bytes, bytes]] = [
    (b"", b"", b""),
    (b"\x85" + msgpack.packb(SEND)[1:] + b"\xa4body\x81\xa4data", b'{"type":"send","id":1,"room":"g4fKz81QwXe2",'
     b'"key":"AZqxkP3ve9SFmQbJ7hE3Zw","body":{"data":', b"}}"),
    (b"\x85" + msgpack.packb(UPDATE)[1:] + b"\xa4data", b'{"type":"room.update","id":1,"room":"g4fKz81QwXe2",'
     b'"key":"AZqxkP3ve9SFmQbJ7hE3Zw","data":', b"}"),
    (b"\x82\xa4type\xa1x\xa2id", b'{"type":"x","id":', b"}"),
    (b"\x82\xa2id\x01\xa4type", b'{"id":1,"type":', b"}"),
    (b"\x83\xa4type\xa4ping\xa2id\x01\xa1x", b'{"type":"ping","id":1,"x":', b"}"),
    (b"\x83\xa4type\xa5watch\xa2id\x01\xa5users", b'{"type":"watch","id":1,"users":', b"}"),
]  # fmt: skip


def costs(data: bytes) -> None:
    """Check a value in some place of a packet: it costs no more than its bytes allow, and no map is built of odd
    keys."""
    kind, value = data[0] if data else 0, data[1:]
    text = bool(kind & 1)
    packed, spelled, behind = PLACES[(kind >> 1) % len(PLACES)]
    payload = spelled + value + behind if text else packed + value
    if text:
        try:
            payload.decode()
        except UnicodeDecodeError:
            # The connection lets nothing else through.
            return
    check_cost(payload, text)


def check_cost(payload: bytes, text: bool) -> None:
    with counted() as cost:
        spent = cost(lambda: attempt(lambda: len(list(decode_packets(payload, text)))))
    weight = len(payload) + PACKET_BYTES * attempt(lambda: len(split(payload, text)))
    assert spent <= BASE + PER_BYTE * weight, f"{spent} for {weight} bytes: {payload[:100]!r}"


def attempt(read: Callable[[], int]) -> int:
    try:
        return read()
    except Broken:
        return 0


def colliding(count: int) -> bytes:
    """Return a map whose keys are arrays with one hash: -1 and -2 have the same, and so have arrays of them."""
    bits = max(1, (count - 1).bit_length())
    keys = (msgpack.packb([-1 - (number >> bit & 1) for bit in range(bits)]) for number in range(count))
    return b"\xdf" + struct.pack(">I", count) + b"".join(key + b"\xc0" for key in keys)
