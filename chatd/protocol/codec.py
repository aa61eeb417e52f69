"""Frames to requests, packets to payloads, in both encodings (protocol.md "Transport and encoding").

Decoding into a typed struct is the schema check; there is no second one. Nothing here knows a connection.
"""

import re
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
from msgspec import UNSET, Raw, Struct

from chatd.protocol.closes import PROTOCOL
from chatd.protocol.errors import Broken, Refused
from chatd.protocol.hostdata import check_host_data, from_json, to_json
from chatd.protocol.identifiers import U53_MAX
from chatd.protocol.objects import Body, Event
from chatd.protocol.requests import AnyRequest, Edit, Envelope, Request, RoomCreate, RoomUpdate, Send
from chatd.protocol.skimming import skim_id

MAP_FIRST_BYTES = frozenset((*range(0x80, 0x90), 0xDE, 0xDF))
ARRAY_FIRST_BYTES = frozenset((*range(0x90, 0xA0), 0xDC))
BATCH_MAX = 64
WIDE = b"\xde\x00"  # a map of 16-bit length: msgspec writes it for every struct of over 15 fields, as Event

_encoder = msgspec.msgpack.Encoder()
_request = msgspec.msgpack.Decoder(AnyRequest)
_request_json = msgspec.json.Decoder(AnyRequest)
_batch = msgspec.msgpack.Decoder(list[Raw])
_batch_json = msgspec.json.Decoder(list[Raw])
_envelope = msgspec.msgpack.Decoder(Envelope)
_envelope_json = msgspec.json.Decoder(Envelope)
_event = msgspec.msgpack.Decoder(Event)
_tree = msgspec.msgpack.Decoder()

# Text that is not UTF-8 raises the latter, everything else the former.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError)

TYPES = frozenset(kind.__struct_config__.tag for kind in get_args(AnyRequest))

_path = re.compile(r"`\$\.?([^`]*)`")
_missing = re.compile(r"missing required field `([^`]*)`")
_too_long = re.compile(r"^Expected `array` of length <=")


class Invalid(Struct, frozen=True):
    """A packet that cannot be carried out; `id` is 0 when it had none that could be read."""

    id: int
    refusal: Refused


def split(payload: bytes, text: bool) -> list[bytes | Raw]:
    """The packets of one frame, undecoded and in order.

    Raises Broken(4204) for anything but one map or an array of 1 to BATCH_MAX maps.
    """
    first = payload[0] if payload else -1
    if text:
        stripped = payload.lstrip()
        if stripped.startswith(b"{"):
            return [payload]
        decoder: Any = _batch_json if stripped.startswith(b"[") else None
    else:
        if first in MAP_FIRST_BYTES:
            return [payload]
        decoder = _batch if first in ARRAY_FIRST_BYTES else None
    if decoder is None:
        raise Broken(PROTOCOL, "a frame is one map or an array of maps")
    try:
        packets: list[bytes | Raw] = decoder.decode(payload)
    except (*UNDECODABLE, RecursionError) as error:
        raise Broken(PROTOCOL, "undecodable frame") from error
    if not 1 <= len(packets) <= BATCH_MAX:
        raise Broken(PROTOCOL, f"a batch holds 1 to {BATCH_MAX} packets")
    return packets


def decode_packets(payload: bytes, text: bool) -> Iterator[Request | Invalid]:
    """The requests of one frame in order; a packet that fails its schema comes as Invalid, the others go on.

    Raises Broken(4204) when the bytes are not the encoding at all.
    """
    for packet in split(payload, text):
        yield decode_request(packet, text)


def decode_request(packet: bytes | Raw, text: bool) -> Request | Invalid:
    """One packet as its request struct, or why not."""
    try:
        request: Request = (_request_json if text else _request).decode(packet)
        if isinstance(request, HOST_DATA):
            return with_host_data(request, text)
        return request
    except (msgspec.ValidationError, RecursionError) as error:
        return invalid(packet, text, error)
    except Refused as refusal:
        return Invalid(request.id, refusal)
    except UNDECODABLE as error:
        raise Broken(PROTOCOL, "undecodable frame") from error


def invalid(packet: bytes | Raw, text: bool, error: Exception) -> Invalid:
    """Answerable form of a packet that failed its schema; Broken when it is no map or its envelope is unreadable."""
    try:
        envelope: Envelope = (_envelope_json if text else _envelope).decode(packet)
    except RecursionError:
        return Invalid(deep_id(packet, text), Refused("bad_request", "nested too deep"))
    except UNDECODABLE as undecodable:
        raise Broken(PROTOCOL, "undecodable frame") from undecodable
    readable = (
        isinstance(envelope.id, int) and not isinstance(envelope.id, bool) and 1 <= envelope.id <= U53_MAX
    )
    id = envelope.id if readable else 0
    if isinstance(error, RecursionError):
        return Invalid(id, Refused("bad_request", "nested too deep"))
    # A known type is complained about when it comes twice: the decoder goes by the first, the envelope by the last.
    known = envelope.type in TYPES if isinstance(envelope.type, str) else True
    if not known and str(error).endswith("at `$.type`"):
        return Invalid(id, Refused("unknown_type", "this request type is not known here"))
    code = "too_large" if _too_long.match(str(error)) else "bad_request"
    return Invalid(id, Refused(code, str(error), field=field_of(str(error))))


def deep_id(packet: bytes | Raw, text: bool) -> int:
    """The id of a packet that nests too deep to be decoded; Broken when its bytes end too early."""
    try:
        return skim_id(bytes(packet), text)
    except IndexError:
        raise Broken(PROTOCOL, "undecodable frame") from None


def field_of(complaint: str) -> str | None:
    """The name of the offending field in a complaint of the decoder, with its path."""
    path, missing = _path.search(complaint), _missing.search(complaint)
    names = [found[1] for found in (path, missing) if found and found[1]]
    return ".".join(names) or None


HOST_DATA = (Send, Edit, RoomCreate, RoomUpdate)


def with_host_data(request: Request, text: bool) -> Request:
    """`request` with its host data checked and, from JSON, its byte strings restored."""
    body: Body | None = getattr(request, "body", None)
    data = request.data if body is None else body.data  # type: ignore[attr-defined]
    if data is UNSET:
        return request
    if text:
        data = from_json(data)
    check_host_data(data, depth=2 if body is None else 3)
    if not text:
        return request
    if body is None:
        return msgspec.structs.replace(request, data=data)
    return msgspec.structs.replace(request, body=msgspec.structs.replace(body, data=data))


def encode(packet: Any) -> bytes:
    """`packet` as MessagePack; Raw parts are spliced in as they are."""
    encoded = _encoder.encode(packet)
    if encoded[:2] == WIDE and encoded[2] < 16:
        return bytes((0x80 | encoded[2],)) + encoded[3:]
    return encoded


def as_json(payload: bytes) -> bytes:
    """The JSON twin of one MessagePack packet or batch."""
    return msgspec.json.encode(to_json(_tree.decode(payload)))


def decode_event(blob: bytes | Raw) -> Event:
    """A stored event, to be changed and stored again."""
    return _event.decode(blob)


def decode_tree(payload: bytes) -> Any:
    """Untyped MessagePack that this server encoded itself: host data."""
    return _tree.decode(payload)
