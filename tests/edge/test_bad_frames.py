"""What is no WebSocket frame or comes at the wrong time: every row ends with the code in the table."""

import asyncio
import struct

import pytest

from tests.kit.echo import WAIT_S, Echo, client_frame, echo_server

PING, PONG, CLOSE = 0x89, 0x8A, 0x88
TEXT, BINARY, CONTINUATION = 0x81, 0x82, 0x80
TEXT_START, BINARY_START, MIDDLE = 0x01, 0x02, 0x00


def closing(code: int, reason: bytes = b"") -> bytes:
    return client_frame(struct.pack("!H", code) + reason, CLOSE)


def declared(length: int, *, first: int = BINARY) -> bytes:
    """The head of a masked frame that declares a 64-bit length, and nothing behind it."""
    return struct.pack("!BBQ", first, 0x80 | 127, length) + bytes(4)


# id -> (bytes after the handshake, close code)
ON_MSGPACK: dict[str, tuple[bytes, int]] = {
    "unmasked": (b"\x82\x02hi", 1002),
    "RSV1": (client_frame(b"hi", 0xC2), 1002),
    "RSV2": (client_frame(b"hi", 0xA2), 1002),
    "RSV3": (client_frame(b"hi", 0x92), 1002),
    **{f"opcode {opcode}": (client_frame(b"", 0x80 | opcode), 1002) for opcode in (3, 4, 5, 6, 7)},
    **{f"opcode {opcode}": (client_frame(b"", 0x80 | opcode), 1002) for opcode in range(11, 16)},
    "text": (client_frame(b"{}", TEXT), 1003),
    "start of a text": (client_frame(b"{}", TEXT_START), 1003),
    "ping of 126 bytes": (client_frame(bytes(126), PING), 1002),
    "fragmented ping": (client_frame(b"", 0x09), 1002),
    "fragmented close": (client_frame(b"", 0x08), 1002),
    "continuation first": (client_frame(b"", CONTINUATION), 1002),
    "message inside a message": (client_frame(b"a", BINARY_START) + client_frame(b"b"), 1002),
    "text inside a message": (client_frame(b"a", BINARY_START) + client_frame(b"b", TEXT), 1002),
    "64-bit length with the top bit": (declared(1 << 63), 1009),
    "length of 2^62 and nothing": (declared(1 << 62), 1009),
    "length of 2^32": (declared(1 << 32), 1009),
    "one byte too much": (client_frame(bytes(65_537)), 1009),
    "one byte too much, declared only": (declared(65_537), 1009),
    "too much in two fragments": (
        client_frame(bytes(65_536), BINARY_START) + client_frame(b"x", CONTINUATION),
        1009,
    ),
    "60,000 fragments of one byte": (
        client_frame(b"x", BINARY_START) + client_frame(b"x", MIDDLE) * 60_000,
        1009,
    ),
    "400,000 empty fragments": (client_frame(b"", BINARY_START) + client_frame(b"", MIDDLE) * 400_000, 1009),
    "a compressed frame nobody asked for": (client_frame(b"\xca\xc8\x04\x00", 0xC2), 1002),
    "10,000 pings": (client_frame(b"", PING) * 10_000, 4007),
    "10,000 pongs": (client_frame(b"", PONG) * 10_000, 4007),
    "close of one byte": (client_frame(b"\x03", CLOSE), 1002),
    "close reason of bad UTF-8": (closing(1000, b"\xff\xfe"), 1007),
    "close of 126 bytes": (closing(1000, bytes(124)), 1002),
    "close inside a message": (client_frame(b"a", BINARY_START) + closing(1000), 1002),
    **{f"close code {code}": (closing(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 2999)},
    **{f"close code {code}": (closing(code), 1002) for code in (5000, 65535)},
    **{f"close code {code} is right": (closing(code), code) for code in (1000, 1001, 1011, 3000, 4999)},
    "data behind the close": (closing(1000) + client_frame(b"x") * 100, 1000),
    "random bytes": (bytes.fromhex("ffeeddccbbaa99887766554433221100") * 100, 1002),
}  # fmt: skip

ON_JSON: dict[str, tuple[bytes, int]] = {
    "binary": (client_frame(b"\x80", BINARY), 1003),
    "start of a binary": (client_frame(b"\x80", BINARY_START), 1003),
    "invalid UTF-8": (client_frame(b"{\xff}", TEXT), 1007),
    "a surrogate": (client_frame(b"\xed\xa0\x80", TEXT), 1007),
    "overlong": (client_frame(b"\xc0\xaf", TEXT), 1007),
    "above U+10FFFF": (client_frame(b"\xf4\x90\x80\x80", TEXT), 1007),
    "a character cut at the end": (client_frame("👋".encode()[:3], TEXT), 1007),
    "a character never finished over fragments": (
        client_frame("👋".encode()[:2], TEXT_START) + client_frame(b"x", CONTINUATION),
        1007,
    ),
}

# id -> (bytes after the handshake, the echo)
FINE: dict[str, tuple[bytes, bytes]] = {
    "exactly the limit": (client_frame(bytes(65_536)), bytes(65_536)),
    "a length longer than needed": (b"\x82\xfe\x00\x05" + bytes(4) + b"hello", b"hello"),
    "an empty message": (client_frame(b""), b""),
    "a ping of 125 bytes between": (client_frame(bytes(125), PING) + client_frame(b"a"), b"a"),
    "an unsolicited pong": (client_frame(b"x", PONG) + client_frame(b"a"), b"a"),
    "64 fragments": (
        client_frame(b"x", BINARY_START) + client_frame(b"x", MIDDLE) * 62 + client_frame(b"x", CONTINUATION),
        b"x" * 64,
    ),
}


async def _ends_with(subprotocol: str, data: bytes, code: int) -> None:
    async with echo_server() as server:
        bystander, raw = await server.upgrade(), await server.upgrade(subprotocol)
        session = server.last
        raw.send(data)
        assert await raw.close_code() == code
        await raw.rest()
        await raw.closed()
        await asyncio.wait_for(session.gone.wait(), WAIT_S)
        assert session.codes == [code]
        bystander.send(client_frame(b"still here"))
        assert await bystander.frame() == (0x82, b"still here")


@pytest.mark.parametrize("name", ON_MSGPACK)
async def test_a_bad_frame_on_msgpack_ends_with_its_code(name):
    await _ends_with("chatd.v1.msgpack", *ON_MSGPACK[name])


@pytest.mark.parametrize("name", ON_JSON)
async def test_a_bad_frame_on_json_ends_with_its_code(name):
    await _ends_with("chatd.v1.json", *ON_JSON[name])


@pytest.mark.parametrize("name", FINE)
async def test_an_odd_frame_that_is_right_is_a_message(name):
    data, echo = FINE[name]
    async with echo_server() as server:
        raw = await server.upgrade()
        raw.send(data)
        first, payload = await raw.frame()
        while first != 0x82:
            first, payload = await raw.frame()
        assert payload == echo


async def test_a_character_cut_between_fragments_is_whole_in_the_message():
    text = "好👋".encode()
    async with echo_server() as server:
        raw = await server.upgrade("chatd.v1.json")
        raw.send(client_frame(text[:1], TEXT_START) + client_frame(text[1:5], MIDDLE))
        raw.send(client_frame(text[5:], CONTINUATION))
        assert await raw.frame() == (0x81, text)


async def test_the_first_message_has_a_limit_of_its_own():
    async with echo_server(lambda: Echo(frame_bytes_max=8192)) as server:
        exact, over = await server.upgrade(), await server.upgrade()
        exact.send(client_frame(bytes(8192)))
        assert await exact.frame() == (0x82, bytes(8192))
        over.send(client_frame(bytes(8193)))
        assert await over.close_code() == 1009


async def test_a_client_that_floods_and_never_reads_is_closed_all_the_same():
    async with echo_server() as server:
        raw = await server.upgrade()
        raw.writer.transport.pause_reading()
        raw.send(client_frame(bytes(125), PING) * 100_000)
        await asyncio.wait_for(server.last.gone.wait(), WAIT_S)
        assert server.last.codes == [4007]
