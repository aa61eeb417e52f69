import pytest

from chatd.websocket.connection import CORKED_BYTES_MAX
from tests.kit.frames import client_frame
from tests.kit.manual_connection import ManualConnection


class TestCorked:
    """Frames that wait for each other to cost one system call (websocket/wire.py)."""

    def test_frames_are_one_write_in_their_order(self):
        manual = ManualConnection()
        manual.transport.writes = 0
        manual.connection.cork()
        for frame in (b"\x82\x01a", b"\x82\x01b", b"\x82\x01c"):
            manual.connection.write(frame)
        assert manual.transport.written == b""
        manual.connection.uncork()
        manual.connection.write(b"\x82\x01d")
        assert manual.transport.written == b"\x82\x01a\x82\x01b\x82\x01c\x82\x01d"
        assert manual.transport.writes == 2

    def test_frames_count_as_buffered(self):
        manual = ManualConnection()
        manual.connection.cork()
        manual.connection.write(b"\x82\x01a")
        manual.connection.write(b"\x82\x01b")
        assert manual.connection.buffered_bytes() == 6
        manual.connection.uncork()
        assert manual.connection.buffered_bytes() == 0

    def test_frames_beyond_the_bound_are_written_so_that_a_full_transport_tells(self):
        manual = ManualConnection()
        manual.transport.is_stuck = True
        manual.connection.cork()
        for _ in range(3):
            manual.connection.write(bytes(CORKED_BYTES_MAX // 2))
        assert len(manual.transport.written) == 3 * (CORKED_BYTES_MAX // 2)
        assert manual.session.flow == ["blocked"]

    def test_frames_go_before_a_close_frame(self):
        manual = ManualConnection()
        manual.connection.cork()
        manual.connection.write(b"\x82\x01a")
        manual.connection.close(4001, "replaced")
        manual.connection.write(b"\x82\x01b")
        manual.connection.uncork()
        assert manual.transport.written.startswith(b"\x82\x01a\x88")
        assert manual.close_code == 4001

    def test_frames_go_before_the_answer_to_a_ping(self):
        manual = ManualConnection()
        manual.connection.cork()
        manual.connection.write(b"\x82\x01a")
        manual.receive(client_frame(b"hi", 0x89))
        manual.connection.uncork()
        assert manual.transport.written == b"\x82\x01a\x8a\x02hi"

    @pytest.mark.parametrize("end", ["abort", "lost"])
    def test_frames_of_a_link_that_ends_are_dropped(self, end):
        manual = ManualConnection()
        manual.connection.cork()
        manual.connection.write(b"\x82\x01a")
        manual.connection.abort() if end == "abort" else manual.lose()
        manual.connection.uncork()
        assert manual.transport.written == b""
        assert manual.connection.buffered_bytes() == 0
