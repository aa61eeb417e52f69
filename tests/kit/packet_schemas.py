"""The schema of each server packet, written from the tables of protocol.md, not from the daemon.

A schema is a function that raises Misshapen; records refuse unknown keys, so a leaked field fails a test.
"""

from collections.abc import Mapping
from typing import Any

from tests.kit import document
from tests.kit.body_shapes import body
from tests.kit.file_shapes import FILE_AND_PUSH_REPLIES, file
from tests.kit.group_shapes import GROUP_KINDS, GROUP_SETTINGS, GROUP_SUMMARY, member_row
from tests.kit.joining_shapes import ADDED
from tests.kit.joining_shapes import replies as joining_replies
from tests.kit.people_shapes import bounds, card, circle, contact, plate, privacy
from tests.kit.shapes import (
    Misshapen,
    Shape,
    boolean,
    cursor,
    device,
    epoch,
    flag,
    host_data,
    key,
    listed,
    more,
    one_of,
    positive,
    record,
    role,
    room,
    state,
    text,
    text_of,
    two_or_more,
    u53,
    user,
    word,
)

# Objects (2.4)

reaction_count = record({"emoji": word, "count": positive})
role_of = record({"user": user, "role": role})

_NUMBERED: dict[str, Shape] = {"seq": positive, "time": positive}
_ACTED: dict[str, Shape] = {**_NUMBERED, "user": user}
# Without a user where the host app did it.
_BY: dict[str, Shape] = {"user": user}
_USERS: dict[str, Shape] = {**_NUMBERED, "users": listed(user, least=1)}
_TARGETED: dict[str, Shape] = {**_ACTED, "target": positive}

_MESSAGE_STATE: dict[str, Shape] = {
    "ordinal": positive,
    "composed_at": positive,
    "body": body,
    "changed": positive,
    "edited": positive,
    "recalled": flag,
    "pinned": flag,
    "reactions": listed(reaction_count, least=1),
    "post": positive,
}

# What a user is shown of a message that they deleted for themself.
LEFT = {"seq", "kind", "user", "time", "ordinal", "key"}
EVENT_KINDS: dict[str, tuple[dict[str, Shape], dict[str, Shape]]] = {
    "created": (_USERS, _BY),
    "message": ({**_ACTED, "key": key}, _MESSAGE_STATE),
    "edit": (_TARGETED, {"body": body}),
    "recall": ({**_NUMBERED, "target": positive}, _BY),
    "reaction": ({**_TARGETED, "emoji": word, "set": boolean}, {}),
    "reactions": ({**_NUMBERED, "target": positive, "reactions": listed(reaction_count)}, {}),
    "pin": ({**_TARGETED, "set": boolean}, {}),
    "joined": (_USERS, _BY),
    "left": ({**_USERS, **_BY}, {}),
    "removed": (_USERS, _BY),
    "role": ({**_NUMBERED, "users": listed(role_of, least=1)}, _BY),
    "settings": (
        _NUMBERED,
        {**_BY, "title": text, "avatar": text, "public": boolean, "data": host_data, **GROUP_SETTINGS},
    ),
    **GROUP_KINDS,
    "notice": ({**_NUMBERED, "body": body}, {}),
    "erased": (_ACTED, {"from": positive, "to": positive}),
}


def _event(extra: Mapping[str, Shape]) -> Shape:
    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict) or value.get("kind") not in EVENT_KINDS:
            raise Misshapen(f"{where}: no known kind of event: {value!r}")
        required, optional = EVENT_KINDS[value["kind"]]
        allowed = {**optional, **extra} if value["kind"] == "message" else optional
        record({**required, "kind": word}, allowed)(value, where)
        if value["kind"] == "message" and ("body" in value) == ("recalled" in value) and value.keys() - LEFT:
            raise Misshapen(f"{where}: a message has a body or is recalled: {value!r}")

    return check


event = _event({})
# `mine` only in replies to the requester.
event_for_reader = _event({"mine": listed(word, least=1)})

summary = record(
    {"room": room, "seq": positive},
    {
        "ordinal": positive,
        "time": positive,
        "read": positive,
        "unread": positive,
        "unread_mentions": positive,
        "title": text,
        "avatar": word,
        "data": host_data,
        "public": flag,
        "peer": user,
        "peer_read": positive,
        "peer_delivered": positive,
        "members": positive,
        "role": one_of("admin", "owner"),
        "muted_until": positive,
        "pinned": flag,
        "hidden": flag,
        "request": flag,
        "asked": positive,
        "wallpaper": word,
        "notify": one_of("all", "mentions", "none"),
        "unread_mark": flag,
        "folder": positive,
        "deleted": listed(listed(positive, least=2, most=2), least=1, most=64),
        "kind": one_of("channel"),
        **GROUP_SUMMARY,
        "first_visible": two_or_more,
        "log_floor": two_or_more,
        "preview": event_for_reader,
        "events": listed(event_for_reader, least=1, most=50),
    },
)

# Replies (2.5 to 2.10), by the type of the request

