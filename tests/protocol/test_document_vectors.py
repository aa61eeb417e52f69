"""The vectors and frames of protocol.md: against an independent library, and against the codec."""

import json
from typing import Any, get_args

import msgspec
import pytest

from chatd.protocol import codec
from chatd.protocol.bots import BotOk
from chatd.protocol.connection import AuthOk, HelloOk, ModeOk, PingOk
from chatd.protocol.discovery import RoomsFound
from chatd.protocol.drafts import StampOk
from chatd.protocol.envelope import Error, Push, Request
from chatd.protocol.errors import Broken
from chatd.protocol.friends import CircleOk, ContactOk
from chatd.protocol.history import CommentsOk, EventsOk
from chatd.protocol.inbox import BadgeOk, ReadsOk, UnreadOk, VerifyOk
from chatd.protocol.joining import CardOk, InviteOk, InvitesOk, JoinsOk, UseOk
from chatd.protocol.media import FileLinkOk, FileListOk, StickerListOk
from chatd.protocol.members import MembersOk
from chatd.protocol.messages import WriteOk
from chatd.protocol.moderation import ReportOk
from chatd.protocol.presence import FocusOk, WatchOk
from chatd.protocol.privacy import PrivacyOk
from chatd.protocol.push import PushDecisionsOk, PushTestOk
from chatd.protocol.read_state import ReadersOk, ReadOk
from chatd.protocol.requests import AnyRequest
from chatd.protocol.rooms import RoomSummary, SummaryOk
from chatd.protocol.search import SearchOk
from chatd.protocol.sync import SyncOk
from chatd.protocol.users import DevicesOk, ProfileOk, UsersOk
from tests.kit import document, vectors
from tests.kit.document import NegativeFrame, Vector

ALL = document.vectors()
INCOMING = [vector for vector in ALL if vector.direction == "C>S"]
OUTGOING = [
    vector for vector in ALL if vector.direction == "S>C" and vector.name != "C20"
]  # C20: no type of ours


def named(items: Any) -> Any:
    return [pytest.param(item, id=item.name) for item in items]


# --- by the independent library


def test_vectors_are_numbered_without_holes() -> None:
    assert [vector.name for vector in ALL] == [f"C{number:02}" for number in range(1, len(ALL) + 1)]


@pytest.mark.parametrize("vector", named(ALL))
def test_bytes_decode_to_the_json(vector: Vector) -> None:
    assert vectors.unpack(vectors.message(vector)) == vector.value


@pytest.mark.parametrize("vector", named(ALL))
def test_json_encodes_to_the_bytes(vector: Vector) -> None:
    assert vectors.pack(vector.value).hex() == vectors.message(vector).hex()


@pytest.mark.parametrize("vector", named(ALL))
def test_stated_sizes_are_right(vector: Vector) -> None:
    assert (vector.payload_bytes, vector.json_bytes) == (len(vector.payload), len(vector.json_text.encode()))


def test_filling_in_sizes_and_hex_again_changes_nothing() -> None:
    assert vectors.refreshed(document.text()) == document.text()


def test_a_vector_written_as_json_only_gets_its_sizes_and_hex() -> None:
    written = '#### C900 C>S pong\n\n```json\n{"type":"pong"}\n```\n'
    assert "11 bytes msgpack, 15 bytes json." in vectors.refreshed(written)
    assert "```hex\n81a474797065a4706f6e67\n```" in vectors.refreshed(written)


# --- by the codec: what clients send


def requests_of(payload: bytes, text: bool) -> list[Request]:
    decoded = list(codec.decode_packets(payload, text))
    for request in decoded:
        assert isinstance(request, Request), request
    return decoded  # type: ignore[return-value]


def as_sent(request: Request) -> dict[str, Any]:
    """The packet of a request as a JSON value, without the keys that hold their default."""
    held = {
        field.encode_name: getattr(request, field.name)
        for field in msgspec.structs.fields(request)
        if getattr(request, field.name) != default_of(field)
    }
    packet: dict[str, Any] = vectors.unpack(codec.encode(held))
    return {"type": request.__struct_config__.tag, **packet}


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


