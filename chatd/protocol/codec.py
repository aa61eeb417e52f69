"""The codec: frames to requests, packets to payloads, in both encodings (protocol.md "Transport and encoding").

Decoding into a typed struct is the only check of the schema.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Union, get_args

import msgspec
from msgspec import UNSET, Raw, Struct

from chatd.protocol.close_codes import PROTOCOL
from chatd.protocol.complaints import refusal_of
from chatd.protocol.drafts import AnySchedule, Schedule
from chatd.protocol.envelope import Envelope, Request
from chatd.protocol.errors import Broken, Refused
from chatd.protocol.hostdata import check_host_data, check_json, from_json, to_json
from chatd.protocol.identifiers import RequestId
from chatd.protocol.limits import DEFAULTS
from chatd.protocol.messages import (
    AnyEdit,
    AnySend,
    Attachment,
    Edit,
    Event,
    Send,
    TrimmedBody,
    without_empties,
    without_empty,
)
from chatd.protocol.request_id import mark_json, nil_json, nil_msgpack, skim_id
from chatd.protocol.requests import AnyRequest
from chatd.protocol.rooms import RoomCreate, RoomUpdate
from chatd.protocol.users import Page, ProfileSet

MAP_FIRST_BYTES = frozenset((*range(0x80, 0x90), 0xDE, 0xDF))
ARRAY_FIRST_BYTES = frozenset((*range(0x90, 0xA0), 0xDC))
BATCH_MAX = 64
# A map of 16-bit length: msgspec writes it for every struct of over 15 fields, as Event.
WIDE = b"\xde\x00"

# A byte string begins with one of these. Texts and numbers may hold them, too, but most packets hold none.
BYTE_STRINGS = b"\xc4\xc5\xc6"

_encoder = msgspec.msgpack.Encoder()
_lenient = msgspec.msgpack.Decoder(AnySend | AnyEdit | AnySchedule)
_lenient_json = msgspec.json.Decoder(AnySend | AnyEdit | AnySchedule)
_batch = msgspec.msgpack.Decoder(list[Raw])
_batch_json = msgspec.json.Decoder(list[Raw])
_envelope = msgspec.msgpack.Decoder(Envelope)
_envelope_json = msgspec.json.Decoder(Envelope)
_attachment = msgspec.msgpack.Decoder(Attachment)
_event = msgspec.msgpack.Decoder(Event)
_page = msgspec.msgpack.Decoder(Page)
_tree = msgspec.msgpack.Decoder()
_tree_json = msgspec.json.Decoder()
_id = msgspec.msgpack.Decoder(RequestId)
_id_json = msgspec.json.Decoder(RequestId)
_word = msgspec.msgpack.Decoder(str)
_word_json = msgspec.json.Decoder(str)

# Text that is not UTF-8 raises the latter, everything else the former.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError)

# Part of a message of the decoder; only bodies of messages are decoded that strictly.
UNKNOWN_KEY = "contains unknown field"


class Vocabulary:
    """The known types of requests, with a decoder for any of them."""

    __slots__ = ("from_json", "from_msgpack", "types")

    def __init__(self, kinds: Iterable[type[Request]]) -> None:
        known = tuple(kinds)
        self.types = frozenset(kind.__struct_config__.tag for kind in known)
        union: type[Request] = Union[known]  # type: ignore[assignment]  # noqa: UP007
        self.from_msgpack = msgspec.msgpack.Decoder(union).decode
        self.from_json = msgspec.json.Decoder(union).decode


CHAT = Vocabulary(get_args(AnyRequest))


class Invalid(Struct, frozen=True):
    """A packet that cannot be carried out; `id` is 0 when none could be read."""

    id: int
    refusal: Refused


def split(payload: bytes, text: bool, batch_max: int = BATCH_MAX) -> list[bytes | Raw]:
    """Return the packets of one frame, undecoded and in order.

    Raises Broken(4204) for anything but one map or an array of 1 to `batch_max` maps. No session asks for less than
    BATCH_MAX: an outbox goes behind `hello`, before its client knows of a lower limit.
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
    packets = raw_packets(payload, decoder, text)
    if not 1 <= len(packets) <= batch_max:
        raise Broken(PROTOCOL, f"a batch holds 1 to {batch_max} packets")
    return packets


