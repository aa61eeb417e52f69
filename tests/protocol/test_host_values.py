"""protocol.md "JSON": the bounds of host data, the same in both encodings, checked before anything is built of it."""

import json
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.protocol.codec import decode_packets
from chatd.protocol.errors import Refused
from chatd.protocol.hostdata import check_host_data, to_json
from chatd.protocol.limits import HOST_DATA_NODES

SEND = {"type": "send", "id": 1, "room": "g4fKz81QwXe2", "key": "AZqxkP3ve9SFmQbJ7hE3Zw"}
TEXT = st.text(max_size=5)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) - 2, 2**53 + 2)
    | st.floats()
    | TEXT
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def read(data: Any, *, text: bool) -> Any:
    """The host data of a message as the server has it, or the code and field of why not."""
    packet = {**SEND, "body": {"data": to_json(data) if text else data}}
    payload = json.dumps(packet).encode() if text else msgpack.packb(packet)
    (request,) = decode_packets(payload, text)
    refusal = getattr(request, "refusal", None)
    return request.body.data if refusal is None else (refusal.code, refusal.field)  # type: ignore[union-attr]


def may_be(value: Any, level: int) -> bool:
    """The rule as protocol.md "JSON" words it."""
    if isinstance(value, bool | str | bytes | None):
        return True
    if isinstance(value, int):
        return abs(value) < 2**53
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    return level <= 16 and all(
        may_be(item, level + 1) for item in (value.values() if isinstance(value, dict) else value)
    )


@settings(max_examples=200)
@given(VALUES, st.integers(0, 16))
def test_both_encodings_take_what_may_be_and_refuse_the_rest(value: Any, levels: int) -> None:
    for _ in range(levels):
        value = [value]
    expected = value if may_be(value, 3) else ("bad_request", "body.data")
    assert [read(value, text=text) for text in (False, True)] == [expected, expected]


@pytest.mark.parametrize("text", [False, True])
def test_so_many_values_and_keys_and_no_more(text: bool) -> None:
    widest = {str(n): [] for n in range((HOST_DATA_NODES - 2) // 2)} | {"last": 0}
    assert 1 + 2 * len(widest) == HOST_DATA_NODES + 1
    assert read(list(widest), text=text) == list(widest)
    assert read([None] * (HOST_DATA_NODES - 1), text=text) == [None] * (HOST_DATA_NODES - 1)
    for too_many in (widest, [None] * HOST_DATA_NODES, [[]] * HOST_DATA_NODES):
        assert read(too_many, text=text) == ("too_large", "body.data")


@pytest.mark.parametrize("text", [False, True])
def test_commas_and_brackets_within_texts_are_none(text: bool) -> None:
    value = ["," * 3000, '"[{:' * 1000, "\\" * 1000]
    assert read(value, text=text) == value


@pytest.mark.parametrize("text", [False, True])
def test_no_more_bytes_than_a_body_may_have(text: bool) -> None:
    assert read("x" * (16_384 - 3), text=text) == "x" * (16_384 - 3)
    assert read("x" * 16_384, text=text) == ("too_large", "body.data")


@pytest.mark.parametrize(
    "key",
    [b"\x05", b"\xc0", b"\xc3", b"\xc4\x01a", b"\x91\x01", b"\x80", b"\xcb" + bytes(8), b"\xd4\x01\x00"],
)
@pytest.mark.parametrize("around", [b"", b"\x91", b"\x82\xa1a\xc0\xa1b"])
def test_a_key_that_is_no_text_is_refused_wherever_it_stands(key: bytes, around: bytes) -> None:
    with pytest.raises(Refused, match="key"):
        check_host_data(around + b"\x82\xa1a\x01" + key + b"\xc0", 3)


def test_a_map_is_told_from_its_neighbours() -> None:
    check_host_data(msgpack.packb([{"a": [1, {"b": 2}], "c": {}}, 3, {"d": {"e": None}}, [4]]), 3)


def test_integers_of_any_width_are_right() -> None:
    for spelled in (
        "01",
        "cc01",
        "cd0001",
        "ce00000001",
        "cf0000000000000001",
        "d001",
        "d10001",
        "d200000001",
        "d3" + "0" * 15 + "1",
    ):
        check_host_data(bytes.fromhex(spelled), 3)
