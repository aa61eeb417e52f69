"""Host data (`data`): what an app may put there, and its one value mapping between the encodings.

protocol.md "Encoding rules": byte strings of MessagePack appear in JSON as {"$bytes": "<base64url, no padding>"}.
"""

import binascii
from base64 import b64decode, urlsafe_b64encode
from typing import Any

from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import U53_MAX
from chatd.protocol.limits import DEPTH_MAX

BYTES_KEY = "$bytes"
SCALARS = (str, bytes, bool, type(None))


def check_host_data(value: Any, depth: int) -> None:
    """Refuse (`bad_request`) what cannot stand in both encodings, or nests deeper than DEPTH_MAX.

    `depth` is the level of `value` in its packet; the packet itself is level 1.
    """
    if isinstance(value, SCALARS):
        return
    if isinstance(value, int):
        if not -U53_MAX <= value <= U53_MAX:
            raise Refused("bad_request", "integer beyond 53 bits in host data", field="data")
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise Refused("bad_request", "not a finite number in host data", field="data")
    elif isinstance(value, list):
        check_depth(depth)
        for item in value:
            check_host_data(item, depth + 1)
    elif isinstance(value, dict):
        if are_bytes(value):
            return
        check_depth(depth)
        for key, item in value.items():
            if not isinstance(key, str):
                raise Refused("bad_request", "map key in host data is not text", field="data")
            check_host_data(item, depth + 1)
    else:
        raise Refused("bad_request", "extension type in host data", field="data")


def check_depth(depth: int) -> None:
    if depth > DEPTH_MAX:
        raise Refused("bad_request", f"nested deeper than {DEPTH_MAX} levels", field="data")


def to_json(value: Any) -> Any:
    """`value` as decoded from MessagePack, with byte strings in their JSON form.

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
    """`value` with {"$bytes": ...} turned into byte strings; inverse of `to_json`."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if are_bytes(value):
        return decode_base64url(value[BYTES_KEY])
    return {key: from_json(item) for key, item in value.items()}


def are_bytes(value: dict[Any, Any]) -> bool:
    """Does this map stand for a byte string?"""
    return value.keys() == {BYTES_KEY} and isinstance(value[BYTES_KEY], str)


def decode_base64url(text: str) -> bytes:
    try:
        return b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("bad_request", "$bytes is not base64url", field="data") from error
