"""The form of every packet of a client: its keys, as the tables of protocol.md say; pure.

Bounds that a server may set are in limits.py.
"""

from collections.abc import Mapping
from typing import Any

from .forms import (
    CIRCLE,
    CIRCLES,
    DEPTH_MAX,
    DEVICE,
    FIELDS,
    FLAG,
    KEY,
    MODE,
    OPAQUE,
    POLICY,
    PUSH,
    ROLE,
    ROOM,
    RULES,
    SEQ,
    THEME,
    TOKEN,
    U53,
    USER,
    USERS,
    WORD,
    Check,
    anything,
    array,
    body,
    emoji,
    mapping,
    number,
    one_of,
    text,
    wrong_keys,
)
from .schema_conversations import CONVERSATIONS

# A step between two users.
STEP: Mapping[str, Check] = {"id": SEQ, "user": USER, "seen_": U53}

RULES_OF_ROOM: Mapping[str, Check] = {
    "policy_": POLICY,
    "about_": text(512),
    "tags_": array(text(24, 1), 5),
}

REQUESTS: Mapping[str, Mapping[str, Check]] = {
    **CONVERSATIONS,
    "hello": {
        "id": SEQ,
        "version": U53,
        "token": TOKEN,
        "device": DEVICE,
        "app_": WORD,
        "os_": WORD,
        "locale_": WORD,
        "features_": array(WORD, 32),
        "mode_": MODE,
        "focus_": array(ROOM),
        "epoch_": text(16, 1),
        "cursor_": OPAQUE,
        "rooms_": SEQ,
        "previews_": FLAG,
        "events_": U53,
    },
    "sync": {
        "id": SEQ,
        "cursor_": OPAQUE,
        "more_": OPAQUE,
        "rooms_": SEQ,
        "previews_": FLAG,
        "events_": U53,
    },
    "auth": {"id": SEQ, "token": TOKEN},
    "mode": {"mode": MODE},
    "ping": {"id": SEQ},
    "pong": {},
    "log": {"id": SEQ, "room": ROOM, "from": SEQ, "to_": U53, "limit_": SEQ},
    "history": {
        "id": SEQ,
        "room": ROOM,
        "before_": U53,
        "after_": U53,
        "around_": U53,
        "limit_": number(1, 100),
        "post_": SEQ,
    },
    "changes": {"id": SEQ, "room": ROOM, "low": U53, "high": U53, "since": U53},
    "messages": {"id": SEQ, "room": ROOM, "seqs": array(SEQ, 100, 1)},
    "send": {
        "id": SEQ,
        "room": ROOM,
        "key": KEY,
        "body": body,
        "composed_at_": U53,
        "silent_": FLAG,
        "post_": SEQ,
    },
    "edit": {"id": SEQ, "room": ROOM, "key": KEY, "target": SEQ, "body": body},
    "recall": {"id": SEQ, "room": ROOM, "key": KEY, "target": SEQ},
    "react": {"id": SEQ, "room": ROOM, "key": KEY, "target": SEQ, "emoji": emoji, "set": FLAG},
    "pin": {"id": SEQ, "room": ROOM, "key": KEY, "target": SEQ, "set": FLAG},
    "read": {"room": ROOM, "seq": U53},
    "delivered": {"rooms": array(mapping(room=ROOM, seq=U53), 200)},
    "readers": {"id": SEQ, "room": ROOM, "seq": SEQ, "more_": OPAQUE, "limit_": SEQ, "unread_": FLAG},
    "focus": {"id": SEQ, "rooms": array(ROOM)},
    "typing": {"room": ROOM, "what_": one_of("text", "voice")},
    "watch": {"id": SEQ, "users": array(USER)},
    "room.create": {
        "id": SEQ,
        "key": KEY,
        "kind": one_of("group", "channel"),
        "title": text(256),
        "users_": array(USER, 100),
        "avatar_": text(2048),
        "public_": FLAG,
        "data_": anything,
        **RULES_OF_ROOM,
    },
    "room.direct": {"id": SEQ, "user": USER},
    "room.get": {"id": SEQ, "room": ROOM},
    "room.update": {
        "id": SEQ,
        "room": ROOM,
        "key": KEY,
        "title_": text(256),
        "avatar_": text(2048),
        "public_": FLAG,
        "data_": anything,
        "comments_": text(12, 0, "([A-Za-z0-9]{12})?"),
        **RULES_OF_ROOM,
    },
    "room.delete": {"id": SEQ, "room": ROOM, "key": KEY},
    "room.join": {"id": SEQ, "room": ROOM, "key": KEY, "text_": text(200)},
    "room.leave": {"id": SEQ, "room": ROOM, "key": KEY},
    "members.list": {
        "id": SEQ,
        "room": ROOM,
        "more_": OPAQUE,
        "limit_": SEQ,
        "prefix_": WORD,
        "role_": one_of("member", "admin", "owner", "banned", "staff"),
    },
    "members.add": {"id": SEQ, "room": ROOM, "key": KEY, "users": USERS},
    "members.remove": {
        "id": SEQ,
        "room": ROOM,
        "key": KEY,
        "users": USERS,
        "ban_": FLAG,
        "until_": U53,
        "recall_": FLAG,
    },
    "members.role": {
        "id": SEQ,
        "room": ROOM,
        "key": KEY,
        "users": array(mapping(user=USER, role=ROLE), 100, 1),
    },
    "preferences": {
        "id": SEQ,
        "room_": ROOM,
        "muted_until_": U53,
        "pinned_": FLAG,
        "hidden_": FLAG,
        "receipts_": FLAG,
        "presence_": FLAG,
        "wallpaper_": text(256),
        "notify_": one_of("all", "mentions", "none", "default"),
        "push_": PUSH,
        "unread_mark_": FLAG,
        "folder_": number(0, 20),
        "folders_": array(mapping(id=number(2, 20), name=text(32, 1)), 20),
        "credit_": FLAG,
    },
    "users.get": {
        "id": SEQ,
        "users_": USERS,
        "versions_": array(U53, 100),
        "since_": U53,
        "more_": OPAQUE,
        "page_": FLAG,
        "as_": anything,
    },
    "devices.push": {
        "id": SEQ,
        "platform": one_of("apns", "fcm", "web", "gateway"),
        "token": text(4096),
        "app_": text(128),
        "purpose_": one_of("alert", "voip"),
        "environment_": one_of("production", "sandbox"),
        "p256dh_": text(87, 87, r"[A-Za-z0-9_-]+"),
        "auth_": text(22, 22, r"[A-Za-z0-9_-]+"),
    },
    "devices.list": {"id": SEQ},
    "devices.remove": {"id": SEQ, "device": DEVICE},
    "friend.request": {**STEP, "note_": text(200), "via_": text(32)},
    **dict.fromkeys(("friend.accept", "friend.decline", "friend.cancel", "friend.remove"), STEP),
    "contact.set": {**STEP, "remark_": text(64), "circles_": CIRCLES, "following_": FLAG, "blocked_": FLAG},
    "circle.set": {"id": SEQ, "number_": CIRCLE, "name": text(64, 1)},
    "circle.delete": {"id": SEQ, "number": CIRCLE},
    "privacy.set": {"id": SEQ, "rules": RULES},
    "room.accept": {"id": SEQ, "room": ROOM},
    "room.decline": {"id": SEQ, "room": ROOM, "block_": FLAG},
    "profile.set": {
        "id": SEQ,
        "name_": text(64),
        "avatar_": text(2048),
        "handle_": text(32),
        "cover_": text(2048),
        "theme_": THEME,
        "bio_": text(500),
        "fields_": FIELDS,
        "data_": anything,
    },
    "users.find": {"id": SEQ, "handle": text(32)},
    "bots.get": {"id": SEQ, "bot": USER},
    "file.link": {
        "id": SEQ,
        "places": array(mapping(room=ROOM, seq=U53, file=text(22, 22), size_=one_of("m", "s")), 50, 1),
    },
    "file.list": {"id": SEQ, "more_": text(64), "limit_": SEQ},
    "sticker.list": {"id": SEQ, "more_": text(64), "limit_": SEQ},
    "played": {"room": ROOM, "seq": SEQ},
    "push.test": {"id": SEQ},
    "push.decisions": {"id": SEQ, "room_": ROOM, "seq_": SEQ, "limit_": SEQ},
    "report": {
        "id": SEQ,
        "key": KEY,
        "reason": one_of("spam", "abuse", "sexual", "violence", "fraud", "self_harm", "other"),
        "room_": ROOM,
        "seq_": SEQ,
        "user_": USER,
        "text_": text(1000),
    },
}
"""The requests of protocol.md, "All packets"; an `_` behind a key says that it may be absent. `id` stands where it is
required."""

