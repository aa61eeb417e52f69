"""The behaviour of the library that websocket/parsing.py relies on, by name, and the connections that need a parser."""

import gc
import weakref

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from chatd.websocket.parsing import FrameParser, sole_message
from tests.kit.frames import client_frame, upgrade_request
from tests.kit.manual_connection import ManualConnection


def test_a_parser_begins_open_and_between_frames():
    parser = FrameParser()
    assert parser.state is State.OPEN
    assert parser.between_frames


def test_one_frame_at_a_time_and_the_next_only_when_it_was_taken():
    parser = FrameParser()
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


def test_the_limit_is_read_before_every_frame():
    parser = FrameParser()
    parser.receive_data(client_frame(b"1") + client_frame(bytes(2000)))
    parser.events_received()
    parser.max_message_size = 1000
    next(parser.parser)
    assert parser.close_sent is not None
    assert parser.close_sent.code == 1009


def test_a_ping_is_answered_by_the_parser():
    parser = FrameParser()
    parser.receive_data(client_frame(b"hi", 0x89))
    assert parser.data_to_send() == [b"\x8a\x02hi"]


def test_a_forgotten_parser_is_freed_without_a_collection():
    parser = FrameParser()
    remembered = weakref.ref(parser)
    gc.disable()
    try:
        parser.forget()
        del parser
        assert remembered() is None
    finally:
        gc.enable()


def masked(payload: bytes, first: int = 0x82) -> bytes:
    return Frame(Opcode(first & 0x0F), payload, bool(first & 0x80)).serialize(mask=True)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535])
def test_a_whole_frame_goes_the_short_way_to_the_same_payload(size):
    payload = bytes(range(256)) * 256
    assert sole_message(masked(payload[:size]), 0x82, 65_536) == payload[:size]


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
    assert sole_message(data, 0x82, 1000) is None


def test_between_frames_is_where_one_may_begin_and_nowhere_else():
    parser = FrameParser()
    data = masked(b"x" * 10)
    parser.receive_data(data[:2])  # the parser holds the head, its buffer is empty
    assert not parser.between_frames
    parser.receive_data(data[2:])
    assert not parser.between_frames  # the frame was not taken
    parser.events_received()
    next(parser.parser)
    assert parser.between_frames
    parser.reader.feed_data(data[:1])
    assert not parser.between_frames  # something waits, unseen


@pytest.fixture
def parsers(monkeypatch):
    """All parsers that were built."""
    built = []

    class Counted(FrameParser):
        def __init__(self) -> None:
            super().__init__()
            built.append(self)

    monkeypatch.setattr("chatd.websocket.connection.FrameParser", Counted)
    return built


PACKET = b"\x81\xa4type\xa4ping"
WHOLE = client_frame(PACKET)


class TestNeed:
    def test_whole_messages_need_none_from_the_upgrade_to_the_end(self, parsers):
        manual = ManualConnection(handshake=False)
        manual.receive(upgrade_request() + WHOLE)
        for size in (0, 125, 126, 8192, 65_535):
            manual.receive(client_frame(bytes(size)))
        manual.connection.pause_reading()
        manual.connection.resume_reading()
        manual.env.advance(0)
        manual.connection.eof_received()
        manual.lose()
        assert len(manual.session.messages) == 6
        assert parsers == []

    def test_a_refused_upgrade_needs_none(self, parsers):
        manual = ManualConnection(handshake=False)
        manual.receive(upgrade_request(target="/") + WHOLE)
        manual.lose()
        assert manual.transport.written.startswith(b"HTTP/1.1 404 ")
        assert parsers == []

    @pytest.mark.parametrize(
        ("sent", "messages"),
        [
            ([client_frame(b"", 0x89)], []),
            ([WHOLE + WHOLE], [PACKET] * 2),
            ([WHOLE[:1], WHOLE[1:]], [PACKET]),
            ([WHOLE[:-1], WHOLE[-1:] + WHOLE[:9], WHOLE[9:]], [PACKET] * 2),
            ([client_frame(b"a", 0x02), client_frame(b"b", 0x80)], [b"ab"]),
        ],
        ids=["a ping", "two in one", "a split one", "two, split across", "fragments"],
    )
    def test_for_all_else_one_is_built_and_whole_messages_go_on(self, parsers, sent, messages):
        manual = ManualConnection()
        manual.receive(WHOLE)
        for data in sent:
            manual.receive(data)
        manual.receive(WHOLE)
        manual.receive(client_frame(b"p", 0x89))
        manual.receive(WHOLE)
        assert manual.session.messages == [PACKET, *messages, PACKET, PACKET]
        assert manual.transport.written.endswith(b"\x8a\x01p\x82" + bytes((len(PACKET),)) + PACKET)
        assert len(parsers) == 1

    def test_a_whole_frame_in_the_middle_of_a_message_is_a_violation(self):
        manual = ManualConnection()
        manual.receive(client_frame(b"a", 0x02))
        manual.receive(WHOLE)
        assert manual.close_code == 1002
        assert manual.session.messages == []

    def test_bad_utf8_in_a_whole_message_closes_though_there_was_none(self, parsers):
        manual = ManualConnection(subprotocol="chatd.v1.json")
        manual.receive(client_frame(b"\xff", 0x81))
        assert manual.close_code == 1007
        assert len(parsers) == 1

    def test_one_that_was_built_is_forgotten_with_the_link_and_freed_without_a_collection(self):
        manual = ManualConnection()
        manual.receive(client_frame(b"", 0x89))
        remembered = weakref.ref(manual.connection._frames)
        gc.disable()
        try:
            manual.lose()
            del manual.connection._frames
            assert remembered() is None
        finally:
            gc.enable()
