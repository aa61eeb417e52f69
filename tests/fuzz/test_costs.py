"""Payloads made to be expensive, as large as a frame may be."""

import struct

import msgpack
import pytest

from chatd.protocol import codec
from tests.fuzz.costs import PLACES, check_cost, colliding

WIDE = struct.pack(">I", 60_000)
VALUES = {
    "colliding keys": (colliding(4000), b"{" + b",".join(b'"%d":0' % n for n in range(6000)) + b"}"),
    "wide": (b"\xdd" + WIDE + b"\xc0" * 60_000, b"[" + b"0," * 30_000 + b"0]"),
    "wide, of maps": (b"\xdd" + WIDE + b"\x80" * 60_000, b"[" + b"{}," * 20_000 + b"{}]"),
    "as wide as may be": (b"\xdc\x0f\xff" + b"\x90" * 4095, b"[" + b"[]," * 4094 + b"[]]"),
    "deep": (b"\x91" * 60_000 + b"\xc0", b"[" * 30_000 + b"]" * 30_000),
    "deep and wide": ((b"\xdc\x0b\xb8" + b"\x91" * 3000) * 15, (b"[" + b"[]," * 3000) * 5 + b"0" + b"]" * 5),
    "text that is none": (b"\xdc\x0f\x00" + b"\xa1\xff" * 3840, b"[" + b'"\n",' * 3840 + b"0]"),
    "quotes without end": (b"\xdb" + WIDE + b'"' * 60_000, b'"\n' + b'\\"' * 30_000),
    "a number without end": (b"\xcf" + b"\xff" * 8, b"9" * 60_000),
    "sizes that lie": (b"\xdd" + struct.pack(">I", 2**32 - 1), b"[[[[["),
}


@pytest.mark.parametrize("place", range(len(PLACES)))
@pytest.mark.parametrize("name", VALUES)
def test_what_is_made_to_hurt_costs_no_more_than_its_bytes(name: str, place: int) -> None:
    packed, spelled, behind = PLACES[place]
    value, text = VALUES[name]
    check_cost(packed + value, text=False)
    check_cost(spelled + text + behind, text=True)


def test_keys_that_collide_do_so() -> None:
    found = msgpack.unpackb(colliding(64), strict_map_key=False, use_list=False)
    assert (len(found), len({hash(key) for key in found})) == (64, 1)


def test_a_batch_costs_no_more_than_its_bytes() -> None:
    packed, _, _ = PLACES[1]
    check_cost(b"\xdc\x00\x40" + (packed + b"\xdc\x00\xc8" + b"\x90" * 200) * 64, text=False)
    check_cost(b"\xdc\x00\x40" + b"\x80" * 64, text=False)


def test_keys_that_get_through_to_the_decoder_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    packed, _, _ = PLACES[1]
    monkeypatch.setattr(codec, "check_host_data", lambda data, level: None)
    with pytest.raises(ValueError, match="strict_map_key"):
        check_cost(packed + colliding(3), text=False)


def test_work_that_grows_faster_than_its_bytes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    packed, _, _ = PLACES[1]
    monkeypatch.setattr(
        codec, "check_host_data", lambda data, level: [data[: at * 8] for at in range(40 * len(data))]
    )
    with pytest.raises(AssertionError, match="bytes: "):
        check_cost(packed + VALUES["as wide as may be"][0], text=False)
