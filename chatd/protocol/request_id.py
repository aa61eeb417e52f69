"""A search in packets that cannot be decoded: for their `id`, which a reply needs, and for invalid text.

It does not recurse, and it is bounded.
"""

import re
from collections.abc import Callable

import msgspec

from chatd.protocol.identifiers import U53_MAX

# MessagePack by first byte: the total size; the bytes of a length, and bytes between it and the content; the bytes of a
# count, and the values of each item.
FIXED = {0xC0: 1, 0xC2: 1, 0xC3: 1, 0xCA: 5, 0xCB: 9, 0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9, 0xD0: 2, 0xD1: 3}
FIXED |= {0xD2: 5, 0xD3: 9, 0xD4: 3, 0xD5: 4, 0xD6: 6, 0xD7: 10, 0xD8: 18}
BYTES_AFTER = {0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0), 0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1)}
BYTES_AFTER |= {0xD9: (1, 0), 0xDA: (2, 0), 0xDB: (4, 0)}
ITEMS_AFTER = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}  # length bytes, values per item

ID_KEY = b"\xa2id"
# Bytes of JSON that are looked at behind a key: an id has 16 digits, white space is rare.
VALUE_BYTES = 40
# Values, or bytes of JSON outside of strings, that are searched for an id.
STEPS_MAX = 4096


def skim_id(packet: bytes, text: bool) -> int:
    """Return the request id of a map, 0 when it has no valid one. Raises IndexError when the bytes end too early."""
    skim: Callable[[bytes], int] = skim_json if text else skim_msgpack
    try:
        id = skim(packet)
    except (KeyError, ValueError):
        return 0
    return id if 1 <= id <= U53_MAX else 0


def skim_msgpack(packet: bytes) -> int:
    """Return the value of the top-level key `id`. Raises IndexError, KeyError or ValueError on anything unexpected."""
    first = packet[0]
    size, at = (first & 0x0F, 1) if first < 0x90 else (int.from_bytes(packet[1:3], "big"), 3)
    found, steps = 0, STEPS_MAX
    for index in range(2 * size):  # keys and values in turn
        start, values = at, 1
        while values:
            at, inner = head(packet, at)
            values += inner - 1
            steps -= 1
            if not steps:
                return found
        if at > len(packet):
            raise IndexError("truncated")
        if index % 2 == 0 and packet[start:at] == ID_KEY:
            found = unsigned(packet, at)
    return found


def unsigned(packet: bytes, at: int) -> int:
    first = packet[at]
    if first < 0x80:
        return first
    width = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}[first]
    return int.from_bytes(packet[at + 1 : at + 1 + width], "big")


def head(packet: bytes, at: int) -> tuple[int, int]:
    """Return the end of the value at `at`, or the begin of its content, and the number of values in its content."""
    first = packet[at]
    if 0x80 <= first < 0xA0:
        return at + 1, (first & 0x0F) * (2 if first < 0x90 else 1)
    if first < 0x80 or first >= 0xE0:
        return at + 1, 0
    if first in FIXED:
        return at + FIXED[first], 0
    if first in BYTES_AFTER:
        width, more = BYTES_AFTER[first]
        return at + 1 + width + more + int.from_bytes(packet[at + 1 : at + 1 + width], "big"), 0
    if first in ITEMS_AFTER:
        width, each = ITEMS_AFTER[first]
        return at + 1 + width, each * int.from_bytes(packet[at + 1 : at + 1 + width], "big")
    return at + 1 + (first & 0x1F), 0


def skim_json(packet: bytes) -> int:
    """Do as `skim_msgpack` for JSON, in one pass that knows strings and depth."""
    depth, at, found, steps = 0, 0, 0, STEPS_MAX
    while at < len(packet) and steps:
        steps -= 1
        byte = packet[at]
        if byte == 0x22:  # a string
            end = end_of_string(packet, at)
            rest = packet[end : end + VALUE_BYTES].lstrip()
            if depth == 1 and packet[at:end] == b'"id"' and rest[:1] == b":":
                digits = rest[1:].lstrip()
                found = int(digits[: len(digits) - len(digits.lstrip(b"0123456789"))])
            at = end
            continue
        depth += (byte in b"[{") - (byte in b"]}")
        at += 1
    return found


def end_of_string(packet: bytes, at: int) -> int:
    at += 1
    while packet[at] != 0x22:
        at += 2 if packet[at] == 0x5C else 1
    return at + 1


# A string, closed or not, with the colon behind it when it is a key. NaN and Infinity come from encoders that write
# numbers which JSON does not have.
JSON_TOKEN = re.compile(rb'("(?:[^"\\]++|\\.)*+\\?+(?:"|\Z))(\s*+:)?+|-?+(?:NaN|Infinity)', re.DOTALL)
# A string that no frame contains: text frames are UTF-8.
MARK = b'"\xff"'
_string = msgspec.json.Decoder(str)


def mark_json(content: bytes) -> bytes:
    """Put MARK in place of each invalid string or number: half a surrogate pair, a line end, NaN."""
    if content.count(b'"') > 2 * STEPS_MAX:
        return content
    return JSON_TOKEN.sub(marked, content)


def marked(token: re.Match[bytes]) -> bytes:
    string, colon = token[1], token[2] or b""
    try:
        _string.decode(string or MARK)
    except msgspec.DecodeError:
        return MARK + colon
    return token[0]


def nil_json(content: bytes) -> bytes:
    """Put null in place of each invalid value, so that the decoder names its field: no schema takes null."""
    return re.sub(MARK + rb"(?!\s*+:)", b"null", mark_json(content))


def nil_msgpack(packet: bytes) -> bytes:
    """Put nil in place of each text that is not UTF-8. Raises IndexError when the bytes end too early or too late."""
    kept, done, at, values = [], 0, 0, 1
    for _ in range(STEPS_MAX):
        start = at
        at, inner = head(packet, start)
        values += inner - 1
        if is_text(packet[start]) and not is_utf8(packet[at - text_bytes(packet, start) : at]):
            kept += [packet[done:start], b"\xc0"]
            done = at
        if not values:
            return b"".join([*kept, packet[done:]])
    raise IndexError("too much of it")


def is_text(first: int) -> bool:
    """Whether this byte begins a text of MessagePack."""
    return 0xA0 <= first < 0xC0 or 0xD9 <= first <= 0xDB


def text_bytes(packet: bytes, at: int) -> int:
    """Return the length of the text that begins at `at`."""
    width = BYTES_AFTER[packet[at]][0] if packet[at] > 0xC0 else 0
    return int.from_bytes(packet[at + 1 : at + 1 + width], "big") if width else packet[at] & 0x1F


def is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
