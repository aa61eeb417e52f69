"""The test client itself: one that never objects would prove nothing, so each broken promise must be found."""

from typing import Any

import pytest

from tests.kit.client_socket import Garbled, Packet, decode, encode
from tests.kit.protocol_promises import BrokenPromise, Promises
from tests.kit.shapes import Misshapen

ROOM = "g4fKz81QwXe2"
SEND = {"type": "send", "id": 1, "room": ROOM, "key": "k" * 22}


def message(seq: int, **fields: Any) -> Packet:
    """A message event as a server sends it."""
    event = {
        "seq": seq,
        "kind": "message",
        "user": "alice",
        "time": 1,
        "key": "k" * 22,
        "body": {"text": "x"},
    }
    return {**event, **fields}


def push(*seqs: int) -> Packet:
    return {"type": "event", "room": ROOM, "events": [message(seq) for seq in seqs]}


def head(seq: int) -> Packet:
    return {"type": "head", "rooms": [{"room": ROOM, "seq": seq, "ordinal": 1}]}


GONE = {"type": "gone", "room": ROOM}
BYE = {"type": "bye", "reason": "restart", "close": 4000}
ACK = {"type": "ok", "id": 1, "seq": 5, "time": 1}

KEPT: dict[str, list[Packet]] = {
    "events in order": [push(1, 2), push(3)],
    "a gap": [push(1), push(3)],
    "head, then event": [head(3), push(4)],
    "event, then its head": [push(3), head(3)],
    "an ack between": [push(4), ACK, push(6)],
    "a duplicate shows an old number": [push(9), {**ACK, "duplicate": True}],
    "gone": [push(1), GONE],
    "back again": [GONE, {"type": "room", "summary": {"room": ROOM, "seq": 7}}, push(8)],
    "bye": [push(1), BYE],
}

BROKEN: dict[str, list[Packet]] = {
    "a repeated event": [push(1), push(1)],
    "an event going back": [push(2), push(1)],
    "a hole inside a push": [push(1, 3)],
    "a head going back": [head(3), head(2)],
    "an event behind its head": [head(3), push(2)],
    "the own event beside the ack": [ACK, push(5)],
    "an event behind the ack": [ACK, push(4)],
    "an event after gone": [GONE, push(1)],
    "a head after gone": [GONE, head(1)],
    "something after bye": [BYE, push(1)],
    "an answer nobody asked for": [{"type": "ok", "id": 7}],
    "two answers": [ACK, ACK],
}

MISSHAPEN: dict[str, Packet] = {
    "a default that is sent": {"type": "room", "summary": {"room": ROOM, "seq": 1, "unread": 0}},
    "a false flag": {"type": "room", "summary": {"room": ROOM, "seq": 1, "pinned": False}},
    "null": {"type": "room", "summary": {"room": ROOM, "seq": 1, "title": None}},
    "a private key": {"type": "room", "summary": {"room": ROOM, "seq": 1, "password": "x"}},
    "no time": {"type": "event", "room": ROOM, "events": [{"seq": 1, "kind": "recall", "target": 1}]},
    "a recipient's own": {"type": "event", "room": ROOM, "events": [message(1, mine=["x"])]},
    "no events": {"type": "event", "room": ROOM, "events": []},
    "a body of the recalled": {"type": "event", "room": ROOM, "events": [message(1, recalled=True)]},
    "a wrong reason": {"type": "bye", "reason": "tired", "close": 4000},
    "an unknown push": {"type": "gossip"},
    "a truth for a number": {"type": "head", "rooms": [{"room": ROOM, "seq": True, "ordinal": 1}]},
    "an answer without its number": {"type": "ok", "id": 1, "time": 1},
    "a wrong retry": {"type": "error", "id": 1, "code": "forbidden", "retry": "later"},
    "an unknown code": {"type": "error", "id": 1, "code": "bad_luck", "retry": "never"},
    "a delay for ever": {"type": "error", "id": 1, "code": "gone", "retry": "never", "retry_after": 5},
}


def _hears(packets: list[Packet]) -> None:
    promises = Promises()
    promises.asked(SEND)
    for packet in packets:
        promises.hear(packet)


@pytest.mark.parametrize("packets", KEPT.values(), ids=KEPT)
def test_a_kept_promise_is_no_complaint(packets: list[Packet]) -> None:
    _hears(packets)


@pytest.mark.parametrize("packets", BROKEN.values(), ids=BROKEN)
def test_a_broken_promise_is_found(packets: list[Packet]) -> None:
    with pytest.raises(BrokenPromise):
        _hears(packets)


@pytest.mark.parametrize("packet", MISSHAPEN.values(), ids=MISSHAPEN)
def test_a_misshapen_packet_is_noticed(packet: Packet) -> None:
    with pytest.raises(Misshapen):
        _hears([packet])


@pytest.mark.parametrize("content", [[], 7, [7], ["x"], [{}] * 65], ids=repr)
def test_a_frame_that_is_no_packet_is_noticed(content: Any) -> None:
    for encoding in ("msgpack", "json"):
        with pytest.raises(Garbled):
            decode(encoding, encode(encoding, content))


def test_the_wrong_kind_of_frame_is_noticed() -> None:
    with pytest.raises(Garbled):
        decode("json", encode("msgpack", {"type": "ping"}))
