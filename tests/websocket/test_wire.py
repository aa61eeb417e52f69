import pytest

from chatd.websocket.connection import CORKED_BYTES_MAX
from tests.kit.echo import client_frame
from tests.kit.held import Held


class TestCorked:
    """Frames that wait for each other to cost one system call (websocket/wire.py)."""

    def test_frames_are_one_write_in_their_order(self):
        held = Held()
        held.transport.writes = 0
        held.connection.cork()
        for frame in (b"\x82\x01a", b"\x82\x01b", b"\x82\x01c"):
            held.connection.write(frame)
        assert held.transport.written == b""
        held.connection.uncork()
        held.connection.write(b"\x82\x01d")
        assert held.transport.written == b"\x82\x01a\x82\x01b\x82\x01c\x82\x01d"
        assert held.transport.writes == 2

    def test_frames_count_as_buffered(self):
        held = Held()
        held.connection.cork()
        held.connection.write(b"\x82\x01a")
        held.connection.write(b"\x82\x01b")
        assert held.connection.buffered_bytes() == 6
        held.connection.uncork()
        assert held.connection.buffered_bytes() == 0

    def test_frames_beyond_the_bound_are_written_so_that_a_full_transport_tells(self):
        held = Held()
        held.transport.is_stuck = True
        held.connection.cork()
        for _ in range(3):
            held.connection.write(bytes(CORKED_BYTES_MAX // 2))
        assert len(held.transport.written) == 3 * (CORKED_BYTES_MAX // 2)
        assert held.session.flow == ["blocked"]

    def test_frames_go_before_a_close_frame(self):
        held = Held()
        held.connection.cork()
        held.connection.write(b"\x82\x01a")
        held.connection.close(4001, "replaced")
        held.connection.write(b"\x82\x01b")
        held.connection.uncork()
        assert held.transport.written.startswith(b"\x82\x01a\x88")
        assert held.close_code == 4001

    def test_frames_go_before_the_answer_to_a_ping(self):
        held = Held()
        held.connection.cork()
        held.connection.write(b"\x82\x01a")
        held.receive(client_frame(b"hi", 0x89))
        held.connection.uncork()
        assert held.transport.written == b"\x82\x01a\x8a\x02hi"

    @pytest.mark.parametrize("end", ["abort", "lost"])
    def test_frames_of_a_link_that_ends_are_dropped(self, end):
        held = Held()
        held.connection.cork()
        held.connection.write(b"\x82\x01a")
        held.connection.abort() if end == "abort" else held.lose()
        held.connection.uncork()
        assert held.transport.written == b""
        assert held.connection.buffered_bytes() == 0
