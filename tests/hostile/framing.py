"""Layer C, WebSocket frames that are wrong, or come at the wrong time."""

import zlib

from tests.hostile.case import Case
from tests.hostile.client_bytes import asking, closing, declared, encoded, frame, packet_frame
from tests.kit.frames import BINARY, BINARY_START, CLOSE, CONTINUATION, MIDDLE, PING, PONG, TEXT, TEXT_START

# protocol.md "Size limits".
FRAME_BYTES = 65_536
HELLO_FRAME_BYTES = 8192

PING_PACKET = encoded(asking("ping"), "msgpack")
PADDED = encoded(asking("ping", pad="x" * FRAME_BYTES), "msgpack")
# A packet of the whole limit.
WHOLE = PADDED.replace(b"x" * FRAME_BYTES, b"x" * (2 * FRAME_BYTES - len(PADDED)))
WHOLE = WHOLE.replace((FRAME_BYTES).to_bytes(4, "big"), (2 * FRAME_BYTES - len(PADDED)).to_bytes(4, "big"))


def fragments(payload: bytes, count: int) -> bytes:
    """Return a message in `count` frames: all but the last of one byte."""
    first, middle = payload[:1], payload[1 : count - 1]
    parts = frame(first, BINARY_START) + b"".join(frame(bytes((byte,)), MIDDLE) for byte in middle)
    return parts + frame(payload[count - 1 :], CONTINUATION)