_totals = record(
    {"rooms": u53, "unread": u53, "mentions": u53},
    {"friend_requests": positive, "message_requests": positive, "badge": u53},
)
account_row = record({"name": word, "stamp": positive}, {"value": host_data})


def sections(value: Any, where: str) -> None:
    """Check account rows by section, none of them empty."""
    if not isinstance(value, dict) or not value:
        raise Misshapen(f"{where}: no map of sections: {value!r}")
    for name, rows in value.items():
        listed(account_row, least=1)(rows, f"{where}.{name}")


_sync_keys: dict[str, Shape] = {
    "gone": listed(room, least=1),
    "cursor": cursor,
    "more": more,
    "full": flag,
    "totals": _totals,
    "sections": sections,
    "full_sections": listed(word, least=1),
    "users": listed(plate, least=1),
}
sync_page = record({"rooms": listed(summary)}, _sync_keys)
_receipt = record({"user": user}, {"read": positive, "delivered": positive, "first_visible": two_or_more})
_seen = record({"user": user}, {"state": state, "last_seen": positive})
_events = listed(event_for_reader)
_done: dict[str, Shape] = {"time": positive, "seq": positive, "duplicate": flag}
_stored: dict[str, Shape] = {"time": positive, "seq": positive}
_change: tuple[dict[str, Shape], dict[str, Shape]] = ({}, _done)
_logged: tuple[dict[str, Shape], dict[str, Shape]] = ({}, {**_done, "event": event})
# Those that the reply to hello names (protocol.md "Thresholds").
THRESHOLDS = (
    "full_delivery_members", "large_room_members", "receipts_members", "delivered_members", "typing_members",
    "group_members", "edit_window_s", "recall_window_s", "retain_s", "request_texts",
)  # fmt: skip
_limits = record({}, dict.fromkeys((*document.limits(), *THRESHOLDS), u53))
_nothing: tuple[dict[str, Shape], dict[str, Shape]] = ({}, {})
media_offer = record({"url": text_of(r"https?://.{1,504}"), "file_bytes": positive, "voice_ms": positive})
push_offer = record(
    {"platforms": listed(word, least=1)}, {"vapid": text_of(r"[\w-]{87}"), "registered": flag}
)

_counters: dict[str, Shape] = {"read": u53, "unread": u53, "unread_mentions": u53, "ordinal": u53}
REPLIES: dict[str, tuple[dict[str, Shape], dict[str, Shape]]] = {
    "hello": (
        {
            "version": positive,
            "user": user,
            "session": word,
            "time": positive,
            "epoch": epoch,
            "heartbeat": positive,
            "token_ttl": u53,
            "sync": sync_page,
            "features": listed(word),
        },
        {
            "limits": _limits,
            "audiences": bounds,
            "deprecated_at": positive,
            "push": push_offer,
            "media": media_offer,
        },
    ),
    "sync": ({"rooms": listed(summary)}, _sync_keys),
    "auth": ({"token_ttl": u53}, {}),
    "mode": ({"heartbeat": positive}, {}),
    "ping": ({"time": positive}, {}),
    "log": (
        {"events": _events, "seq": u53},
        {"next": positive, "reset": flag, "log_floor": positive, "first_visible": positive, "ordinal": u53},
    ),
    "history": ({"events": _events, "low": u53, "high": u53, "seq": u53}, {"end": flag}),
    "changes": ({"events": _events, "seq": u53}, {"next": positive}),
    "messages": ({"events": _events}, {}),
    "comments": ({"counts": listed(record({"seq": positive, "count": positive}), most=50)}, {}),
    "send": (_stored, {**_done, "ordinal": positive, "event": event}),
    "forward": (
        _stored,
        {**_done, "ordinal": positive, "event": event, "seqs": listed(positive, least=1, most=100)},
    ),
    "recall": (_stored, _done),
    **dict.fromkeys(("pin", "room.leave"), _change),
    **dict.fromkeys(("edit", "react", "room.update", "members.remove", "members.role"), _logged),
    **joining_replies(summary, _done, event),
    "room.delete": ({}, {"time": positive, "duplicate": flag}),
    "room.create": ({"summary": summary}, {**_done, **ADDED}),
    "room.direct": ({"summary": summary}, {}),
    "room.get": ({"summary": summary}, {}),
    "read": (_counters, {}),
    # Of a room, and of the badge.
    "unread": (
        {},
        {
            **_counters,
            "seqs": listed(positive, most=200),
            "mentions": listed(positive, most=200),
            "badge": u53,
            "rooms": listed(
                record({"room": room, "counts": positive, "why": one_of("unread", "mention", "mark")}),
                most=200,
            ),
            "more": more,
        },
    ),
    "reads": ({"rooms": listed(record({"room": room, **_counters}), most=200)}, {}),
    "verify": ({"equal": boolean}, {}),
    "delivered": _nothing,
    "typing": _nothing,
    "readers": (
        {"count": u53, "readers": listed(record({"user": user, "read": u53}))},
        {"more": more},
    ),
    "focus": (
        {"rooms": listed(record({"room": room, "seq": positive}, {"receipts": listed(_receipt)}))},
        {},
    ),
    "watch": ({"users": listed(_seen)}, {}),
    "members.list": ({"members": listed(member_row), "count": u53}, {"more": more}),
    "members.get": ({"members": listed(member_row, most=100), "count": u53}, {}),
    **dict.fromkeys(("members.silence", "members.nickname", "announce"), _logged),
    "members.unban": _change,
    "preferences": _nothing,
    "delete": _nothing,
    "clear": _nothing,
    "draft": ({}, {"stamp": positive}),
    "schedule": ({}, {"stamp": positive}),
    "users.get": ({"users": listed(card)}, {"more": text_of(r".{1,128}"), "stamp": u53}),
    "bots.get": (
        {},
        {"commands": listed(record({"name": word, "description": text}), least=1, most=100), "welcome": flag},
    ),
    "devices.push": _nothing,
    **FILE_AND_PUSH_REPLIES,
    "search": (
        {"hits": listed(record({"event": event_for_reader}, {"room": room, "count": positive}), most=50)},
        {"more": more, "behind": positive},
    ),
    "users.find": ({"users": listed(plate, most=1)}, {}),
    "profile.set": ({"profile": card}, {}),
    "devices.list": (
        {"devices": listed(record({"device": device, "last_seen": positive}, {"app": text, "os": text}))},
        {},
    ),
    "devices.remove": _nothing,
    **dict.fromkeys(
        (
            "friend.request",
            "friend.accept",
            "friend.decline",
            "friend.cancel",
            "friend.remove",
            "contact.set",
        ),
        ({"contact": contact}, {"duplicate": flag}),
    ),
    "circle.set": ({"circle": circle}, {"duplicate": flag}),
    "circle.delete": _nothing,
    "privacy.set": ({"privacy": privacy}, {}),
    "report": ({"report": text_of(r"r[1-9][0-9]*")}, {"duplicate": flag}),
    "room.accept": _nothing,
    "room.decline": _nothing,
}

