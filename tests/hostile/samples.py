"""A correct packet of every command, and the kinds of value that each of its fields takes: read from the structs."""

from typing import Any, get_args

import msgspec
from msgspec import inspect

from chatd.protocol.connection import Hello
from chatd.protocol.envelope import Request
from chatd.protocol.requests import AnyRequest
from tests.hostile.case import HIS, OWN

COMMANDS: tuple[type[Request], ...] = tuple(kind for kind in get_args(AnyRequest) if kind is not Hello)

# A value that fits wherever a field has this name.
FITTING: dict[str, Any] = {
    "room": OWN,
    "key": "key-of-mallory",
    "target": HIS,
    "seq": 2,
    "seqs": [HIS],
    "from": 1,
    "low": 1,
    "high": 9,
    "since": 0,
    "user": "alice",
    "bot": "alice",
    "users": ["alice"],
    "rooms": [OWN],
    "emoji": "👍",
    "set": True,
    "body": {"text": "hi"},
    "token": "nonsense",
    "device": "d" * 22,
    "mode": "foreground",
    "kind": "group",
    "title": "t",
    "platform": "fcm",
    "rules": {"page": {"to": "nobody"}},
    "number": 1,
    "name": "Bikes",
    "handle": "alice",
    "reason": "spam",
    "nickname": "Captain",
    "invite": "A" * 22,
    "accept": True,
    "digest": 0,
    "ranges": [[1, 1]],
}
FITTING_HERE: dict[tuple[str, str], Any] = {
    ("hello", "version"): 1,
    ("hello", "token"): "mallory",
    ("delivered", "rooms"): [{"room": OWN, "seq": 1}],
    ("reads", "rooms"): [{"room": OWN, "seq": 1}],
    ("verify", "rooms"): 1,
    ("forward", "from"): OWN,
    ("members.role", "users"): [{"user": "alice", "role": "member"}],
    ("members.silence", "until"): 1,
    ("file.link", "places"): [{"room": OWN, "seq": 1, "file": "A" * 22}],
}
# Fields without which a command asks for nothing.
ONE_OF_ITS: dict[str, str] = {"users.get": "users", "report": "user"}

# A value of each kind, and the kinds that the type of a field takes.
WRONG: dict[str, Any] = {
    "nothing": None,
    "truth": True,
    "number": 7,
    "fraction": 1.5,
    "text": "x" * 9,
    "bytes": b"x" * 9,
    "list": [[]],
    "map": {"a": 1},
}
KIND_OF: dict[type, str] = {
    inspect.StrType: "text",
    inspect.IntType: "number",
    inspect.BoolType: "truth",
    inspect.ListType: "list",
    inspect.StructType: "map",
    inspect.DictType: "map",
    inspect.LiteralType: "text",
}
# JSON has no bytes.
JSON_KINDS = frozenset(WRONG) - {"bytes"}


def type_of(kind: type[Request]) -> str:
    """Return the type of a command on the wire."""
    return str(kind.__struct_config__.tag)


def fields_of(kind: type[Request]) -> list[inspect.Field]:
    """Return the fields of a command beside the envelope."""
    about = inspect.type_info(kind)
    assert isinstance(about, inspect.StructType)
    return [field for field in about.fields if field.encode_name != "id"]


def right(kind: type[Request], id: int) -> dict[str, Any]:
    """Return a packet of this command with the fields it needs, all of them correct."""
    word = type_of(kind)
    names = [one.encode_name for one in fields_of(kind) if one.required or one.name == ONE_OF_ITS.get(word)]
    values = {name: FITTING_HERE.get((word, name), FITTING.get(name)) for name in names}
    return {"type": word, "id": id, **values}


def kinds_taken(field: inspect.Field) -> set[str] | None:
    """Return the kinds of value that a field takes, None for any."""
    types = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
    if any(isinstance(one, inspect.RawType) for one in types):
        return None
    return {
        KIND_OF[type(one)] for one in types if type(one) is not inspect.CustomType and type(one) in KIND_OF
    }


def wrong_packets(kind: type[Request]) -> list[tuple[str, str, dict[str, Any]]]:
    """Yield field, kind of the wrong value, and the packet: each field with each kind that it does not take."""
    found = []
    for field in fields_of(kind):
        taken = kinds_taken(field)
        wrong = {} if taken is None else {name: value for name, value in WRONG.items() if name not in taken}
        for name, value in wrong.items():
            found.append((field.encode_name, name, {**right(kind, 0), field.encode_name: value}))
    return found


def encoded(packet: Any, *, text: bool) -> bytes:
    return msgspec.json.encode(packet) if text else msgspec.msgpack.encode(packet)