def bomb() -> bytes:
    """Return 64 MiB of zeros in 64 KiB: raw DEFLATE, in blocks that stand alone."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflater.compress(bytes(1 << 20)) + deflater.flush(zlib.Z_FULL_FLUSH)
    return block * 64 + deflater.flush()


BOMB = bomb()

# number, description, bytes, outcome
ON_MSGPACK: list[tuple[int, str, bytes, str]] = [
    (41, "unmasked", b"\x82\x02hi", "close 1002"),
    (42, "RSV1", frame(b"hi", 0xC2), "close 1002"),
    (42, "RSV2", frame(b"hi", 0xA2), "close 1002"),
    (42, "RSV3", frame(b"hi", 0x92), "close 1002"),
    *((43, f"opcode {opcode}", frame(b"", 0x80 | opcode), "close 1002") for opcode in (3, 4, 5, 6, 7)),
    *((43, f"opcode {opcode}", frame(b"", 0x80 | opcode), "close 1002") for opcode in range(11, 16)),
    (44, "text", frame(b"{}", TEXT), "close 1003"),
    (44, "the start of a text", frame(b"{}", TEXT_START), "close 1003"),
    (45, "a ping of 126 bytes", frame(bytes(126), PING), "close 1002"),
    (45, "a ping of 125 bytes is right", frame(bytes(125), PING) + frame(PING_PACKET), "ok"),
    (46, "a fragmented ping", frame(b"", 0x09), "close 1002"),
    (46, "a fragmented close", frame(b"", 0x08), "close 1002"),
    (47, "a continuation first", frame(b"", CONTINUATION), "close 1002"),
    (48, "a message inside a message", frame(b"a", BINARY_START) + frame(b"b"), "close 1002"),
    (48, "a text inside a message", frame(b"a", BINARY_START) + frame(b"b", TEXT), "close 1002"),
    (49, "a length longer than needed is right",
     b"\x82\xfe" + len(PING_PACKET).to_bytes(2, "big") + bytes(4) + PING_PACKET, "ok"),
    (49, "a 64-bit length longer than needed is right",
     b"\x82\xff" + len(PING_PACKET).to_bytes(8, "big") + bytes(4) + PING_PACKET, "ok"),
    (50, "a 64-bit length with the top bit", declared(1 << 63), "close 1009"),
    (51, "a length of 2^62, then nothing", declared(1 << 62), "close 1009"),
    (51, "a length of 2^32, then nothing", declared(1 << 32), "close 1009"),
    (52, "one byte too much", frame(bytes(FRAME_BYTES + 1)), "close 1009"),
    (52, "one byte too much, declared only", declared(FRAME_BYTES + 1), "close 1009"),
    (52, "too much in two fragments",
     frame(bytes(FRAME_BYTES), BINARY_START) + frame(b"x", CONTINUATION), "close 1009"),
    (52, "exactly the limit is right", frame(WHOLE), "ok"),
    (53, "400,000 empty fragments", frame(b"", BINARY_START) + frame(b"", MIDDLE) * 400_000, "close 1009"),
    (54, "60,000 fragments of a byte", frame(b"x", BINARY_START) + frame(b"x", MIDDLE) * 60_000, "close 1009"),
    (54, "65 fragments", fragments(encoded(asking("ping", pad="x" * 99), "msgpack"), 65), "close 1009"),
    (54, "64 fragments are right", fragments(encoded(asking("ping", pad="x" * 99), "msgpack"), 64), "ok"),
    (56, "10,000 pings", frame(b"", PING) * 10_000, "close 4007"),
    (57, "10,000 unsolicited pongs", frame(b"", PONG) * 10_000, "close 4007"),
    (57, "an unsolicited pong is right", frame(b"x", PONG) + frame(PING_PACKET), "ok"),
    *((58, f"close code {code}", closing(code), "close 1002") for code in (0, 999, 1004, 1005, 1006, 1015)),
    *((58, f"close code {code}", closing(code), "close 1002") for code in (2999, 5000, 65535)),
    *((58, f"close code {code} is right", closing(code), f"close {code}") for code in (1000, 1001, 3000, 4999)),
    (58, "close without a code is right", frame(b"", CLOSE), "close 1005"),
    (59, "a close of one byte", frame(b"\x03", CLOSE), "close 1002"),
    (59, "a close of 126 bytes", closing(1000, bytes(124)), "close 1002"),
    (60, "a close reason of bad UTF-8", closing(1000, b"\xff\xfe"), "close 1007"),
    (61, "data behind the close", closing(1000) + frame(PING_PACKET) * 100, "close 1000"),
    (61, "a close inside a message", frame(b"a", BINARY_START) + closing(1000), "close 1002"),
    (64, "a compressed frame nobody agreed to", frame(b"\xca\xc8\x04\x00", 0xC2), "close 1002"),
    (65, "a bomb in a compressed frame", frame(BOMB[:FRAME_BYTES], 0xC2), "close 1002"),
    (65, "a bomb in a wrapper", frame(b"\xc9\x00\x00\xff\x00\x01" + BOMB[:0xFF00]), "close 4204"),
    (66, "a compressed frame that ends early", frame(BOMB[:100], 0xC2), "close 1002"),
    (66, "a wrapper that ends early", frame(b"\xc7\x10\x01" + BOMB[:16]), "close 4204"),
    (68, "a thousand right frames at once", frame(encoded({"type": "pong"}, "msgpack")) * 1000
     + frame(PING_PACKET), "ok"),
]  # fmt: skip

WAVE = "👋".encode()

ON_JSON: list[tuple[int, str, bytes, str]] = [
    (44, "binary", frame(b"\x80", BINARY), "close 1003"),
    (44, "the start of a binary", frame(b"\x80", BINARY_START), "close 1003"),
    (63, "no UTF-8", frame(b"{\xff}", TEXT), "close 1007"),
    (63, "a surrogate", frame(b"\xed\xa0\x80", TEXT), "close 1007"),
    (63, "overlong", frame(b"\xc0\xaf", TEXT), "close 1007"),
    (63, "above U+10FFFF", frame(b"\xf4\x90\x80\x80", TEXT), "close 1007"),
    (63, "a character cut at the end", frame(WAVE[:3], TEXT), "close 1007"),
    (63, "a character never finished over fragments",
     frame(WAVE[:2], TEXT_START) + frame(b"x", CONTINUATION), "close 1007"),
    (63, "a character over fragments is right",
     frame(b'{"type":"ping","id":1,"x":"' + WAVE[:2], TEXT_START) + frame(WAVE[2:] + b'"}', CONTINUATION), "ok"),
    (67, "two frames and a half", packet_frame({"type": "pong"}, "json") * 2 + b"\x81", "waits"),
]  # fmt: skip

# Before hello the limits are smaller.
FIRST: list[tuple[int, str, bytes, str]] = [
    (52, "a first frame of 8,193 bytes", frame(bytes(HELLO_FRAME_BYTES + 1)), "close 1009"),
    (52, "a first frame of 8,193 bytes, declared", declared(HELLO_FRAME_BYTES + 1), "close 1009"),
    (54, "65 fragments, first", fragments(bytes(99), 65), "close 1009"),
    (56, "10,000 pings, first", frame(b"", PING) * 10_000, "close 4007"),
    (11, "random frames", bytes.fromhex("ffeeddccbbaa99887766554433221100") * 100, "close 1002"),
]

CASES = (
    *(Case(*row) for row in ON_MSGPACK),
    *(Case(*row, encoding="json") for row in ON_JSON),
    *(Case(*row, when="first") for row in FIRST),
)