def raw_packets(payload: bytes, decoder: Any, text: bool) -> list[bytes | Raw]:
    """Return the items of a batch; one with invalid text does not spoil the others."""
    try:
        packets: list[bytes | Raw] = decoder.decode(payload)
    except (*UNDECODABLE, RecursionError) as error:
        content = mark_json(payload) if text else payload
        if content == payload:
            raise Broken(PROTOCOL, "undecodable frame") from error
        return raw_packets(content, decoder, text)
    return packets


def decode_packets(payload: bytes, text: bool) -> Iterator[Request | Invalid]:
    """Yield the requests of one frame in order; a packet that fails its schema as Invalid.

    Raises Broken(4204) when the bytes are not of the encoding at all.
    """
    for packet in split(payload, text):
        request = decode_request(packet, text)
        try:
            yield request if isinstance(request, Invalid) else with_host_data(request, text)
        except Refused as refusal:
            yield Invalid(request.id, refusal)


def decode_request(packet: bytes | Raw, text: bool, known: Vocabulary = CHAT) -> Request | Invalid:
    """Decode one packet, but not its host data."""
    try:
        return (known.from_json if text else known.from_msgpack)(packet)
    except (*UNDECODABLE, RecursionError) as error:
        return decode_leniently(packet, text, error, known)


def decode_leniently(
    packet: bytes | Raw, text: bool, error: Exception, known: Vocabulary
) -> Request | Invalid:
    """Decode a packet that failed its schema, where the fault may be ignored."""
    try:
        return trimmed(packet, text, error)
    except (msgspec.ValidationError, RecursionError) as failure:
        return invalid(packet, text, failure, known)
    except UNDECODABLE:
        return decode_invalid_text(bytes(packet), text, known)


def decode_invalid_text(packet: bytes, text: bool, known: Vocabulary) -> Request | Invalid:
    """Decode a packet with invalid text; Invalid names the field, unless the text is in a key or value that is ignored.

    Raises Broken when the fault is another one, or when there is no id to answer.
    """
    content = mark_json(packet) if text else packet
    if content != packet:
        return decode_request(content, text, known)
    try:
        content = nil_json(packet) if text else nil_msgpack(packet)
        found = decode_request(content, text, known) if content != packet else None
    except (IndexError, KeyError):
        found = None
    if isinstance(found, Invalid) and found.id:
        return Invalid(found.id, Refused("bad_request", "not a text", field=found.refusal.field))
    raise Broken(PROTOCOL, "undecodable frame")


def trimmed(packet: bytes | Raw, text: bool, error: Exception) -> Request:
    """Return a message without the unknown keys of its body; raise `error` when they are not its fault."""
    if not isinstance(error, msgspec.ValidationError) or UNKNOWN_KEY not in str(error):
        raise error
    request = (_lenient_json if text else _lenient).decode(packet)
    fields = msgspec.structs.asdict(request)
    fields["body"] = TrimmedBody(**msgspec.structs.asdict(fields["body"]))
    (kind,) = [kind for kind in WITH_BODY if isinstance(request, kind)]
    return kind(**fields)


def invalid(packet: bytes | Raw, text: bool, error: Exception, known: Vocabulary) -> Invalid:
    """Return the id and the refusal of a packet that failed its schema.

    Raises Broken when it is no map or its envelope cannot be read.
    """
    try:
        envelope: Envelope = (_envelope_json if text else _envelope).decode(packet)
    except RecursionError:
        return Invalid(deep_id(packet, text), Refused("bad_request", "nested too deep"))
    except UNDECODABLE as undecodable:
        content = mark_json(bytes(packet)) if text else packet
        if content == packet:
            raise Broken(PROTOCOL, "undecodable frame") from undecodable
        return invalid(content, text, error, known)
    id = value_of(envelope.id, _id_json if text else _id) or 0
    if isinstance(error, RecursionError):
        return Invalid(id, Refused("bad_request", "nested too deep"))
    # The type can be known and yet be the fault when the key comes twice: the decoder takes the first, the envelope the
    # last.
    type = value_of(envelope.type, _word_json if text else _word)
    is_known = type in known.types if type is not None else True
    if not is_known and str(error).endswith("at `$.type`"):
        return Invalid(id, Refused("unknown_type", "this request type is not known here"))
    return Invalid(id, refusal_of(str(error)))


