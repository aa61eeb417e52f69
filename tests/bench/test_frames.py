"""The upgrade is checked, frames are found wherever the bytes are cut, violations are refused."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame as LibraryFrame
from websockets.frames import Opcode
from websockets.server import ServerProtocol

from bench import wire
from bench.wire import (
    Frame,
    FrameError,
    FrameReader,
    HandshakeError,
    Upgrade,
    client_frame,
    close_code,
    masked,
)

BINARY = 0x2
STREAM: list[tuple[Opcode, bytes, bool]] = [
    (Opcode.BINARY, b"", True),
    (Opcode.BINARY, b"a" * 125, True),
    (Opcode.PING, b"p", True),
    (Opcode.TEXT, b"b" * 126, True),
    (Opcode.BINARY, b"frag", False),
    (Opcode.PONG, b"", True),
    (Opcode.CONT, b"", False),
    (Opcode.CONT, b"ment", True),
    (Opcode.BINARY, b"c" * 70_000, True),
    (Opcode.CLOSE, b"\x0f\xa0restart", True),
]
MESSAGES = [
    Frame(BINARY, b""),
    Frame(BINARY, b"a" * 125),
    Frame(wire.PING, b"p"),
    Frame(0x1, b"b" * 126),
    Frame(wire.PONG, b""),
    Frame(BINARY, b"fragment"),
    Frame(BINARY, b"c" * 70_000),
    Frame(wire.CLOSE, b"\x0f\xa0restart"),
]


def server_bytes(stream: list[tuple[Opcode, bytes, bool]]) -> bytes:
    """What an independent library sends for these frames."""
    parts = (LibraryFrame(opcode, payload, fin=fin).serialize(mask=False) for opcode, payload, fin in stream)
    return b"".join(parts)


def test_frames_are_found_when_fed_byte_by_byte() -> None:
    reader, found = FrameReader(), []
    for byte in server_bytes(STREAM):
        found += reader.feed(bytes([byte]))
    assert found == MESSAGES


def test_frames_are_found_when_the_stream_is_cut_at_every_byte() -> None:
    stream = server_bytes(STREAM[:8] + STREAM[9:])
    wanted = MESSAGES[:6] + MESSAGES[7:]
    for at in range(len(stream) + 1):
        reader = FrameReader()
        assert reader.feed(stream[:at]) + reader.feed(stream[at:]) == wanted, at


@given(st.lists(st.integers(min_value=1, max_value=40_000), max_size=12))
def test_frames_are_found_however_the_stream_is_cut(sizes: list[int]) -> None:
    stream, reader, found = server_bytes(STREAM), FrameReader(), []
    for size in sizes:
        found += reader.feed(stream[:size])
        stream = stream[size:]
    assert found + reader.feed(stream) == MESSAGES


@pytest.mark.parametrize(
    "violation",
    [
        b"\x82\x81\x00\x00\x00\x00a",
        b"\xc2\x01a",
        b"\x09\x01a",
        b"\x89\x7e\x00\x7e" + b"a" * 126,
        b"\x80\x01a",
        b"\x02\x01a\x82\x01b",
        b"\x82\x7f" + (wire.FRAME_BYTES_MAX + 1).to_bytes(8, "big"),
    ],
    ids=["masked", "reserved bit", "cut ping", "long ping", "lone continuation", "interrupted", "too long"],
)
def test_a_violation_is_refused(violation: bytes) -> None:
    with pytest.raises(FrameError):
        FrameReader().feed(violation)


def test_fragments_are_bounded_together() -> None:
    half = b"\x02\x7f" + (wire.FRAME_BYTES_MAX).to_bytes(8, "big") + bytes(wire.FRAME_BYTES_MAX)
    reader = FrameReader()
    assert reader.feed(half) == []
    with pytest.raises(FrameError):
        reader.feed(b"\x80\x01a")


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_client_frame_is_read_by_an_independent_library(size: int) -> None:
    server, payload = ServerProtocol(max_size=None), os.urandom(size)
    upgrade = Upgrade("h", "/", "chatd.v1.msgpack")
    server.receive_data(upgrade.request)
    server.send_response(server.accept(server.events_received()[0]))  # type: ignore[arg-type]
    server.receive_data(client_frame(BINARY, payload))
    (frame,) = server.events_received()
    assert isinstance(frame, LibraryFrame)
    assert (frame.opcode, frame.data) == (BINARY, payload)


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_masking_twice_gives_the_payload_back(payload: bytes, mask: bytes) -> None:
    hidden = masked(payload, mask)
    assert hidden == bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    assert masked(hidden, mask) == payload


def test_two_frames_do_not_share_a_mask() -> None:
    assert len({client_frame(BINARY, b"same") for _ in range(20)}) > 1


def answer_of_a_library(upgrade: Upgrade) -> bytes:
    server = ServerProtocol(subprotocols=["chatd.v1.msgpack"])  # type: ignore[list-item]
    server.receive_data(upgrade.request)
    server.send_response(server.accept(server.events_received()[0]))  # type: ignore[arg-type]
    head, _, _ = b"".join(server.data_to_send()).partition(b"\r\n\r\n")
    return head


def test_the_answer_of_an_independent_library_is_accepted() -> None:
    upgrade = Upgrade("h:1", "/v1/ws", "chatd.v1.msgpack")
    upgrade.check(answer_of_a_library(upgrade))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"101", b"403", "answered with"),
        (b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: x", "sec-websocket-accept"),
        (b"Sec-WebSocket-Protocol: chatd.v1.msgpack", b"X: y", "sec-websocket-protocol"),
    ],
)
def test_another_answer_is_refused(old: bytes, new: bytes, reason: str) -> None:
    upgrade = Upgrade("h:1", "/v1/ws", "chatd.v1.msgpack")
    answer = answer_of_a_library(upgrade)
    assert old in answer
    with pytest.raises(HandshakeError, match=reason):
        upgrade.check(answer.replace(old, new))


def test_an_answer_to_somebody_else_is_refused() -> None:
    upgrade, other = (Upgrade("h:1", "/", "chatd.v1.msgpack") for _ in range(2))
    with pytest.raises(HandshakeError):
        upgrade.check(answer_of_a_library(other))


@pytest.mark.parametrize(("payload", "code"), [(b"", 1005), (b"\x0f", 1005), (b"\x0f\xa0", 4000)])
def test_the_close_code_is_read(payload: bytes, code: int) -> None:
    assert close_code(payload) == code
