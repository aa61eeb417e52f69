import os
import zlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from chatd.websocket.frames import binary_frame, deflate_wrapper, text_frame

# protocol.md "Vectors": C07 an event push, C22 the same as a server frame, C12 a head push, C21 the same wrapped
C07 = bytes.fromhex(
    "83a474797065a56576656e74a4726f6f6dac6734664b7a38315177586532a66576656e74739187a3736571cd0412a46b696e64"
    "a76d657373616765a475736572a3753432a474696d65cf0000019ab0a20cb0a76f7264696e616ccd03dba36b6579b6415a7178"
    "6b503376653953466d51624a376845335a77a4626f647981a474657874a7486920f09f918b"
)
C22 = bytes.fromhex("827e008b") + C07
C12 = bytes.fromhex(
    "82a474797065a468656164a5726f6f6d739183a4726f6f6dac6734664b7a38315177586532a3736571cd0414a76f7264696e616ccd03db"
)
C21 = bytes.fromhex(
    "c738016b5a52525990ba242335316569517e7e6ef1c4e625207a4dba499a77958561607944aad1e2e2d4c2b32c22cbf38b5232f31273ce32df0600"
)


def parsed(wire: bytes) -> Frame:
    """The one frame in `wire`, read by an independent implementation."""
    reader = StreamReader()
    reader.feed_data(wire)
    parser = Frame.parse(reader.read_exact, mask=False)
    try:
        next(parser)
    except StopIteration as result:
        assert not reader.buffer, "bytes left behind the frame"
        return result.value
    raise AssertionError("the frame is incomplete")


def inflated(wrapper: bytes) -> bytes:
    ext = msgpack.unpackb(wrapper)
    assert ext.code == 1
    return zlib.decompress(ext.data, wbits=-15)


def test_the_event_vector_is_framed_byte_for_byte() -> None:
    assert binary_frame(C07) == C22


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65535, 65536, 300_000])
def test_every_length_form_is_read_by_another_implementation(length: int) -> None:
    payload = os.urandom(length)
    binary, text = parsed(binary_frame(payload)), parsed(text_frame(payload))
    assert (binary.opcode, binary.fin, bytes(binary.data)) == (Opcode.BINARY, True, payload)
    assert (text.opcode, text.fin, bytes(text.data)) == (Opcode.TEXT, True, payload)


def test_the_wrapper_vector_inflates_to_the_head_push() -> None:
    assert inflated(C21) == C12


def test_a_short_packet_is_not_wrapped() -> None:
    assert deflate_wrapper(b"\x80" * 1023, 1024) is None


def test_a_packet_that_does_not_shrink_is_not_wrapped() -> None:
    assert deflate_wrapper(os.urandom(4096), 1024) is None


@pytest.mark.parametrize("noise", [0, 200, 2000, 100_000])
def test_each_ext_form_inflates_to_the_packet(noise: int) -> None:
    packet = os.urandom(noise) + b"the same words again " * (noise // 20 + 100)
    wrapper = deflate_wrapper(packet, 1024)
    assert wrapper is not None
    assert inflated(wrapper) == packet


@given(st.binary(min_size=1024, max_size=4096) | st.text(min_size=1024, max_size=4096).map(str.encode))
def test_a_wrapper_saves_a_tenth_or_does_not_exist(packet: bytes) -> None:
    wrapper = deflate_wrapper(packet, 1024)
    if wrapper is not None:
        assert inflated(wrapper) == packet
        assert len(wrapper) <= 0.9 * len(packet)
