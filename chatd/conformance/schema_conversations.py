"""The requests of protocol.md, "Conversations": their keys, types and bounds; pure."""

from collections.abc import Mapping

from .forms import (
    FLAG,
    KEY,
    OPAQUE,
    ROOM,
    SEQ,
    SPAN,
    U53,
    USER,
    USERS,
    Check,
    array,
    body,
    mapping,
    number,
    text,
)

INVITE = text(22, 22, "[A-Za-z0-9_-]+")
MUTATION: Mapping[str, Check] = {"id": SEQ, "room": ROOM, "key": KEY}
PAGE: Mapping[str, Check] = {"id": SEQ, "room": ROOM, "more_": OPAQUE, "limit_": SEQ}
HAS = text(21, 4, "image|video|voice|file|link|mention|card:[a-z][a-z0-9_]{0,15}")


def _range(value: object) -> str:
    if why := array(SEQ, 2, 2)(value):
        return why
    assert isinstance(value, list)
    return "" if value[0] <= value[1] else "ends before it begins"


CONVERSATIONS: Mapping[str, Mapping[str, Check]] = {
    "members.get": {"id": SEQ, "room": ROOM, "users": USERS},
    "members.unban": {**MUTATION, "users": USERS},
    "members.silence": {**MUTATION, "users": USERS, "until": U53},
    "members.nickname": {**MUTATION, "nickname": text(64), "user_": USER},
    "announce": {**MUTATION, "target": U53},
    "invites.create": {
        **MUTATION,
        "expires_at_": U53,
        "uses_max_": U53,
        "approve_": FLAG,
        "label_": text(64),
    },
    "invites.list": PAGE,
    "invites.revoke": {**MUTATION, "invite_": INVITE, "by_": text(64)},
    "invites.look": {"id": SEQ, "invite": INVITE},
    "invites.use": {"id": SEQ, "invite": INVITE, "key": KEY, "text_": text(200)},
    "joins.list": PAGE,
    "joins.decide": {**MUTATION, "users": USERS, "accept": FLAG, "ban_": FLAG},
    "forward": {**MUTATION, "from": ROOM, "seqs": array(SEQ, 100, 1), "credit_": FLAG},
    "draft": {
        **MUTATION,
        "body_": mapping(
            text_=text(2048), reply_to_=SEQ, mentions_=array(text(64, 1), 50), spans_=array(SPAN, 50)
        ),
    },
    "schedule": {**MUTATION, "at_": U53, "body_": body},
    "delete": {"id": SEQ, "room": ROOM, "ranges": array(_range, 64, 1)},
    "clear": {"id": SEQ, "room": ROOM, "seq": SEQ},
    "unread": {"id": SEQ, "room_": ROOM, "more_": OPAQUE, "limit_": SEQ},
    "reads": {"id": SEQ, "rooms": array(mapping(room=ROOM, seq=U53), 200, 1)},
    "verify": {"id": SEQ, "rooms": U53, "digest": number(0, 2**48 - 1)},
    "search": {
        "id": SEQ,
        "room_": ROOM,
        "text_": text(64),
        "from_": USER,
        "has_": array(HAS, 4),
        "since_": U53,
        "until_": U53,
        "more_": OPAQUE,
        "limit_": number(1, 50),
    },
    "comments": {"id": SEQ, "room": ROOM, "seqs": array(SEQ, 50, 1)},
    "rooms.find": {
        "id": SEQ,
        "text_": text(64),
        "tag_": text(24, 1),
        "more_": OPAQUE,
        "limit_": number(1, 50),
    },
}
"""An `_` behind a key says that it may be absent."""
