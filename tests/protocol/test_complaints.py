"""Refusals of packets that fail their schema: a sentence for the author of a client, and the code of the size rule."""

from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest
from msgspec import inspect

from chatd.protocol import complaints
from chatd.protocol.codec import Invalid, decode_request
from chatd.protocol.requests import AnyRequest

IN_ROOM = {"room": "g4fKz81QwXe2", "key": "AZqxkP3ve9SFmQbJ7hE3Zw"}
READ = {"type": "read", "room": "g4fKz81QwXe2"}
ADD = {"type": "members.add", **IN_ROOM}
ROLE = {"type": "members.role", **IN_ROOM}
PRIVACY = {"type": "privacy.set"}
SEND = {"type": "send", **IN_ROOM}

WRONG = [
    ({**READ, "seq": "5"}, "bad_request", "`seq` must be an integer, and is text"),
    ({**READ, "seq": None}, "bad_request", "`seq` must be an integer, and is null"),
    ({**READ, "seq": -1}, "bad_request", "`seq` must be at least 0"),
    ({**READ, "seq": 2**53}, "bad_request", "`seq` must be at most 9007199254740991"),
    (READ, "bad_request", "`seq` is missing"),
    ({**READ, "room": "no room", "seq": 1}, "bad_request",
     "`room` must be the id of a room, 12 letters and digits, as the server gave it"),
    ({}, "bad_request", "`type` is missing"),
    ({"type": "mode", "mode": "asleep"}, "bad_request", "`mode` must be one of foreground, background"),
    ({**ADD, "users": []}, "bad_request", "`users` must have at least 1 item"),
    ({**ADD, "users": ["ann"] * 101}, "too_large", "`users` must have at most 100 items"),
    ({**ADD, "users": ["ann", "a b"]}, "bad_request",
     "`users[1]` must be the id of a user, 1 to 64 of A-Z a-z 0-9 _ - . : @ | +"),
    ({**ADD, "users": ["a" * 65]}, "bad_request",
     "`users[0]` must be the id of a user, 1 to 64 of A-Z a-z 0-9 _ - . : @ | +"),
    ({**ROLE, "users": [{"user": "ann"}]}, "bad_request", "`users[0].role` is missing"),
    ({**ROLE, "users": [{"user": "ann", "role": "king"}]}, "bad_request",
     "`users[0].role` must be one of member, admin, owner"),
    ({**SEND, "body": []}, "bad_request", "`body` must be a map, and is a list"),
    ({**SEND, "body": {"mentions": ["a b"]}}, "bad_request",
     '`body.mentions[0]` must be the id of a user, or ["*"] for everybody'),
    ({**SEND, "body": {"attachments": [{"url": "u" * 2049, "mime": "m"}]}}, "too_large",
     "`body.attachments[0].url` must have at most 2048 characters"),
    ({**SEND, "body": {"attachments": [{"url": "u", "mime": "m", "kind": "group"}]}}, "bad_request",
     "`body.attachments[0].kind` must be one of picture, video, voice, sticker, file"),
    ({**SEND, "body": {"future": 1, "text": 5}}, "bad_request", "`body.text` must be text, and is an integer"),
    ({**PRIVACY, "rules": []}, "bad_request", "`rules` must be a map, and is a list"),
    ({**PRIVACY, "rules": {"sing": {"to": "nobody"}}}, "bad_request",
     "`rules` must be a map with keys of knock, write, add, call, presence, receipts, page, find"),
    ({**PRIVACY, "rules": {"page": {"to": "all"}}}, "bad_request",
     "`rules[...].to` must be one of everyone, followers, acquaintances, friends, nobody"),
    ({"type": "users.get", "as": None}, "bad_request", "`as` must be an integer or text, and is null"),
    ({"type": "users.get", "as": "enemy"}, "bad_request", "`as` must be one of stranger, friend"),
    ({**SEND, "body": {}, "silent": "yes"}, "bad_request", "`silent` must be true or false, and is text"),
]  # fmt: skip


@pytest.mark.parametrize(("packet", "code", "message"), WRONG)
@pytest.mark.parametrize("text", [False, True], ids=["msgpack", "json"])
def test_a_refusal_says_what_is_wrong_where_and_what_is_right(
    packet: dict[str, Any], code: str, message: str, text: bool
) -> None:
    encode = msgspec.json.encode if text else msgspec.msgpack.encode
    found = decode_request(encode({**packet, "id": 1}), text)
    assert isinstance(found, Invalid)
    assert (found.refusal.code, found.refusal.message) == (code, message)
    assert f"`{found.refusal.field}` " in message


def test_every_form_and_every_choice_has_words() -> None:
    parts = [part for request in get_args(AnyRequest) for part in parts_of(inspect.type_info(request))]
    patterns = {repr(part.pattern) for part in parts if isinstance(part, inspect.StrType) and part.pattern}
    choices = {tuple(sorted(part.values)) for part in parts if isinstance(part, inspect.LiteralType)}
    assert patterns == set(complaints.OF_PACKETS.patterns)
    assert choices == {tuple(sorted(get_args(kind))) for kind in complaints.VALUES.values()}


def parts_of(kind: Any) -> Iterator[Any]:
    yield kind
    for part in (*getattr(kind, "fields", ()), *getattr(kind, "types", ())):
        yield from parts_of(getattr(part, "type", part))
    for name in ("item_type", "key_type", "value_type"):
        if hasattr(kind, name):
            yield from parts_of(getattr(kind, name))
