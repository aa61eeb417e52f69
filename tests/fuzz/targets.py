"""Five functions that take any bytes and raise only for a defect: for a fuzzer, and for the suite, which replays its
corpus. The first byte of an input chooses the encoding or how the rest is cut."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import msgpack

from chatd.protocol import close_codes
from chatd.protocol.codec import Invalid, decode_packets
from chatd.protocol.errors import ERRORS, Broken
from chatd.protocol.identifiers import U53_MAX
from tests.fuzz.costs import costs
from tests.fuzz.parts import AppPart, ConnectionPart, HttpPart
from tests.kit.frames import server_frames

STATUSES = {100, 101, 200, 400, 401, 403, 404, 405, 426, 431, 503}
# The last range includes codes of later protocols (RFC 6455 section 7.4.2).
OF_CLIENTS = {1000, 1001, *range(3000, 5000)}
# This includes a close that is repeated to its sender.
OF_LIBRARIES = {
    1001,
    1003,
    1007,
    1008,
    1009,
    1010,
    1011,
    1012,
    1013,
    1014,
}
# Errors that are documented, and never right here.
DEFECTS = {"internal"}
FRAME_BYTES = 65_536


def head(data: bytes) -> None:
    """Check a bare connection: the answer, if any, has a documented status."""
    written = _http_part().attempt(_pieces(data))
    if written:
        assert written.startswith(b"HTTP/1.1 "), written[:40]
        assert int(written[9:12]) in STATUSES, written[:40]


def frames(data: bytes) -> None:
    """Check a connection behind its handshake: whole messages come back, and its end, if any, has a documented code."""
    connection = ConnectionPart("chatd.v1.json" if data[:1] and data[0] & 1 else "chatd.v1.msgpack")
    for piece in _pieces(data):
        connection.receive(piece)
    for first, payload in server_frames(connection.close()):
        assert first in (0x81, 0x82, 0x88, 0x8A), first
        if first == 0x88 and payload:
            code = int.from_bytes(payload[:2], "big")
            assert code in close_codes.CLOSE_CODES or code in OF_CLIENTS | OF_LIBRARIES, code


def packets(data: bytes) -> None:
    """Check a payload: requests, refusals, or the end; and another decoder reads the same out of it."""
    text, payload = bool(data[:1]) and data[0] & 1 == 1, data[1:]
    if text and not _is_text(payload):
        # The connection lets nothing else through.
        return
    try:
        found = list(decode_packets(payload, text))
    except Broken as broken:
        _documented_end(broken.code)
        return
    for request in found:
        if isinstance(request, Invalid):
            assert request.refusal.code in ERRORS
        assert 0 <= request.id <= U53_MAX
    _agrees(payload, text, [request.id for request in found])


def commands(data: bytes) -> None:
    """Check a payload for a whole daemon without sockets: documented answers, one to each request, and no defect.

    It is the next frame of mallory, or, by another bit, the first one of a stranger.
    """
    kind, payload = data[0] if data else 0, data[1:]
    text, first = bool(kind & 1), bool(kind & 2)
    if len(payload) > FRAME_BYTES or (text and not _is_text(payload)):
        return
    app_part = _app_part()
    received = app_part.say_hello(payload, text=text) if first else app_part.attempt(payload, text=text)
    answered = [packet["id"] for packet in received if "id" in packet]
    for packet in received:
        if packet["type"] == "error":
            assert packet["code"] in ERRORS.keys() - DEFECTS, packet
        elif packet["type"] == "bye":
            assert packet["close"] in close_codes.CLOSE_CODES.keys() - {close_codes.INTERNAL}, packet
    asked = _ids(payload, text)
    if asked is not None and not any(packet["type"] == "bye" for packet in received):
        assert sorted(answered) == sorted(asked), f"asked {asked}, answered {answered}"


TARGETS: dict[str, Callable[[bytes], None]] = {
    "head": head,
    "frames": frames,
    "packets": packets,
    "commands": commands,
    "costs": costs,
}


def leave() -> None:
    """Close the server of the targets; a call afterwards builds it anew."""
    if _app_part.cache_info().currsize:
        _app_part().close()
    if _http_part.cache_info().currsize:
        _http_part().close()
    _app_part.cache_clear()
    _http_part.cache_clear()


_http_part = cache(HttpPart)
_app_part = cache(AppPart)


def _documented_end(code: int) -> None:
    assert code in close_codes.CLOSE_CODES, code


def _pieces(data: bytes) -> list[bytes]:
    """Return the rest of an input in pieces, of a size that its first byte gives; the lowest bit of it means
    something else."""
    size = (data[0] >> 1) or len(data) if data else 1
    return [data[at : at + size] for at in range(1, len(data), size)]


def _is_text(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _agrees(payload: bytes, text: bool, ids: list[int]) -> None:
    """Whether an independent decoder finds the same ids; one that finds no packets at all is not counted."""
    asked = _ids(payload, text)
    if asked is not None:
        assert [id for id in ids if id] == asked, f"ids {ids}, but there are {asked}"


def _ids(payload: bytes, text: bool) -> list[int] | None:
    """Return the valid ids in the packets of a frame by another decoder; None when it cannot tell."""
    try:
        content = json.loads(payload) if text else _unpacked(payload)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        # A TypeError is a map as the key of a map.
        return None
    batch = content if isinstance(content, list) else [content]
    if not all(isinstance(packet, dict) and _is_plain(packet) for packet in batch):
        return None
    return [packet["id"] for packet in batch if _is_id(packet.get("id"))]


def _unpacked(payload: bytes) -> Any:
    return msgpack.unpackb(payload, strict_map_key=False, unicode_errors="replace", timestamp=0)


def _is_plain(packet: dict[Any, Any]) -> bool:
    return all(isinstance(key, str) for key in packet)


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= U53_MAX