@pytest.mark.parametrize("vector", named(INCOMING))
def test_what_a_client_sends_decodes_into_its_request(vector: Vector) -> None:
    decoded = requests_of(vectors.message(vector), text=False)
    assert [as_sent(request) for request in decoded] == vector.packets


@pytest.mark.parametrize("vector", named(INCOMING))
def test_both_encodings_decode_into_equal_requests(vector: Vector) -> None:
    from_bytes = requests_of(vectors.message(vector), text=False)
    assert requests_of(vector.json_text.encode(), text=True) == from_bytes


def test_every_request_has_a_vector() -> None:
    tags = {request.__struct_config__.tag for request in get_args(AnyRequest)}
    assert tags == {packet["type"] for vector in INCOMING for packet in vector.packets}


def test_a_key_that_is_sent_twice_counts_as_its_last_value() -> None:
    twice = b'{"type":"pong","id":1,"id":2}'
    assert [request.id for request in requests_of(twice, text=True)] == [2]
    packed = bytes.fromhex("83a474797065a4706f6e67a2696401a2696402")
    assert [request.id for request in requests_of(packed, text=False)] == [2]


# --- by the codec: what the server sends

# Not those of capabilities that a test brings.
OURS = [push for push in Push.__subclasses__() if push.__module__.startswith("chatd.")]
PUSHES = {push.__struct_config__.tag: push for push in OURS}
REPLIES = {  # the answer to these requests; all others are answered by a WriteOk
    "hello": HelloOk,
    "auth": AuthOk,
    "mode": ModeOk,
    "ping": PingOk,
    "sync": SyncOk,
    "schedule": StampOk,
    "read": ReadOk,
    "readers": ReadersOk,
    "focus": FocusOk,
    "watch": WatchOk,
    "room.direct": SummaryOk,
    "members.list": MembersOk,
    "members.get": MembersOk,
    "users.get": UsersOk,
    "profile.set": ProfileOk,
    "privacy.set": PrivacyOk,
    "devices.list": DevicesOk,
    "friend.request": ContactOk,
    "friend.cancel": ContactOk,
    "contact.set": ContactOk,
    "circle.set": CircleOk,
    "report": ReportOk,
    "bots.get": BotOk,
    "push.test": PushTestOk,
    "file.link": FileLinkOk,
    "file.list": FileListOk,
    "sticker.list": StickerListOk,
    "search": SearchOk,
    "rooms.find": RoomsFound,
    "comments": CommentsOk,
    "invites.create": InviteOk,
    "invites.list": InvitesOk,
    "invites.look": CardOk,
    "invites.use": UseOk,
    "joins.list": JoinsOk,
    "push.decisions": PushDecisionsOk,
    "unread": UnreadOk,
    "badge": BadgeOk,
    "reads": ReadsOk,
    "verify": VerifyOk,
} | dict.fromkeys(("log", "history", "changes", "messages"), EventsOk)


def struct_of(vector: Vector, packet: dict[str, Any]) -> type[msgspec.Struct]:
    if packet["type"] == "error":
        return Error
    if packet["type"] != "ok":
        return PUSHES[packet["type"]]
    return REPLIES.get(vector.title.split(" ")[0].rstrip(","), WriteOk)


def encoded_by_the_server(vector: Vector, packet: dict[str, Any]) -> bytes:
    """The packet, decoded into the server's struct and encoded from there.

    A summary inside a packet is repacked: its map has a longer header than it needs, which 2.3 allows.
    """
    encoded = codec.encode(msgspec.msgpack.decode(vectors.pack(packet), type=struct_of(vector, packet)))
    return vectors.pack(vectors.unpack(encoded)) if list(summaries(packet)) else encoded


@pytest.mark.parametrize("vector", named(OUTGOING))
def test_the_server_encodes_its_structs_to_the_same_bytes(vector: Vector) -> None:
    for packet in vector.packets:
        assert encoded_by_the_server(vector, packet).hex() == vectors.pack(packet).hex()


@pytest.mark.parametrize("vector", named(OUTGOING))
def test_the_json_twin_is_the_documents_json(vector: Vector) -> None:
    assert codec.as_json(vectors.message(vector)).decode() == vector.json_text


