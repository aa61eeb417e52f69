"""An id is found whatever nests behind or before it, and junk never raises."""

import json
from contextlib import suppress
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.protocol.request_id import skim_id

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
SLOWLY = settings(max_examples=50)  # deep values take long to draw
WITHOUT_BYTES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@SLOWLY
@given(st.integers(1, 2**53 - 1), st.dictionaries(st.text(), VALUES), st.dictionaries(st.text(), VALUES))
def test_the_id_of_a_msgpack_map_is_found_wherever_it_stands(
    id: int, before: dict[str, Any], after: dict[str, Any]
) -> None:
    packet = {**{k: v for k, v in before.items() if k != "id"}, "id": id}
    packet |= {k: v for k, v in after.items() if k != "id"}
    assert skim_id(msgpack.packb(packet), text=False) == id


@SLOWLY
@given(st.integers(1, 2**53 - 1), st.dictionaries(st.text(), WITHOUT_BYTES))
def test_the_id_of_a_json_map_is_found(id: int, others: dict[str, Any]) -> None:
    packet = {**{k: v for k, v in others.items() if k != "id"}, "id": id}
    assert skim_id(json.dumps(packet).encode(), text=True) == id


@given(st.binary())
def test_junk_has_no_id_or_ends_too_early(junk: bytes) -> None:
    for packet, text in ((b"\x8f" + junk, False), (b"{" + junk, True)):
        with suppress(IndexError):
            assert skim_id(packet, text=text) >= 0


def test_a_packet_that_ends_too_early_is_told_from_one_without_an_id() -> None:
    for packet, text in ((b"\x82\xa2id\x07\xa1x" + b"\x91" * 900, False), (b'{"id":7,"x', True)):
        with pytest.raises(IndexError):
            skim_id(packet, text=text)


@pytest.mark.parametrize(("levels", "found"), [(17, 7), (2000, 7), (60_000, 0)])
def test_an_id_behind_a_deep_value_is_found_unless_it_takes_too_long(levels: int, found: int) -> None:
    deep = b"\x82\xa1x" + b"\x91" * levels + b"\xc0" + b"\xa2id\x07"
    assert skim_id(deep, text=False) == found
    assert skim_id(b'{"x":' + b"[" * levels + b"]" * levels + b',"id": 7}', text=True) == found


def test_an_id_before_a_deep_value_is_found_however_deep_it_is() -> None:
    assert skim_id(b"\x82\xa2id\x07\xa1x" + b"\x91" * 60_000, text=False) == 7
    assert skim_id(b'{"id":7,"x":' + b"[" * 60_000, text=True) == 7


def test_a_value_that_looks_like_the_key_of_an_id_is_none() -> None:
    assert skim_id(msgpack.packb({"x": "id", "id": 7}), text=False) == 7


@pytest.mark.parametrize("id", [0, -1, 2**53, "7", None])
def test_an_invalid_id_is_none(id: object) -> None:
    assert skim_id(msgpack.packb({"id": id}), text=False) == 0
