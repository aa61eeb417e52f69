"""The tables and examples of protocol.md against the code: codes, numbers, and the keys of every packet."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest

from chatd.commands.push_door import TEST_S
from chatd.commands.table import COMMANDS
from chatd.commands.unusual import thresholds_of
from chatd.config.model import Config, Limits
from chatd.core.members import MEMBER_BYTES, ROOM_BYTES
from chatd.core.write_set import EVENT_BYTES
from chatd.protocol import close_codes, codec, errors, limits
from chatd.protocol.bots import BotOk
from chatd.protocol.cards import Card, MessageOrigin, Span
from chatd.protocol.connection import AuthOk, HelloOk, ModeOk, PingOk
from chatd.protocol.envelope import Error, Push
from chatd.protocol.friends import Circle, CircleOk, ContactOk, ContactRow
from chatd.protocol.groups import Policy
from chatd.protocol.history import EventsOk
from chatd.protocol.inbox import BadgeOk, ReadsOk, UnreadOk, VerifyOk
from chatd.protocol.media import FileLinkOk, FileListOk, StickerListOk
from chatd.protocol.members import MembersOk
from chatd.protocol.messages import Attachment, Body, Event, WriteOk
from chatd.protocol.moderation import ReportOk
from chatd.protocol.presence import FocusOk, WatchOk
from chatd.protocol.privacy import Audience, Privacy, PrivacyOk
from chatd.protocol.push import PushDecisionsOk, PushTestOk
from chatd.protocol.read_state import ReadersOk, ReadOk
from chatd.protocol.requests import AnyRequest
from chatd.protocol.rooms import RoomSummary, SummaryOk
from chatd.protocol.search import SearchOk
from chatd.protocol.sync import SyncPage
from chatd.protocol.users import DevicesOk, Page, Profile, ProfileOk, UsersOk
from chatd.server.rules import REPORTS_PER_DAY
from chatd.session.rate_limits import SEARCHES_BURST
from chatd.storage.sqlite.sync import GONE_MAX
from tests.kit import document, vectors
from tests.kit.document import Line

REQUESTS = {request.__struct_config__.tag: request for request in get_args(AnyRequest)}
# Not those of capabilities that a test brings.
OURS = [push for push in Push.__subclasses__() if push.__module__.startswith("chatd.")]
PUSHES = {push.__struct_config__.tag: push for push in OURS}
ENVELOPE = {"type", "id"}


def fields(struct: type[msgspec.Struct]) -> dict[str, bool]:
    """The keys of a struct on the wire beside the envelope, and whether each is required."""
    return {
        field.encode_name: field.required
        for field in msgspec.structs.fields(struct)
        if field.encode_name not in ENVELOPE
    }


def listed(cell: str) -> set[str]:
    """The keys named in a cell of the index."""
    return set(document.words(cell)) if "`" in cell else ({cell} if re.fullmatch("[a-z_]+", cell) else set())


# --- codes


def test_error_codes_are_those_of_the_code() -> None:
    assert document.errors() == errors.ERRORS


def test_close_codes_are_those_of_the_code() -> None:
    of_the_client_or_of_nobody = {1000, 1001, 1006}
    stated = {
        code: reason for code, reason in document.closes().items() if code not in of_the_client_or_of_nobody
    }
    assert stated == close_codes.CLOSE_CODES


@pytest.mark.parametrize("code", [code for code in close_codes.CLOSE_CODES if code >= 4000])
def test_a_close_code_says_the_same_as_its_range(code: int) -> None:
    does = {row["Code"]: row["Client"] for row in document.section("15").tables[0]}[str(code)]
    assert does.startswith({40: "reconnect", 41: "new token", 42: "stop"}[code // 100])


# --- numbers


def test_size_limits_are_the_defaults_of_the_code() -> None:
    assert document.limits() == limits.DEFAULTS


def test_size_limits_are_the_defaults_of_the_configuration() -> None:
    assert document.limits() == {name: getattr(Limits(), name) for name in document.limits()}


THRESHOLDS = {  # the document's name -> section and key of the configuration
    "full_delivery_members": ("delivery", "full_members"),
    "large_room_members": ("delivery", "large_members"),
    "receipts_members": ("delivery", "receipts_members"),
    "delivered_members": ("delivery", "delivered_members"),
    "typing_members": ("delivery", "typing_members"),
    "group_members": ("limits", "group_members"),
    "rooms_per_user": ("limits", "rooms_per_user"),
    "connections_per_user": ("limits", "connections_per_user"),
    "hello_timeout_s": ("limits", "hello_timeout_s"),
    "hello_frame_bytes": ("limits", "hello_frame_bytes"),
    "head_interval_s": ("delivery", "head_interval_s"),
    "receipts_interval_s": ("delivery", "receipts_interval_s"),
    "presence_interval_s": ("delivery", "presence_interval_s"),
    "presence_linger_s": ("delivery", "presence_linger_s"),
    "members_interval_s": ("delivery", "members_interval_s"),
    "reactions_interval_s": ("delivery", "reactions_interval_s"),
    "edit_window_s": ("storage", "edit_window_s"),
    "recall_window_s": ("storage", "recall_window_s"),
    "retain_s": ("storage", "retain_s"),
    "request_texts": ("people", "request_texts"),
    "grace_s": ("auth", "grace_s"),
}


def test_thresholds_are_the_defaults_of_the_configuration() -> None:
    config = Config()
    configured = {name: getattr(getattr(config, section), key) for name, (section, key) in THRESHOLDS.items()}
    assert document.thresholds() == configured
    assert limits.THRESHOLDS.items() <= configured.items()
    assert thresholds_of(config) == limits.THRESHOLDS


def test_rates_are_the_defaults_of_the_configuration() -> None:
    rates = Config().rates
    stated = [(row["Refill"], int(row["Burst"])) for row in document.section("12.2").tables[0]]
    assert stated == [
        (f"{rates.requests_per_s:g}/s", rates.requests_burst),
        (f"{rates.bytes_per_s:.0f}/s", rates.bytes_burst),
        (f"{2 * rates.bytes_per_s:.0f}/s", 2 * rates.bytes_burst),
        (f"{rates.writes_per_s:g}/s", rates.writes_burst),
        (f"{rates.room_per_s:g}/s", rates.room_burst),
        (f"{rates.writes_per_s:g}/s", rates.writes_burst),
        (f"{rates.people_per_min}/min", rates.people_per_min),
        (f"{rates.invites_per_min}/min", rates.invites_per_min),
        (f"{rates.searches_per_s:g}/s", int(SEARCHES_BURST * rates.searches_per_s)),
        (f"{rates.hello_user_per_min}/min", rates.hello_user_per_min),
        (f"{rates.hello_address_per_min}/min", rates.hello_address_per_min),
        (f"{rates.login_user_per_min}/min", rates.login_user_per_min),
        (f"{rates.login_address_per_min}/min", rates.login_address_per_min),
        (f"{rates.lookups_per_day}/day", rates.lookups_per_day),
        (f"{rates.finds_per_day}/day", rates.finds_per_day),
        (f"{rates.stored_bytes_per_day}/day", rates.stored_bytes_per_day),
        (f"{rates.rooms_per_day}/day", rates.rooms_per_day),
        (f"{rates.added_per_day}/day", rates.added_per_day),
        (f"{rates.joins_per_hour}/h", rates.joins_per_hour),
        (f"{rates.forwards_per_min}/min", rates.forwards_per_min),
        (f"{rates.friend_requests_per_day}/day", rates.friend_requests_per_day),
        (f"{rates.strangers_per_day}/day", rates.strangers_per_day),
        (f"{REPORTS_PER_DAY}/day", REPORTS_PER_DAY),
        (f"{60 / TEST_S:g}/min", 1),
    ]


def test_what_counts_as_a_write_is_what_the_table_of_commands_says() -> None:
    rows = [list(document.words(row["What"])) for row in document.section("12.2").tables[0]]
    names = {str(kind.__struct_config__.tag): command for kind, command in COMMANDS.items()}
    writes = {name for name, command in names.items() if command.writes}
    alone = {name for name, command in names.items() if command.own == "writes"}
    people = {name for name, command in names.items() if command.own == "people"}
    invites = {name for name, command in names.items() if command.own == "invites"}
    assert [set(words) for words in rows[3:8]] == [writes | alone, alone, {"typing"}, people, invites]
    assert [name for name, command in names.items() if command.own == "typing"] == ["typing"]


def test_what_is_stored_is_counted_as_it_stands_there() -> None:
    text = document.section("12.2").text.replace("\n", " ")
    assert f"an event {EVENT_BYTES} bytes besides its own, a room {ROOM_BYTES} and its texts" in text
    assert f"a member who comes or goes {MEMBER_BYTES}." in text


def test_marks_of_a_slow_connection_are_the_defaults_of_the_configuration() -> None:
    outbox, text = Config().outbox, document.section("12.3").text
    assert f"Above {outbox.ephemeral_bytes >> 10} KiB: queued" in text
    assert f"Above {outbox.lag_bytes >> 10} KiB: LAGGING" in text
    assert f"Above {outbox.close_bytes >> 20} MiB, or" in text
    assert f"takes not one byte for {outbox.stall_s:g} s" in text


def test_heartbeats_are_the_defaults_of_the_configuration() -> None:
    heartbeat, text = Config().heartbeat, document.section("6.6").text
    assert f"foreground {heartbeat.foreground_s}, background {heartbeat.background_s}" in text
    assert f"within {heartbeat.answer_foreground_s:g} s (foreground)" in text
    assert f"or {heartbeat.answer_background_s:g} s (background)" in text


def test_fixed_numbers_are_those_of_the_code() -> None:
    text = document.section("12.1").text.replace("\n", " ")
    assert f"{limits.MEMBERS_CHANGED_MAX} users in one `room.create`" in text
    assert f"{limits.MESSAGES_MAX} numbers in `messages`" in text
    assert f"{limits.HISTORY_MAX} messages in a page of `history`" in text
    assert f"{GONE_MAX} rooms in `gone`; {limits.DEVICES_LISTED_MAX} listed devices" in text
    assert (
        f"{limits.EVENTS_INLINE_MAX} inline events per room and {limits.EVENTS_INLINE_BYTES >> 10} KiB"
        in text
    )


def test_the_sizes_of_texts_and_lists_are_those_of_the_code() -> None:
    stated = {
        field: (row["Least"], row["Most"])
        for row in document.section("16").table(first="Field")
        for field in re.findall(r"`([^`]+)`", row["Field"]) or [row["Field"]]
    }
    limits_apart = {"hello.focus", "focus.rooms", "watch.users", "send.body", "edit.body", "sync.rooms"}
    limits_apart |= {"room.create.data", "room.update.data"}
    limits_apart |= {
        f"{type}.limit" for type in ("history", "log", "readers", "members.list", "search", "rooms.find")
    }
    sizes = {
        field: size
        for request in REQUESTS.values()
        for field, size in sizes_of(msgspec.inspect.type_info(request))
        if field not in limits_apart  # a decoder knows the highest an operator may allow
    }
    sizes["react.emoji"] = ("1", f"{limits.EMOJI_BYTES_MAX} bytes")
    assert {field: size for field, size in stated.items() if field not in limits_apart} == sizes
    assert limits_apart <= stated.keys()
    assert stated["history.limit"][1] == str(limits.HISTORY_MAX)


def sizes_of(kind: Any, where: str = "") -> Iterator[tuple[str, tuple[str, str]]]:
    """The bounded texts and lists of a type, by their path: the least, and the most with its unit."""
    if isinstance(kind, msgspec.inspect.StructType):
        for field in kind.fields:
            start = where or kind.cls.__struct_config__.tag
            yield from sizes_of(
                field.type, "body" if field.name == "body" else f"{start}.{field.encode_name}"
            )
    elif isinstance(kind, msgspec.inspect.UnionType):
        for choice in kind.types:
            yield from sizes_of(choice, where)
    elif isinstance(kind, msgspec.inspect.ListType | msgspec.inspect.StrType):
        unit = "items" if isinstance(kind, msgspec.inspect.ListType) else "characters"
        if kind.max_length is not None:
            yield where, (str(kind.min_length or 0), f"{kind.max_length} {unit}")
        if isinstance(kind, msgspec.inspect.ListType):
            yield from sizes_of(kind.item_type, f"{where}[]")


# --- packets


def test_every_command_has_a_section_and_a_row_in_the_index() -> None:
    commands = {command.__struct_config__.tag for command in COMMANDS} | {"hello"}
    assert commands == set(REQUESTS) == set(document.index())
    assert [type for type in commands if not document.sections_of(type)] == []


def test_every_push_has_a_section_and_a_row_in_the_index() -> None:
    assert set(PUSHES) == set(document.pushes())
    assert [type for type in PUSHES if not document.sections_of(type)] == []


@pytest.mark.parametrize("type", REQUESTS)
def test_the_index_names_the_section_of_a_request(type: str) -> None:
    chapter = document.index()[type]["Chapter"]
    assert type in document.section(chapter).types


@pytest.mark.parametrize("type", REQUESTS)
def test_the_keys_of_a_request_are_those_of_the_code(type: str) -> None:
    assert document.keys(type) == fields(REQUESTS[type])


@pytest.mark.parametrize("type", REQUESTS)
def test_the_keys_of_a_request_are_those_of_the_index(type: str) -> None:
    keys = document.index()[type]["Keys"]
    stated = {name: not optional for name, optional in document.words(keys).items()} if keys else {}
    assert stated == fields(REQUESTS[type])


@pytest.mark.parametrize("type", PUSHES)
def test_the_keys_of_a_push_are_those_of_the_code(type: str) -> None:
    assert set(document.keys(type, first="Push key")) == set(fields(PUSHES[type]))
    assert listed(document.pushes()[type]["Keys"]) == set(fields(PUSHES[type]))


REPLIES = {
    "hello": HelloOk,
    "auth": AuthOk,
    "mode": ModeOk,
    "ping": PingOk,
    "read": ReadOk,
    "readers": ReadersOk,
    "focus": FocusOk,
    "watch": WatchOk,
    "room.direct": SummaryOk,
    "room.get": SummaryOk,
    "members.list": MembersOk,
    "users.get": UsersOk,
    "profile.set": ProfileOk,
    "privacy.set": PrivacyOk,
    "devices.list": DevicesOk,
    "friend.request": ContactOk,
    "friend.accept": ContactOk,
    "contact.set": ContactOk,
    "circle.set": CircleOk,
    "report": ReportOk,
    "bots.get": BotOk,
    "push.test": PushTestOk,
    "file.link": FileLinkOk,
    "file.list": FileListOk,
    "sticker.list": StickerListOk,
    "search": SearchOk,
    "push.decisions": PushDecisionsOk,
    "reads": ReadsOk,
    "verify": VerifyOk,
}


@pytest.mark.parametrize("type", REPLIES)
def test_the_keys_of_a_reply_are_those_of_the_code(type: str) -> None:
    assert set(document.keys(type, first="Reply key")) == set(fields(REPLIES[type]))


@pytest.mark.parametrize("type", [*REPLIES, "log", "history", "changes", "messages", "room.create"])
def test_the_keys_of_a_reply_are_those_of_the_index(type: str) -> None:
    assert set(document.keys(type, first="Reply key")) == listed(document.index()[type]["Reply"])


def test_the_keys_of_the_reading_replies_are_those_of_the_code() -> None:
    stated = {
        key
        for type in ("log", "history", "changes", "messages")
        for key in document.keys(type, first="Reply key")
    }
    assert stated == set(fields(EventsOk))


def test_the_keys_of_what_unread_answers_are_those_of_the_code() -> None:
    stated = [
        {name for row in table for name in document.words(row["Reply key"])}
        for table in document.section("24.6.1").tables
        if "Reply key" in table[0]
    ]
    assert stated == [set(fields(UnreadOk)), set(fields(BadgeOk))]
    assert set.union(*stated) == listed(document.index()["unread"]["Reply"])


def test_the_keys_of_an_ack_are_those_of_the_code() -> None:
    stated = {
        key
        for row in document.section("9.1").table(first="Reply key")
        for key in document.words(row["Reply key"])
    }
    assert stated | {"summary", "not_added", "offered", "requested", "seqs"} == set(fields(WriteOk))


# --- objects

OBJECTS = {
    "5.2": Body,
    "5.3": Attachment,
    "24.4.1": Card,
    "24.4.2": Span,
    "24.4.3": MessageOrigin,
    "5.4": RoomSummary,
    "5.5": SyncPage,
    "20.1.2": Circle,
    "20.4.1": Audience,
    "20.4.2": Privacy,
    "20.6.1": Profile,
    "20.6.2": Page,
    "24.1.1": Policy,
}


@pytest.mark.parametrize("number", OBJECTS)
def test_the_keys_of_an_object_are_those_of_the_code(number: str) -> None:
    stated = [
        name for row in document.section(number).table(first="Key") for name in document.words(row["Key"])
    ]
    # The word of a card is a key of its own, and not that of a packet.
    assert [name for name in stated if name not in ENVELOPE] == list(fields(OBJECTS[number]))


def test_the_keys_of_a_contact_are_those_of_the_code() -> None:
    stated = [
        name for row in document.section("20.1.1").table(first="Key") for name in document.words(row["Key"])
    ]
    assert stated == list(fields(ContactRow))


def test_the_keys_of_an_event_are_those_of_the_code() -> None:
    common, by_kind, _effects = document.section("5.1").tables
    stated = {name for row in common for name in document.words(row["Key"])}
    further = {name for row in by_kind for name in re.findall(r"`([a-z_]+)`", row["Further keys"])}
    parts = {"role"}  # a key inside `users`
    future = {"fallback"}  # for kinds this server does not know
    in_code = {field.encode_name for field in msgspec.structs.fields(Event)}
    assert (stated | further) - parts - future == in_code


def test_the_keys_of_an_error_are_those_of_the_code() -> None:
    stated = [
        name for row in document.section("3.2").table(first="Key") for name in document.words(row["Key"])
    ]
    assert set(stated) - ENVELOPE == set(fields(Error))


# --- examples

CONVERSATIONS = list(document.conversations())


def example(line: Line) -> Any:
    return pytest.param(line, id=f"{line.section.split()[0]} {line.json_text[:40]}")


@pytest.mark.parametrize("line", [example(line) for line in CONVERSATIONS if line.sender == "C"])
def test_an_example_of_a_client_is_accepted(line: Line) -> None:
    decoded = list(codec.decode_packets(line.json_text.encode(), text=True))
    assert [packet for packet in decoded if isinstance(packet, codec.Invalid)] == []


@pytest.mark.parametrize("line", [example(line) for line in CONVERSATIONS if line.sender == "C"])
def test_an_example_of_a_client_has_no_unknown_key(line: Line) -> None:
    for packet in line.packets:
        assert set(packet) - ENVELOPE <= set(fields(REQUESTS[packet["type"]]))


@pytest.mark.parametrize("line", [example(line) for line in CONVERSATIONS if line.sender == "S"])
def test_an_example_of_the_server_is_a_known_packet(line: Line) -> None:
    for packet in line.packets:
        if packet["type"] == "ok":
            assert packet["id"] >= 1
        elif packet["type"] == "error":
            assert packet["retry"] == errors.ERRORS[packet["code"]]
        else:
            msgspec.msgpack.decode(vectors.pack(packet), type=PUSHES[packet["type"]])


@pytest.mark.parametrize("type", [type for type in REQUESTS if type != "pong"])
def test_every_request_is_shown_in_its_section(type: str) -> None:
    shown = {
        packet["type"]
        for line in CONVERSATIONS
        if line.sender == "C" and type in document_types(line)
        for packet in line.packets
    }
    assert type in shown


@pytest.mark.parametrize("type", PUSHES)
def test_every_push_is_shown_in_its_section(type: str) -> None:
    shown = {
        packet["type"]
        for line in CONVERSATIONS
        if line.sender == "S" and type in document_types(line)
        for packet in line.packets
    }
    assert type in shown


def document_types(line: Line) -> tuple[str, ...]:
    return tuple(re.findall(r"`([a-z_.]+)`", line.section))


def test_every_answer_in_an_example_follows_its_request() -> None:
    asked: set[tuple[str, int]] = set()
    for line in CONVERSATIONS:
        for packet in line.packets:
            place = (line.section, packet.get("id", 0))
            if line.sender == "C":
                asked.add(place)
            elif packet["type"] in ("ok", "error") and not line.section.startswith("3."):
                assert place in asked


def test_every_reference_to_a_section_leads_somewhere() -> None:
    numbers = {section.number for section in document.sections()}
    named = set(re.findall(r"(?<=[( ])(\d+\.\d+)(?=\))", document.text()))
    assert len(named) > 10
    assert named - numbers == set()


def test_every_link_leads_to_a_heading() -> None:
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", section.title.lower()).replace(" ", "-") for section in document.sections()
    }
    linked = set(re.findall(r"\]\(#([^)]*)\)", document.text()))
    assert len(linked) >= 19
    assert linked - anchors == set()
