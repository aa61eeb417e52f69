"""What edge/parsing.py relies on in the library: a new release that breaks it fails here, with a name."""

import gc
import weakref

import pytest
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State

from chatd.edge.parsing import JSON, EventParser
from tests.kit.echo import client_frame, upgrade_request


def opened() -> EventParser:
    parser = EventParser()
    parser.receive_data(upgrade_request("x, chatd.v1.json, chatd.v1.msgpack"))
    [request] = parser.events_received()
    assert isinstance(request, Request)
    parser.send_response(parser.accept(request))
    parser.data_to_send()
    parser.begin_frames()
    return parser


def test_the_handshake_ends_open_with_the_wish_of_the_client():
    parser = opened()
    assert parser.state is State.OPEN
    assert parser.subprotocol == JSON


def test_one_event_at_a_time_and_the_next_only_when_it_was_taken():
    parser = opened()
    parser.receive_data(client_frame(b"1") + client_frame(b"2") + client_frame(b"3")[:4])
    assert [event.data for event in parser.events] == [b"1"]
    next(parser.parser)
    assert [event.data for event in parser.events_received()] == [b"1"]
    next(parser.parser)
    assert [event.data for event in parser.events_received()] == [b"2"]
    next(parser.parser)
    assert parser.events_received() == []
    parser.receive_data(client_frame(b"3")[4:])
    assert [event.data for event in parser.events_received()] == [b"3"]


def test_frames_behind_the_handshake_wait_until_it_is_answered():
    parser = EventParser()
    parser.receive_data(upgrade_request() + client_frame(b"1"))
    [request] = parser.events_received()
    parser.send_response(parser.accept(request))
    parser.begin_frames()
    next(parser.parser)
    [frame] = parser.events_received()
    assert isinstance(frame, Frame)
    assert (frame.opcode, frame.data) == (Opcode.BINARY, b"1")


def test_the_limit_is_read_before_every_frame():
    parser = opened()
    parser.receive_data(client_frame(b"1") + client_frame(bytes(2000)))
    parser.events_received()
    parser.max_message_size = 1000
    next(parser.parser)
    assert parser.close_sent is not None
    assert parser.close_sent.code == 1009


def test_a_ping_is_answered_by_the_parser():
    parser = opened()
    parser.receive_data(client_frame(b"hi", 0x89))
    assert parser.data_to_send() == [b"\x8a\x02hi"]


def test_the_request_is_not_kept_alive():
    parser = EventParser()
    parser.receive_data(upgrade_request())
    [request] = parser.events_received()
    parser.send_response(parser.accept(request))
    parser.begin_frames()
    remembered = weakref.ref(request)
    del request
    assert remembered() is None


def test_a_forgotten_parser_is_freed_without_a_collection():
    parser = opened()
    remembered = weakref.ref(parser)
    gc.disable()
    try:
        parser.forget()
        del parser
        assert remembered() is None
    finally:
        gc.enable()


def between_frames() -> EventParser:
    parser = opened()
    next(parser.parser)
    return parser


def masked(payload: bytes, first: int = 0x82) -> bytes:
    return Frame(Opcode(first & 0x0F), payload, bool(first & 0x80)).serialize(mask=True)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535])
def test_a_whole_frame_goes_the_short_way_to_the_same_payload(size):
    parser = between_frames()
    payload = bytes(range(256)) * 256
    assert parser.sole_message(masked(payload[:size]), 0x82, 65_536) == payload[:size]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        masked(b"x" * 10)[:-1],
        masked(b"x" * 10) + b"\x82",
        masked(b"x" * 10, 0x81),
        masked(b"x" * 10, 0x02),
        b"\x82\x01x" + b"y" * 5,
        b"\x82\xfe\x00\x05maskhello",
        b"\x82\xff" + bytes(8) + b"mask",
        masked(b"x" * 1001),
    ],
    ids=["none", "cut", "more", "text", "fragment", "unmasked", "long form of 5", "64 bits", "too big"],
)
def test_everything_else_goes_the_long_way(data):
    assert between_frames().sole_message(data, 0x82, 1000) is None


def test_a_frame_goes_the_short_way_only_where_one_may_begin():
    parser = between_frames()
    data = masked(b"x" * 10)
    parser.receive_data(data[:2])  # the parser holds the head, its buffer is empty
    assert parser.sole_message(data, 0x82, 1000) is None
    parser.receive_data(data[2:])
    assert parser.sole_message(data, 0x82, 1000) is None  # the event was not taken
    parser.events_received()
    next(parser.parser)
    assert parser.sole_message(data, 0x82, 1000) == b"x" * 10