# Pushes

_head = record({"room": room, "seq": positive, "ordinal": u53}, {"preview": event})

PUSHES: dict[str, tuple[dict[str, Shape], dict[str, Shape]]] = {
    "event": ({"room": room, "events": listed(event, least=1)}, {}),
    "head": ({"rooms": listed(_head, least=1)}, {}),
    "room": ({"summary": summary}, {}),
    "gone": ({"room": room}, {"reason": one_of("left", "banned", "deleted")}),
    "position": (
        {"room": room, "read": u53, "unread": u53, "unread_mentions": u53, "ordinal": u53},
        {},
    ),
    "receipts": ({"room": room, "receipts": listed(_receipt, least=1)}, {}),
    "typing": ({"room": room, "user": user}, {}),
    "voice": (
        {"room": room, "user": user, "file": file, "state": one_of("live", "done", "cut", "cancelled")},
        {},
    ),
    "presence": ({"users": listed(_seen, least=1)}, {}),
    "profiles": ({"users": listed(record({"user": user, "version": positive}), least=1)}, {}),
    "token_expiring": ({"token_ttl": u53}, {}),
    "account": ({}, {"sections": sections, "more": flag}),
    "ping": ({}, {"cursor": cursor}),
    "bye": ({"reason": word, "close": positive}, {"retry_after": u53, "to": text, "cursor": cursor}),
}

# Errors (2.15) and closes (2.14)

RETRIES = document.errors()

_error = record(
    {"code": one_of(*RETRIES), "retry": word},
    {
        "retry_after": u53,
        "scope": one_of("connection", "user", "room", "address", "slow"),
        "message": text,
        "field": text,
        "reason": word,
    },
)

CLOSES = document.closes()


def check_push(packet: Mapping[str, Any]) -> None:
    """Check a push without `id`: of a known type, with the keys of its table row."""
    kind = packet.get("type")
    if kind not in PUSHES:
        raise Misshapen(f"no such push: {packet!r}")
    required, optional = PUSHES[kind]
    record({"type": word, **required}, optional)(packet, kind)
    if kind == "bye" and CLOSES.get(packet["close"]) != packet["reason"]:
        raise Misshapen(f"close and reason do not belong together: {packet!r}")


def check_reply(request: str, packet: Mapping[str, Any]) -> None:
    """Check an `ok` with the keys of requests of this type (any keys for ""), or a well-formed `error`."""
    content = {name: value for name, value in packet.items() if name not in ("type", "id")}
    if packet["type"] == "ok":
        if not request:
            return
        required, optional = REPLIES[request]
        if required is _stored and "duplicate" in content:
            # A repeated key may be that of a message which is gone (protocol.md "Retention").
            required = {"time": positive}
        record(required, optional)(content, f"ok of {request}")
        return
    _error(content, f"error of {request}")
    if content["retry"] != RETRIES[content["code"]]:
        raise Misshapen(f"wrong retry: {packet!r}")
    is_ban = (request, content["code"]) == ("hello", "forbidden")
    if "retry_after" in content and content["retry"] not in ("later", "after_auth") and not is_ban:
        raise Misshapen(f"retry_after with nothing to wait for: {packet!r}")
