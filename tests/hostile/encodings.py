"""Layer D, payloads that are no packet: MessagePack bombs, false lengths, keys and numbers of the wrong kind."""

import struct
import zlib

import msgpack

from tests.hostile.case import ASKED, ENCODINGS, FOREIGN, OWN, Case
from tests.hostile.client_bytes import asking, encoded, frame, packet_frame

KEY = "key-of-mallory"
PING = encoded(asking("ping"), "msgpack")
MANY = 0xFFFFFFFF
SIZES_DECLARED = {"array32": 0xDD, "map32": 0xDF, "str32": 0xDB, "bin32": 0xC6, "ext32": 0xC9}


def ping_with(value: bytes, key: bytes = b"\xa1x") -> bytes:
    """Return a ping with one unknown key and these bytes as its value."""
    return b"\x83" + PING[1:] + key + value


def typing_in(room: bytes) -> bytes:
    """Return a request with these bytes as its room."""
    return b"\x83\xa4type\xa6typing\xa2id\x01\xa4room" + room


def reading(seq: bytes) -> bytes:
    """Return a read mark with these bytes as its number."""
    return b"\x84\xa4type\xa4read\xa2id\x01\xa4room\xac" + OWN.encode() + b"\xa3seq" + seq


def sending(data: bytes) -> bytes:
    """Return a message with these bytes as host data."""
    head = {"type": "send", "id": ASKED, "room": OWN, "key": f"{KEY}-{zlib.crc32(data):08x}"}
    return b"\x85" + bytes(msgpack.packb(head))[1:] + b"\xa4body\x81\xa4data" + data


def nested(levels: int, opening: bytes, inmost: bytes) -> bytes:
    return opening * levels + inmost


def colliding(count: int) -> bytes:
    """Return host data with integer-like keys, as an attacker of a hash table would send."""
    keys = (msgpack.packb(f"{number * (2**61 - 1)}") for number in range(count))
    return b"\xde" + struct.pack("!H", count) + b"".join(key + b"\xc0" for key in keys)


ARRAY, MAP = b"\x91", b"\x81\xa1a"


def depth_outcome(levels: int, where: str) -> str:
    """Return the outcome of a depth (protocol.md "MessagePack": 16 levels); unknown keys need not be checked, but the
    stack of the decoder ends."""
    bound = 9 if where == "host data" else 512
    return "ok" if levels <= bound else "error bad_request"


DEEP = [
    (74, f"{levels} {kind} in {where}", put(nested(levels, opening, b"\x90")), depth_outcome(levels, where))
    for levels in (9, 512, 1024, 1025, 20_000)
    for kind, opening in (("arrays", ARRAY), ("maps", MAP))
    for where, put in (("host data", sending), ("an unknown key", ping_with))
]

