"""Host data (`data`): its limits, and its form in both encodings (protocol.md "JSON").

Byte strings of MessagePack appear in JSON as {"$bytes": "<base64url, no padding>"}.
"""

import binascii
import re
import struct
from base64 import b64decode, urlsafe_b64encode
from math import isfinite
from typing import Any

from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import U53_MAX
from chatd.protocol.limits import DEPTH_MAX, HOST_DATA_NODES
from chatd.protocol.request_id import head

BYTES_KEY = "$bytes"
# Followed by a text it stands for a byte string.
BYTES_MAP = b"\x81\xa6$bytes"

TEXTS = frozenset((*range(0xA0, 0xC0), 0xD9, 0xDA, 0xDB))
MAPS = frozenset((*range(0x80, 0x90), 0xDE, 0xDF))
CONTAINERS = MAPS | frozenset((*range(0x90, 0xA0), 0xDC, 0xDD))
EXTENSIONS = frozenset((0xC7, 0xC8, 0xC9, *range(0xD4, 0xD9)))
# The kinds of numbers that can be out of bounds.
WIDE_NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCF: ">Q", 0xD3: ">q"}
# By first byte: the size of a value that needs no check and contains no others; 0 for all other values.
PLAIN_BYTES = bytes(
    1
    if first < 0x80 or first >= 0xE0 or first in (0xC0, 0xC2, 0xC3)
    else first - 0x9F
    if 0xA0 <= first < 0xC0
    else 0
    for first in range(256)
)

JSON_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
AS_ARRAYS = bytes.maketrans(b"{}", b"[]")
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def check_host_data(data: bytes, level: int) -> None:
    """Refuse values that one encoding does not have, or that are too deep or too wide, before they are decoded.

    Only text is allowed as a key: Python hashes it with a random seed, so nobody can choose keys that collide.
    `data`: one whole value of MessagePack. `level`: its own in its packet; the packet is level 1. Raises
    Refused("bad_request") or Refused("too_large").
    """
    at, nodes, deepest = 0, 1, DEPTH_MAX - level
    # Of the innermost container: the values still to come, and whether they are keys and values in turn.
    left, is_map = 1, False
    outer: list[tuple[int, bool]] = []
    while left or outer:
        if not left:
            left, is_map = outer.pop()
            continue
        left -= 1
        first = data[at]
        if is_map and left & 1 and first not in TEXTS:
            raise Refused("bad_request", "map key in host data is not text", field="data")
        if PLAIN_BYTES[first]:
            at += PLAIN_BYTES[first]
        elif first == 0x81 and data.startswith(BYTES_MAP, at) and data[at + len(BYTES_MAP)] in TEXTS:
            at, _ = head(data, at + len(BYTES_MAP))
        elif first in CONTAINERS:
            at, inner = head(data, at)
            nodes += inner
            if nodes > HOST_DATA_NODES:
                raise too_many()
            if len(outer) > deepest:
                raise too_deep()
            if inner:
                outer.append((left, is_map))
                left, is_map = inner, first in MAPS
        else:
            start = at
            at, _ = head(data, start)
            if first in WIDE_NUMBERS:
                check_number(struct.unpack(WIDE_NUMBERS[first], data[start + 1 : at])[0])
            elif first in EXTENSIONS:
                raise Refused("bad_request", "extension type in host data", field="data")


def check_json(data: bytes, level: int) -> None:
    """Refuse host data in JSON that is far too wide or deep to be decoded. `check_host_data` does the exact check.

    Bytes have the form of a map here without being one, so one more level is allowed and its content is not counted.
    """
    bare = JSON_STRING.sub(b"", data)
    if bare.count(b",") >= HOST_DATA_NODES:
        raise too_many()
    nested = bare.translate(AS_ARRAYS, NO_BRACKETS)
    for _ in range(level, DEPTH_MAX + 2):
        nested = nested.replace(b"[]", b"")
    if nested:
        raise too_deep()


def too_many() -> Refused:
    return Refused("too_large", f"more than {HOST_DATA_NODES} values and keys in host data", field="data")


def too_deep() -> Refused:
    return Refused("bad_request", f"nested deeper than {DEPTH_MAX} levels", field="data")


def check_number(value: int | float) -> None:
    if isinstance(value, float):
        if not isfinite(value):
            raise Refused("bad_request", "not a finite number in host data", field="data")
    elif not -U53_MAX <= value <= U53_MAX:
        raise Refused("bad_request", "integer beyond 53 bits in host data", field="data")


def to_json(value: Any) -> Any:
    """Return a value of MessagePack with its byte strings in their JSON form.

    >>> to_json({"sealed": b"\\x00"})
    {'sealed': {'$bytes': 'AA'}}
    """
    if isinstance(value, bytes):
        return {BYTES_KEY: urlsafe_b64encode(value).rstrip(b"=").decode()}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return value


def from_json(value: Any) -> Any:
    """Return `value` with {"$bytes": ...} turned into byte strings: the inverse of `to_json`."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if are_bytes(value):
        return decode_base64url(value[BYTES_KEY])
    return {key: from_json(item) for key, item in value.items()}


def are_bytes(value: dict[Any, Any]) -> bool:
    """Whether this map stands for a byte string."""
    return value.keys() == {BYTES_KEY} and isinstance(value[BYTES_KEY], str)


def decode_base64url(text: str) -> bytes:
    try:
        return b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("bad_request", "$bytes is not base64url", field="data") from error
