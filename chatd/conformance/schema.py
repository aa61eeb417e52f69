"""The form of every packet of a client: keys, types and bounds, as the tables of protocol.md say; pure.

Bounds that a server may set are in limits.py.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

U53_MAX = 2**53 - 1
DEPTH_MAX = 16

Check = Callable[[Any], str]
"""A check of one value: says what is wrong with it, empty when nothing is."""


def _text(most: int, least: int = 0, pattern: str = "") -> Check:
    form = re.compile(pattern) if pattern else None

    def check(value: Any) -> str:
        if not isinstance(value, str):
            return "should be text"
        if not least <= len(value) <= most:
            return f"should have {least} to {most} characters, and has {len(value)}"
        return "" if form is None or form.fullmatch(value) else "is not of its form"

    return check


def _number(least: int = 0, most: int = U53_MAX) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, int) or isinstance(value, bool):
            return "should be an integer"
        return "" if least <= value <= most else f"should be {least} to {most}, and is {value}"

    return check


def _word(*words: str) -> Check:
    return lambda value: "" if value in words else f"should be one of {', '.join(words)}"


def _list(item: Check, most: int = U53_MAX, least: int = 0) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, list):
            return "should be an array"
        if not least <= len(value) <= most:
            return f"should have {least} to {most} items, and has {len(value)}"
        return next((f"[{i}] {why}" for i, one in enumerate(value) if (why := item(one))), "")

    return check


def _map(**keys: Check) -> Check:
    """A map; a key that ends with `_` may be absent."""

    def check(value: Any) -> str:
        if not isinstance(value, dict):
            return "should be a map"
        return _keys(value, keys)

    return check


def _keys(value: Mapping[str, Any], keys: Mapping[str, Check]) -> str:
    for key, one in keys.items():
        name = key.rstrip("_")
        if name in value:
            if why := one(value[name]):
                return f".{name} {why}"
        elif not key.endswith("_"):
            return f".{name} is missing"
    return ""


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "should be true or false"


def _any(_: Any) -> str:
    return ""


def _emoji(value: Any) -> str:
    if why := _text(64, 1)(value):
        return why
    size = len(value.encode(errors="surrogatepass"))
    return "" if size <= 64 else f"should have 1 to 64 bytes, and has {size}"


def _body(value: Any) -> str:
    why = _map(
        text_=_text(U53_MAX),
        attachments_=_list(ATTACHMENT, 10),
        reply_to_=U53,
        thread_=U53,
        mentions_=_list(_text(64, 1), 50),
        buttons_=_list(_list(BUTTON, 3), 5),
    )(value)
    if why or any(value.get(key) not in (None, "", []) for key in ("text", "attachments", "data")):
        return why
    return "should have a text, attachments or data"


U53 = _number()
SEQ = _number(1)
FLAG: Check = _flag
USER = _text(64, 1, r"[A-Za-z0-9_\-.:@+|]+")
ROOM = _text(12, 12, r"[cdg][A-Za-z0-9]{11}")
DEVICE = _text(22, 22, r"[A-Za-z0-9_-]{22}")
KEY = _text(36, 8, r"[A-Za-z0-9_-]{8,36}")
TOKEN = _text(4096, 1)
OPAQUE = _text(64, 1)
WORD = _text(64)
URL = _text(2048, 1)
ATTACHMENT = _map(
    url=URL,
    mime=_text(128, 1),
    name_=_text(256),
    size_=U53,
    width_=U53,
    height_=U53,
    duration_=U53,
    preview_=_text(1024),
    alt_=_text(1000),
    from_=_map(room=ROOM, seq=SEQ),
)
BUTTON = _map(label=_text(32, 1), data_=_text(64, 1), url_=_text(2048, 1))
MODE = _word("foreground", "background")
USERS = _list(USER, 100, 1)
CIRCLE = _number(1, 50)
CIRCLES = _list(CIRCLE, 50)
AUDIENCE = _word("everyone", "followers", "acquaintances", "friends", "nobody")
CAPABILITIES = ("knock", "write", "add", "call", "presence", "receipts", "page", "find")
RULES = _map(**{f"{name}_": _map(to=AUDIENCE, allow_=CIRCLES, deny_=CIRCLES) for name in CAPABILITIES})
THEME = _map(name_=_text(32), colors_=_list(_text(7, 7, "#[0-9A-Fa-f]{6}"), 4))
FIELDS = _list(_map(name=_text(32, 1), value=_text(256), to_=AUDIENCE), 16)
LEVEL = _word("all", "mentions", "none")
TIME = _text(5, 5, "([01][0-9]|2[0-3]):[0-5][0-9]")
PUSH = _map(
    messages_=LEVEL,
    groups_=LEVEL,
    content_=_word("full", "sender", "none"),
    mute_mentions_=FLAG,
    friends_=FLAG,
    invites_=FLAG,
    reactions_=FLAG,
    quiet_=_list(_map(**{"from": TIME, "to": TIME, "days_": _list(_number(1, 7), 7)}), 7),
    timezone_=_text(64),
    quiet_mode_=_word("silent", "off"),
)
# A step between two users.
STEP: Mapping[str, Check] = {"id": SEQ, "user": USER, "seen_": U53}

REQUESTS: Mapping[str, Mapping[str, Check]] = {
    "hello": {
        "id": SEQ,
        "version": U53,
        "token": TOKEN,
        "device": DEVICE,
        "app_": WORD,
        "os_": WORD,
        "locale_": WORD,
        "features_": _list(WORD, 32),
        "mode_": MODE,
        "focus_": _list(ROOM),
        "epoch_": _text(16, 1),
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
        "limit_": _number(1, 100),
    },
    "changes": {"id": SEQ, "room": ROOM, "low": U53, "high": U53, "since": U53},
    "messages": {"id": SEQ, "room": ROOM, "seqs": _list(SEQ, 100, 1)},
    "send": {"id": SEQ, "room": ROOM, "key": KEY, "body": _body, "composed_at_": U53, "silent_": FLAG},
    "edit": {"id": SEQ, "room": ROOM, "key": KEY, "target": SEQ, "body": _body},
    "recall": {"id": SEQ, "room": ROOM, "key": KEY, "target": SEQ},
    "react": {"id": SEQ, "room": ROOM, "key": KEY, "target": SEQ, "emoji": _emoji, "set": FLAG},
    "pin": {"id": SEQ, "room": ROOM, "key": KEY, "target": SEQ, "set": FLAG},
    "read": {"room": ROOM, "seq": U53},
    "delivered": {"rooms": _list(_map(room=ROOM, seq=U53), 200)},
    "readers": {"id": SEQ, "room": ROOM, "seq": SEQ, "more_": OPAQUE, "limit_": SEQ},
    "focus": {"id": SEQ, "rooms": _list(ROOM)},
    "typing": {"room": ROOM, "what_": _word("text", "voice")},
    "watch": {"id": SEQ, "users": _list(USER)},
    "room.create": {
        "id": SEQ,
        "key": KEY,
        "kind": _word("group"),
        "title": _text(256),
        "users_": _list(USER, 100),
        "avatar_": _text(2048),
        "public_": FLAG,
        "data_": _any,
    },
    "room.direct": {"id": SEQ, "user": USER},
    "room.get": {"id": SEQ, "room": ROOM},
    "room.update": {
        "id": SEQ,
        "room": ROOM,
        "key": KEY,
        "title_": _text(256),
        "avatar_": _text(2048),
        "public_": FLAG,
        "data_": _any,
    },
    "room.delete": {"id": SEQ, "room": ROOM, "key": KEY},
    "room.join": {"id": SEQ, "room": ROOM, "key": KEY},
    "room.leave": {"id": SEQ, "room": ROOM, "key": KEY},
    "members.list": {
        "id": SEQ,
        "room": ROOM,
        "more_": OPAQUE,
        "limit_": SEQ,
        "prefix_": WORD,
        "role_": _word("member", "admin", "owner"),
    },
    "members.add": {"id": SEQ, "room": ROOM, "key": KEY, "users": USERS},
    "members.remove": {"id": SEQ, "room": ROOM, "key": KEY, "users": USERS},
    "members.role": {
        "id": SEQ,
        "room": ROOM,
        "key": KEY,
        "users": _list(_map(user=USER, role=_word("member", "admin", "owner")), 100, 1),
    },
    "preferences": {
        "id": SEQ,
        "room_": ROOM,
        "muted_until_": U53,
        "pinned_": FLAG,
        "hidden_": FLAG,
        "receipts_": FLAG,
        "presence_": FLAG,
        "wallpaper_": _text(256),
        "notify_": _word("all", "mentions", "none", "default"),
        "push_": PUSH,
    },
    "users.get": {
        "id": SEQ,
        "users_": USERS,
        "versions_": _list(U53, 100),
        "since_": U53,
        "more_": OPAQUE,
        "page_": FLAG,
        "as_": _any,
    },
    "devices.push": {
        "id": SEQ,
        "platform": _word("apns", "fcm", "web", "gateway"),
        "token": _text(4096),
        "app_": _text(128),
        "purpose_": _word("alert", "voip"),
        "environment_": _word("production", "sandbox"),
        "p256dh_": _text(87, 87, r"[A-Za-z0-9_-]+"),
        "auth_": _text(22, 22, r"[A-Za-z0-9_-]+"),
    },
    "devices.list": {"id": SEQ},
    "devices.remove": {"id": SEQ, "device": DEVICE},
    "friend.request": {**STEP, "note_": _text(200), "via_": _text(32)},
    **dict.fromkeys(("friend.accept", "friend.decline", "friend.cancel", "friend.remove"), STEP),
    "contact.set": {**STEP, "remark_": _text(64), "circles_": CIRCLES, "following_": FLAG, "blocked_": FLAG},
    "circle.set": {"id": SEQ, "number_": CIRCLE, "name": _text(64, 1)},
    "circle.delete": {"id": SEQ, "number": CIRCLE},
    "privacy.set": {"id": SEQ, "rules": RULES},
    "room.accept": {"id": SEQ, "room": ROOM},
    "room.decline": {"id": SEQ, "room": ROOM, "block_": FLAG},
    "profile.set": {
        "id": SEQ,
        "name_": _text(64),
        "avatar_": _text(2048),
        "handle_": _text(32),
        "cover_": _text(2048),
        "theme_": THEME,
        "bio_": _text(500),
        "fields_": FIELDS,
        "data_": _any,
    },
    "users.find": {"id": SEQ, "handle": _text(32)},
    "bots.get": {"id": SEQ, "bot": USER},
    "file.link": {
        "id": SEQ,
        "places": _list(_map(room=ROOM, seq=U53, file=_text(22, 22), size_=_word("m", "s")), 50, 1),
    },
    "file.list": {"id": SEQ, "more_": _text(64), "limit_": SEQ},
    "played": {"room": ROOM, "seq": SEQ},
    "push.test": {"id": SEQ},
    "push.decisions": {"id": SEQ, "room_": ROOM, "seq_": SEQ, "limit_": SEQ},
    "report": {
        "id": SEQ,
        "key": KEY,
        "reason": _word("spam", "abuse", "sexual", "violence", "fraud", "self_harm", "other"),
        "room_": ROOM,
        "seq_": SEQ,
        "user_": USER,
        "text_": _text(1000),
    },
}
"""The requests of protocol.md, "All packets"; an `_` behind a key says that it may be absent. `id` stands where it is
required."""

KEYED = frozenset(name for name, keys in REQUESTS.items() if "key" in keys)
"""The mutations: a request that has a `key`."""


def wrong_with(packet: Mapping[str, Any]) -> str:
    """Return what is wrong with the form of a packet of a client, empty when nothing is."""
    kind = packet.get("type")
    if not isinstance(kind, str) or not 1 <= len(kind) <= 16:
        return "a packet has a `type` of 1 to 16 characters"
    if kind not in REQUESTS:
        return f"`{kind}` is no request of a client"
    if "id" in packet and (why := SEQ(packet["id"])):
        return f"{kind}.id {why}"
    if why := _keys(packet, REQUESTS[kind]):
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
