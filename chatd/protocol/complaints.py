"""Messages for packets that fail their schema, for the developer of the client (protocol.md "Error codes").

The decoder's own messages speak of types and regular expressions. Here they become a refusal that names the field, the
fault and the correct form: too much of something is `too_large`, anything else `bad_request`.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

from chatd.protocol.cards import CardType
from chatd.protocol.connection import Mode
from chatd.protocol.errors import Refused
from chatd.protocol.groups import Joining, Newcomers
from chatd.protocol.identifiers import Device, Handle, Key, LinkedRoom, Mention, NewHandle, Room, User
from chatd.protocol.media import FileKind, Size, Waveform
from chatd.protocol.members import MemberFilter, Role
from chatd.protocol.moderation import Reason
from chatd.protocol.presence import TypingOf
from chatd.protocol.privacy import Capability, To
from chatd.protocol.push import (
    AuthSecret,
    Content,
    Environment,
    Level,
    Notify,
    Platform,
    PublicKey,
    Purpose,
    QuietMode,
    TimeOfDay,
)
from chatd.protocol.rooms import GroupKind
from chatd.protocol.search import Has
from chatd.protocol.users import Color, Relation

FORMS = {
    User: "the id of a user, 1 to 64 of A-Z a-z 0-9 _ - . : @ | +",
    Mention: 'the id of a user, or ["*"] for everybody',
    Device: "a device id, 22 of A-Z a-z 0-9 - _",
    CardType: "a word, 1 to 16 of a-z 0-9 _, the first a letter",
    Has: "one of image, video, voice, file, link, mention, or card: and a type",
    Room: "the id of a room, 12 letters and digits, as the server gave it",
    LinkedRoom: "the id of a room, 12 letters and digits, or empty",
    Handle: "a handle, 3 to 32 of A-Z a-z 0-9 _ .",
    NewHandle: "a handle, 3 to 32 of A-Z a-z 0-9 _ ., or empty",
    Waveform: "a waveform, 64 of 0-9 a-v",
    Color: "a colour, # and 6 of 0-9 a-f",
    PublicKey: "a point of P-256, 65 bytes as 87 characters of base64url",
    AuthSecret: "16 bytes, as 22 characters of base64url",
    TimeOfDay: "a time of the day, 00:00 to 23:59",
    Key: "a key, 8 to 36 of A-Z a-z 0-9 - _",
}
# By the name of the key, with that of the key above where several have the same; of a map, those of its keys.
VALUES = {
    "mode": Mode,
    "role": MemberFilter,
    "users.role": Role,
    "join": Joining,
    "history": Newcomers,
    "invite": Role,
    "post": Role,
    "mention_all": Role,
    "info": Role,
    "pin": Role,
    "kind": GroupKind,
    "attachments.kind": FileKind,
    "what": TypingOf,
    "sizes": Size,
    "size": Size,
    "platform": Platform,
    "purpose": Purpose,
    "environment": Environment,
    "notify": Notify,
    "messages": Level,
    "groups": Level,
    "content": Content,
    "quiet_mode": QuietMode,
    "to": To,
    "rules": Capability,
    "as": Relation,
    "reason": Reason,
}
KINDS = {
    "int": "an integer",
    "float": "a number with a fraction or an exponent",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a map",
    "bytes": "a byte string",
    "ext": "an extension",
    "None": "null",
}


class Words(NamedTuple):
    """The forms of types that have a pattern, and the choices of keys that have some."""

    forms: Mapping[Any, str]
    values: Mapping[str, Any]

    @property
    def patterns(self) -> Mapping[str, str]:
        """The forms by pattern, as a message of the decoder shows it."""
        return {repr(get_args(kind)[1].pattern): form for kind, form in self.forms.items()}


OF_PACKETS = Words(FORMS, VALUES)
UNITS = {"str": "character", "array": "item"}

_index = re.compile(r"\[[^\]]*\]")
_path = re.compile(r"`\$\.?([^`]*)`")
_missing = re.compile(r"missing required field `([^`]*)`")
_unknown = re.compile(r"unknown field `([^`]*)`")
_length = re.compile(r"Expected `(str|array)` of length ([<>])= (\d+)")
_range = re.compile(r"Expected `int` ([<>])= (\d+)")
_key = re.compile(r"at `key` in `\$")
_kind = re.compile(r"Expected `(\w+(?: \| \w+)*)`(?:, got `(\w+)`)?")
_pattern = re.compile(r"matching regex ('.*')(?: - at|$)")


def refusal_of(complaint: str, whole: str = "the packet", words: Words = OF_PACKETS) -> Refused:
    """Turn a message of the decoder into the refusal of the request. `whole`: a name for what has no field."""
    found = _length.search(complaint)
    too_much = found is not None and found[2] == "<"
    field = field_of(complaint)
    message = f"{whole if field is None else f'`{field}`'} {wrong(complaint, field or '', words)}"
    return Refused("too_large" if too_much else "bad_request", message, field=field)


def field_of(complaint: str) -> str | None:
    """Return the path of the field that a message of the decoder is about, as in `body.attachments[0].url`."""
    parts = _path.search(complaint), _missing.search(complaint), _unknown.search(complaint)
    names = [found[1] for found in parts if found and found[1]]
    return ".".join(names) or None


def wrong(complaint: str, field: str, words: Words) -> str:
    """Return the fault of a field, as it follows its name: "must have at most 10 items"."""
    if _missing.search(complaint):
        return "is missing"
    if _unknown.search(complaint):
        return "is no key of this request"
    names = _index.sub("", field).split(".")
    choices = get_args(words.values.get(".".join(names[-2:])) or words.values.get(names[-1]))
    if _key.search(complaint):
        return f"must be a map with keys of {', '.join(choices) or 'its form'}"
    if complaint.startswith("Invalid enum value"):
        return f"must be one of {', '.join(choices)}" if choices else "is none of the words it may be"
    if found := _pattern.search(complaint):
        return f"must be {words.patterns.get(found[1], 'of its form')}"
    if found := _length.search(complaint):
        count = f"{found[3]} {UNITS[found[1]]}{'' if found[3] == '1' else 's'}"
        return f"must have {bound(found[2])} {count}"
    if found := _range.search(complaint):
        return f"must be {bound(found[1])} {found[2]}"
    if found := _kind.search(complaint):
        got = f", and is {KINDS.get(found[2], found[2])}" if found[2] else ""
        kinds = (KINDS.get(kind, kind) for kind in found[1].split(" | "))
        return f"must be {' or '.join(kinds)}{got}"
    return f"is wrong: {complaint}"


def bound(sign: str) -> str:
    return "at most" if sign == "<" else "at least"