def events(value: Any) -> list[dict[str, Any]]:
    """Every event anywhere in a packet."""
    if isinstance(value, list):
        return [event for item in value for event in events(item)]
    if not isinstance(value, dict):
        return []
    inside = [event for item in value.values() for event in events(item)]
    # A decision about a notification has both keys, too, and the summary of a channel.
    is_event = "kind" in value and "seq" in value and not {"outcome", "room"} & value.keys()
    return [value, *inside] if is_event else inside


@pytest.mark.parametrize(
    "vector", named(vector for vector in OUTGOING if events(vector.value) and "unknown" not in vector.title)
)
def test_stored_events_keep_their_bytes(vector: Vector) -> None:
    for event in events(vector.value):
        stored = vectors.pack(event)
        assert codec.encode(codec.decode_event(stored)).hex() == stored.hex()


def test_every_push_has_a_vector() -> None:
    sent = {packet["type"] for vector in OUTGOING for packet in vector.packets}
    assert set(PUSHES) == sent - {"ok", "error"}


def test_every_kind_of_event_is_in_a_vector() -> None:
    kinds = {name for row in document.section("5.1").tables[1] for name in document.words(row["kind"])}
    assert kinds <= {event["kind"] for vector in OUTGOING for event in events(vector.value)}


def test_summaries_show_every_key_in_some_vector() -> None:
    shown = {key for vector in OUTGOING for summary in summaries(vector.value) for key in summary}
    assert shown == {field.encode_name for field in msgspec.structs.fields(RoomSummary)}


def summaries(value: Any) -> list[dict[str, Any]]:
    """The summaries of a packet: those of a sync page, and `summary`."""
    packets = value if isinstance(value, list) else [value]
    return [
        summary
        for packet in packets
        for summary in (*packet.get("sync", packet).get("rooms", ()), packet.get("summary", {}))
        if "seq" in summary and packet["type"] != "head" and "receipts" not in summary
    ]


# --- replay vectors

REPLAYS = document.replays()


def test_replay_vectors_are_numbered_without_holes() -> None:
    assert [replay.name for replay in REPLAYS] == [f"R{number:02}" for number in range(1, len(REPLAYS) + 1)]


@pytest.mark.parametrize("replay", named(REPLAYS))
def test_a_replay_vector_is_made_of_packets_that_exist(replay: document.Replay) -> None:
    for step in replay.steps:
        push, request = step.get("S>", {"type": "ok"}), step.get("C>", {"type": "pong"})
        if push["type"] != "ok":
            msgspec.msgpack.decode(vectors.pack(push), type=PUSHES[push["type"]])
        requests_of(json.dumps(request).encode(), text=True)


# --- negative frames

BEYOND_THE_CODEC = {
    "N08": "the connection looks at the opcode",
    "N09": "the connection looks at the length",
    "N14": "the session knows what comes first",
    "N28": "the session knows what comes first",
    "N29": "the connection looks at the opcode",
    "N30": "the connection looks at the text",
    "N40": "the rules of a body are in core",
}


def outcome(frame: NegativeFrame) -> str:
    """Return the codec's verdict on a frame, in the document's words."""
    try:
        decoded = list(codec.decode_packets(frame.payload, frame.subprotocol == "json"))
    except Broken as broken:
        return f"close {broken.code}"
    refused = [packet for packet in decoded if isinstance(packet, codec.Invalid)]
    if not refused:
        return "accepted"
    return f"error {refused[0].refusal.code}" if refused[0].id else "ignored"


@pytest.mark.parametrize(
    "frame", named(frame for frame in document.negative_frames() if frame.name not in BEYOND_THE_CODEC)
)
def test_a_negative_frame_ends_as_the_document_says(frame: NegativeFrame) -> None:
    assert outcome(frame) == frame.outcome


@pytest.mark.parametrize("name", BEYOND_THE_CODEC)
def test_frames_beyond_the_codec_are_in_the_document(name: str) -> None:
    assert name in {frame.name for frame in document.negative_frames()}


def test_errors_name_the_offending_field() -> None:
    (frame,) = (frame for frame in document.negative_frames() if frame.name == "N13")
    (invalid,) = codec.decode_packets(frame.payload, text=False)
    assert isinstance(invalid, codec.Invalid)
    assert invalid.refusal.field == "seq"
