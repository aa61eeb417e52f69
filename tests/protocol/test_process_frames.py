import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.protocol.process_frames import FRAME_MAX, FrameReader, Kind, decode, frame

frames = st.lists(st.tuples(st.sampled_from(Kind), st.text() | st.integers(0, 2**32) | st.none()))


@given(frames, st.integers(1, 64))
def test_frames_come_whole_however_their_bytes_come(sent, piece):
    data = b"".join(frame(kind, content) for kind, content in sent)
    reader = FrameReader()
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)]
    got = [(kind, decode(payload, object)) for one in pieces for kind, payload in reader.feed(one)]
    assert got == sent


@pytest.mark.parametrize(
    "data", [(FRAME_MAX + 1).to_bytes(4, "big") + b"\x05", b"\0\0\0\0\x09", b"\0\0\0\0\0"]
)
def test_what_is_no_frame_is_refused(data):
    with pytest.raises(ValueError, match=r"long|Kind"):
        list(FrameReader().feed(data))


@given(st.binary())
def test_bytes_of_anything_are_frames_or_refused(data):
    try:
        for _, payload in FrameReader().feed(data):
            decode(payload, list[int])
    except ValueError:
        pass