# number, description, payload, outcome
ON_MSGPACK: list[tuple[int, str, bytes, str]] = [
    (69, "nothing", b"", "close 4204"),
    (70, "the reserved byte", b"\xc1", "close 4204"),
    (70, "the reserved byte inside", ping_with(b"\xc1"), "close 4204"),
    (71, "a byte too many", PING + b"\x00", "close 4204"),
    (71, "two packets in a row", PING * 2, "close 4204"),
    (73, "an integer", b"\x07", "close 4204"),
    (73, "a text", b"\xa4ping", "close 4204"),
    (73, "nil", b"\xc0", "close 4204"),
    (73, "true", b"\xc3", "close 4204"),
    (73, "an empty array", b"\x90", "close 4204"),
    (73, "an array of integers", b"\x93\x01\x02\x03", "close 4204"),
    *DEEP,
    (74, "20,000 maps instead of a packet", nested(20_000, MAP, b"\x80"), "ignored"),
    (74, "20,000 arrays instead of a batch", nested(20_000, ARRAY, b"\x90"), "close 4204"),
    (74, "20,000 arrays and maps", sending(nested(10_000, ARRAY + MAP, b"\x90")), "error bad_request"),
    *((75, f"{name} of 2^32-1 in host data", sending(bytes((first,)) + struct.pack("!I", MANY)), "close 4204")
      for name, first in SIZES_DECLARED.items()),
    *((75, f"{name} of 2^32-1 as frame", bytes((first,)) + struct.pack("!I", MANY), "close 4204")
      for name, first in SIZES_DECLARED.items()),
    (76, "a thousand arrays of 65,000", sending((b"\xdd" + struct.pack("!I", 65_000)) * 1000 + b"\xc0" * 60_000),
     "error bad_request"),
    (76, "twelve arrays of 65,000", sending((b"\xdd" + struct.pack("!I", 65_000)) * 12 + b"\xc0" * 60_000),
     "close 4204"),
    (77, "4,095 empty maps", sending(b"\xdd" + struct.pack("!I", 4095) + b"\x80" * 4095), "ok"),
    (77, "4,096 empty maps", sending(b"\xdd" + struct.pack("!I", 4096) + b"\x80" * 4096), "error too_large"),
    (77, "65,000 empty maps", sending(b"\xdd" + struct.pack("!I", 65_000) + b"\x80" * 65_000), "error too_large"),
    (77, "65,000 empty maps in an unknown key",
     ping_with(b"\xdd" + struct.pack("!I", 65_000) + b"\x80" * 65_000), "ok"),
    (78, "an integer as key", ping_with(b"\xc0", b"\x05"), "close 4204"),
    (78, "nil as key", ping_with(b"\xc0", b"\xc0"), "close 4204"),
    (78, "a float as key", ping_with(b"\xc0", b"\xcb" + bytes(8)), "close 4204"),
    (78, "bytes as key", ping_with(b"\xc0", b"\xc4\x01x"), "close 4204"),
    (78, "an array as key", ping_with(b"\xc0", b"\x90"), "close 4204"),
    (78, "an integer as key of host data", sending(b"\x81\x05\xc0"), "error bad_request"),
    (79, "two types", b"\x83\xa4type\xa4send\xa4type\xa4ping\xa2id\x01", "error bad_request"),
    (79, "room twice, the last counts",
     b"\x84\xa4type\xa8room.get\xa2id\x01\xa4room\xac" + OWN.encode() + b"\xa4room\xac" + FOREIGN.encode(),
     "error not_found"),
    (79, "id twice, the last counts", b"\x83\xa4type\xa4ping\xa2id\x07\xa2id\x01", "ok"),
    (82, "text that is no UTF-8", ping_with(b"\xa2\xff\xfe"), "ok"),
    (82, "a room that is no UTF-8", typing_in(b"\xac" + b"\xff" * 12), "error bad_request"),
    (82, "a surrogate in a room", typing_in(b"\xac\xed\xa0\x80" + b"a" * 9), "error bad_request"),
    (82, "NUL in a room", typing_in(b"\xacg\x00" + b"a" * 10), "error bad_request"),
    (82, "host data that is no UTF-8", sending(b"\xa2\xff\xfe"), "error bad_request"),
    (82, "a key that is no UTF-8", ping_with(b"\xc0", b"\xa2\xff\xfe"), "ok"),
    (83, "bytes for a room", typing_in(b"\xc4\x0c" + OWN.encode()), "error bad_request"),
    (83, "bytes in host data are right", sending(b"\xc4\x02\xff\xfe"), "ok"),
    (83, "text for a number", reading(b"\xa11"), "error bad_request"),
    (84, "an integer in 64 bits is right", reading(b"\xcf" + bytes(7) + b"\x02"), "ok"),
    (84, "a length in 32 bits is right", typing_in(b"\xdb\x00\x00\x00\x0c" + OWN.encode()), "ok"),
    (84, "minus zero", reading(b"\xcb\x80" + bytes(7)), "error bad_request"),
    (84, "NaN", reading(b"\xcb\x7f\xf8" + bytes(6)), "error bad_request"),
    (84, "infinity", reading(b"\xcb\x7f\xf0" + bytes(6)), "error bad_request"),
    (84, "2^64-1", reading(b"\xcf" + b"\xff" * 8), "error bad_request"),
    (84, "-2^63", reading(b"\xd3\x80" + bytes(7)), "error bad_request"),
    (84, "2^53", reading(b"\xcf\x00\x20" + bytes(6)), "error bad_request"),
    (84, "NaN in host data", sending(b"\xcb\x7f\xf8" + bytes(6)), "error bad_request"),
    (84, "2^64-1 in host data", sending(b"\xcf" + b"\xff" * 8), "error bad_request"),
    (84, "-2^63 in host data", sending(b"\xd3\x80" + bytes(7)), "error bad_request"),
    (85, "a timestamp in host data", sending(b"\xd6\xff" + bytes(4)), "error bad_request"),
    (85, "a timestamp with too many nanoseconds", sending(b"\xd7\xff" + b"\xff" * 8), "error bad_request"),
    (85, "a timestamp in the year 10^9",
     sending(b"\xc7\x0c\xff" + bytes(4) + b"\x7f" + b"\xff" * 7), "error bad_request"),
    (85, "an unknown ext in host data", sending(b"\xd4\x05\x00"), "error bad_request"),
    (85, "an ext for a number", reading(b"\xd4\x05\x00"), "error bad_request"),
    (85, "a timestamp for a number", reading(b"\xd6\xff" + bytes(4)), "error bad_request"),
    (86, "true for a number", reading(b"\xc3"), "error bad_request"),
    (86, "true for an id", b"\x82\xa4type\xa4ping\xa2id\xc3", "ignored"),
    (87, "1.0 for a number", reading(b"\xcb\x3f\xf0" + bytes(6)), "error bad_request"),
    (88, "2,000 keys of host data", sending(colliding(700)), "ok"),
    (90, "JSON by mistake", encoded(asking("ping"), "json"), "close 4204"),
]  # fmt: skip