def value_of(raw: Raw, decoder: Any) -> Any:
    """Return the value of a key of the envelope; None when it is absent or of another type."""
    try:
        return decoder.decode(raw)
    except UNDECODABLE:
        return None


def deep_id(packet: bytes | Raw, text: bool) -> int:
    """Return the id of a packet that nests too deep to be decoded; raise Broken when its bytes end too early."""
    try:
        return skim_id(bytes(packet), text)
    except IndexError:
        raise Broken(PROTOCOL, "undecodable frame") from None


WITH_BODY: tuple[type[Send | Edit | Schedule], ...] = (Send, Edit, Schedule)
WITH_DATA = (RoomCreate, RoomUpdate, ProfileSet)


def with_host_data(request: Request, text: bool, bytes_max: int = DEFAULTS["body_bytes"]) -> Request:
    """Return `request` in normal form: without empty parts, and with host data checked and decoded.

    `bytes_max`: of host data as MessagePack. Raises Refused.
    """
    if isinstance(request, WITH_BODY) and request.body is not UNSET:
        body = without_empties(request.body)
        if body.data is not UNSET:
            try:
                data = host_data(body.data, text, 3, bytes_max)
            except Refused as refused:
                refused.field = "body.data"
                raise
            body = msgspec.structs.replace(body, data=data)
        return request if body is request.body else msgspec.structs.replace(request, body=body)
    if isinstance(request, RoomCreate):
        request = without_empty(request, ("avatar",))
    if isinstance(request, WITH_DATA) and request.data is not UNSET:
        return msgspec.structs.replace(request, data=host_data(request.data, text, 2, bytes_max))
    return request


def host_data(raw: Raw, text: bool, level: int, bytes_max: int) -> Any:
    """Check and decode host data. `level`: its own in its packet; the packet is level 1. Raises Refused.

    `$bytes` is reserved in MessagePack, too: a map that JSON would read as bytes is stored as bytes.
    """
    data = bytes(raw)
    try:
        if text:
            check_json(data, level)
            value = from_json(_tree_json.decode(data))
            data = encode(value)
            check_host_data(data, level)
        else:
            check_host_data(data, level)
            value = from_json(_tree.decode(data))
            data = encode(value)
    except (*UNDECODABLE, OverflowError) as error:
        raise Refused("bad_request", "not a text, or a number beyond all bounds", field="data") from error
    if len(data) > bytes_max:
        raise Refused("too_large", f"host data is at most {bytes_max} bytes", field="data")
    return value


def encode(packet: Any) -> bytes:
    """Encode `packet` as MessagePack; Raw parts are inserted as they are."""
    encoded = _encoder.encode(packet)
    if encoded[:2] == WIDE and encoded[2] < 16:
        return bytes((0x80 | encoded[2],)) + encoded[3:]
    return encoded


def as_json(payload: bytes) -> bytes:
    """Return the JSON form of one MessagePack packet or batch."""
    tree = _tree.decode(payload)
    if len(payload.translate(None, BYTE_STRINGS)) < len(payload):
        tree = to_json(tree)
    return msgspec.json.encode(tree)


def event_json(blob: bytes) -> Raw:
    """Return a stored event as JSON."""
    return Raw(as_json(blob))


def decode_event(blob: bytes | Raw) -> Event:
    """Decode a stored event."""
    return _event.decode(blob)


def decode_attachment(blob: bytes) -> Attachment:
    """Decode the stored facts of a file."""
    return _attachment.decode(blob)


def decode_page(blob: bytes) -> Page:
    """Decode a stored page of a card."""
    return _page.decode(blob)


def decode_tree(payload: bytes) -> Any:
    """Decode untyped MessagePack that this server encoded, such as host data."""
    return _tree.decode(payload)
