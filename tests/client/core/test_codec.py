"""The client's codec against the vectors of protocol.md and against input that it must refuse."""

import json
import struct
import zlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.client.core.codec import BATCH_MAX, FRAME_BYTES_MAX, BadFrame, JsonCodec, MsgpackCodec
from tests.kit import document, vectors

VECTORS = [pytest.param(vector, id=vector.name) for vector in document.vectors()]
PACKED = [pytest.param(vector, id=vector.name) for vector in document.vectors() if vector.form == "msgpack"]


def encoded(codec, value):
    packets = value if isinstance(value, list) else [value]
    return codec.join([codec.encode(packet) for packet in packets])


def deflated(content: bytes, *, kind: int = 1) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return msgpack.packb(msgpack.ExtType(kind, packer.compress(content) + packer.flush()))


@pytest.mark.parametrize("vector", PACKED)
def test_msgpack_bytes_of_a_vector_decode_to_its_json(vector):
    packets = [vectors.with_bytes(packet) for packet in vector.packets]
    assert MsgpackCodec().decode(vector.payload) == packets


@pytest.mark.parametrize("vector", PACKED)
def test_json_of_a_vector_encodes_to_its_msgpack_bytes(vector):
    assert encoded(MsgpackCodec(), vectors.with_bytes(vector.value)) == vector.payload


@pytest.mark.parametrize("vector", VECTORS)
def test_json_text_of_a_vector_survives_both_ways(vector):
    codec = JsonCodec()
    packets = codec.decode(vector.json_text)
    assert packets == [vectors.with_bytes(packet) for packet in vector.packets]
    assert encoded(codec, packets if len(packets) > 1 else packets[0]).decode() == vector.json_text


def test_the_deflate_wrapper_of_the_document_opens_to_what_it_wraps():
    (wrapped,) = (vector for vector in document.vectors() if vector.form == "wrapper")
    assert MsgpackCodec().decode(wrapped.payload) == wrapped.packets


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xc0", id="nil"),
        pytest.param(b"\x90", id="empty batch"),
        pytest.param(b"\x91\x91\x80", id="nested batch"),
        pytest.param(msgpack.packb([{}] * (BATCH_MAX + 1)), id="65 packets"),
        pytest.param(msgpack.packb({"type": "ping"})[:-1], id="truncated"),
        pytest.param(msgpack.packb({"type": "ping"}) + b"\x00", id="trailing byte"),
        pytest.param(msgpack.packb({1: 2}), id="key that is no text"),
        pytest.param(b"\x81\xa1\xff\xc0", id="text that is not UTF-8"),
        pytest.param(b"\xdd\xff\xff\xff\xff", id="array of four billion"),
        pytest.param(b"\x91" * 100_000, id="nested too deep"),
        pytest.param(deflated(msgpack.packb({"type": "ping"}), kind=2), id="unknown wrapper"),
        pytest.param(deflated(deflated(msgpack.packb({"type": "ping"}))), id="wrapper in a wrapper"),
        pytest.param(msgpack.packb(msgpack.ExtType(1, b"\xff\xff")), id="no deflate"),
        pytest.param(deflated(msgpack.packb({"type": "x" * FRAME_BYTES_MAX})), id="inflates too far"),
        pytest.param("{}", id="text frame"),
    ],
)
def test_what_is_no_msgpack_frame_is_refused(frame):
    with pytest.raises(BadFrame):
        MsgpackCodec().decode(frame)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param("", id="empty"),
        pytest.param("null", id="null"),
        pytest.param("[]", id="empty batch"),
        pytest.param("[[{}]]", id="nested batch"),
        pytest.param("{", id="truncated"),
        pytest.param("[" * 100_000, id="nested too deep"),
        pytest.param(b"{}", id="binary frame"),
    ],
)
def test_what_is_no_json_frame_is_refused(frame):
    with pytest.raises(BadFrame):
        JsonCodec().decode(frame)


def test_a_truncated_deflate_stream_is_refused():
    content = msgpack.unpackb(deflated(msgpack.packb({"type": "ping"})))
    with pytest.raises(BadFrame):
        MsgpackCodec().decode(msgpack.packb(msgpack.ExtType(1, content.data[:-1])))


def test_bytes_after_the_deflate_stream_are_refused():
    content = msgpack.unpackb(deflated(msgpack.packb({"type": "ping"})))
    with pytest.raises(BadFrame):
        MsgpackCodec().decode(msgpack.packb(msgpack.ExtType(1, content.data + b"!")))


def test_a_map_that_only_looks_like_bytes_stays_a_map():
    text = '{"a":{"$bytes":"!"},"b":{"$bytes":1},"c":{"$bytes":"AA","more":1}}'
    assert JsonCodec().decode(text) == [json.loads(text)]


@pytest.mark.parametrize("codec", [MsgpackCodec(), JsonCodec()])
@pytest.mark.parametrize("value", [object(), {1, 2}])
def test_what_has_no_place_in_a_packet_cannot_be_encoded(codec, value):
    with pytest.raises(TypeError):
        codec.encode({"data": value})


@pytest.mark.parametrize("value", [float("nan"), "\ud800"])
def test_what_json_cannot_carry_is_refused_before_it_is_sent(value):
    with pytest.raises(ValueError):  # noqa: PT011 - json and str.encode word it as they like
        JsonCodec().encode({"data": value})


@pytest.mark.parametrize("count", [1, 15, 16, 64])
def test_a_joined_batch_of_any_size_decodes_to_its_packets(count):
    packets = [{"type": "read", "seq": number} for number in range(count)]
    for codec, opened in ((MsgpackCodec(), bytes), (JsonCodec(), bytes.decode)):
        frame = codec.join([codec.encode(packet) for packet in packets])
        assert codec.decode(opened(frame)) == packets


scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.binary()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(st.dictionaries(st.text(max_size=5), values, max_size=5))
def test_whatever_is_encoded_decodes_to_itself(packet):
    assert MsgpackCodec().decode(MsgpackCodec().encode(packet)) == [packet]


@given(st.dictionaries(st.text("abc", max_size=5), values, max_size=5))
def test_both_encodings_carry_the_same_values(packet):
    assert JsonCodec().decode(JsonCodec().encode(packet).decode()) == [packet]


@given(st.binary(max_size=200))
def test_random_bytes_give_packets_or_a_bad_frame(frame):
    try:
        packets = MsgpackCodec().decode(frame)
    except BadFrame:
        return
    assert all(isinstance(packet, dict) for packet in packets)


def test_integers_of_any_width_are_accepted():
    wide = b"\x81\xa3seq" + struct.pack(">BQ", 0xCF, 5)
    assert MsgpackCodec().decode(wide) == [{"seq": 5}]