KEYED = frozenset(name for name, keys in REQUESTS.items() if "key" in keys) - {"draft", "schedule"}
"""The mutations: a request that has a `key` of its own, and not that of a message of later."""


def wrong_with(packet: Mapping[str, Any]) -> str:
    """Return what is wrong with the form of a packet of a client, empty when nothing is."""
    kind = packet.get("type")
    if not isinstance(kind, str) or not 1 <= len(kind) <= 16:
        return "a packet has a `type` of 1 to 16 characters"
    if kind not in REQUESTS:
        return f"`{kind}` is no request of a client"
    if "id" in packet and (why := SEQ(packet["id"])):
        return f"{kind}.id {why}"
    if why := wrong_keys(packet, REQUESTS[kind]):
        return kind + why
    if kind == "history" and len({"before", "after", "around"} & set(packet)) > 1:
        return "history has at most one of before, after and around"
    if kind == "users.get" and len({"users", "since", "more"} & set(packet)) != 1:
        return "users.get has exactly one of users, since and more"
    if kind == "report" and (
        ("user" in packet) == ("room" in packet) or ("seq" in packet and "user" in packet)
    ):
        return "report names a user or a room, and a message only in a room"
    return _nothing(packet, kind)


def _nothing(value: Any, path: str, level: int = 1) -> str:
    """Return where a `null` stands outside of host data, or where it is nested too deep."""
    if value is None:
        return f"{path} is null, which is never sent"
    if isinstance(value, dict | list) and level > DEPTH_MAX:
        return f"{path} is nested more than {DEPTH_MAX} deep"
    if isinstance(value, dict):
        parts = [(f"{path}.{key}", part) for key, part in value.items() if key != "data"]
    elif isinstance(value, list):
        parts = [(f"{path}[{number}]", part) for number, part in enumerate(value)]
    else:
        return ""
    return next((why for inner, part in parts if (why := _nothing(part, inner, level + 1))), "")