# Payloads as a decoder of packets gets them; the same in both encodings.
PACKETS: list[tuple[int, str, dict[str, object], str]] = [
    (80, "64 unknown keys", asking("ping", **{f"unknown{n}": n for n in range(64)}), "ok"),
    (80, "65 unknown keys", asking("ping", **{f"unknown{n}": n for n in range(65)}), "ok"),
    (80, "64 unknown keys in a body", asking("send", room=OWN, key="unknown-keys", body={
        "text": "hi", **{f"unknown{n}": n for n in range(64)}}), "ok"),
    (81, "a key of 10 kB", asking("ping", **{"k" * 10_000: 1}), "ok"),
    (81, "keys that mean something elsewhere", asking("ping", __class__="x", __proto__={}, **{"$ne": None}), "ok"),
    (81, "an object for a text", asking("room.get", room={"$ne": None}), "error bad_request"),
]  # fmt: skip

JSON: list[tuple[int, str, bytes, str]] = [
    (69, "nothing", b"", "close 4204"),
    (71, "a letter too many", b'{"type":"ping","id":1}x', "close 4204"),
    (71, "two packets in a row", b'{"type":"ping","id":1}{"type":"ping","id":1}', "close 4204"),
    (71, "white space around is right", b' \n{"type":"ping","id":1}\t ', "ok"),
    (73, "a text", b'"ping"', "close 4204"),
    (73, "a number", b"7", "close 4204"),
    (74, "20,000 arrays", b'{"type":"ping","id":1,"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "error bad_request"),
    (74, "20,000 arrays never closed", b'{"type":"ping","id":1,"x":' + b"[" * 20_000, "error bad_request"),
    (79, "two types", b'{"type":"send","type":"ping","id":1}', "error bad_request"),
    (79, "one type twice", b'{"type":"ping","type":"ping","id":1}', "ok"),
    (82, "half a surrogate pair", b'{"type":"ping","id":1,"x":"\\ud800"}', "ok"),
    (82, "half a surrogate pair in a text",
     b'{"type":"send","id":1,"room":"' + OWN.encode() + b'","key":"surrogate","body":{"text":"\\ud800"}}',
     "error bad_request"),
    (82, "NUL in a text is right",
     b'{"type":"send","id":1,"room":"' + OWN.encode() + b'","key":"nul-in-text","body":{"text":"a\\u0000b"}}', "ok"),
    (82, "a bare control character", b'{"type":"ping","id":1,"x":"a\x01"}', "ok"),
    (84, "NaN", b'{"type":"ping","id":1,"x":NaN}', "ok"),
    (84, "NaN for a number", b'{"type":"read","id":1,"room":"' + OWN.encode() + b'","seq":NaN}', "error bad_request"),
    (84, "1e400", b'{"type":"ping","id":1,"x":1e400}', "ok"),
    (84, "1e400 in host data",
     b'{"type":"send","id":1,"room":"' + OWN.encode() + b'","key":"infinite","body":{"data":1e400}}',
     "error bad_request"),
    (84, "a leading zero", b'{"type":"ping","id":01}', "close 4204"),
    (84, "a thousand digits", b'{"type":"ping","id":' + b"9" * 1000 + b"}", "ignored"),
    (87, "1.0 for an id", b'{"type":"ping","id":1.0}', "ignored"),
    (90, "MessagePack by mistake", b"{" + PING, "close 1007"),
]  # fmt: skip

CASES = (
    *(Case(number, what, frame(payload), outcome) for number, what, payload, outcome in ON_MSGPACK),
    *(
        Case(number, what, packet_frame(packet, encoding), outcome, encoding=encoding)
        for number, what, packet, outcome in PACKETS
        for encoding in ENCODINGS
    ),
    *(
        Case(number, what, frame(payload, 0x81), outcome, encoding="json")
        for number, what, payload, outcome in JSON
    ),
)
