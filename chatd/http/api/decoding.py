"""Paths, queries and bodies as types. A refusal names the field, its fault, and the form that is right."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

import msgspec
from msgspec import inspect
from starlette.requests import Request

from chatd.http.api import bots, erasures, imports, keys, people, users
from chatd.http.api.route import (
    PARAMETERS,
    Asked,
    Code,
    EntryId,
    FilterName,
    HookName,
    KeyId,
    ReportName,
    StickerName,
)
from chatd.protocol import complaints
from chatd.protocol.bots import CommandName
from chatd.protocol.complaints import Words, refusal_of
from chatd.protocol.errors import Refused

FORMS = {
    **complaints.FORMS,
    keys.Name: "a name, 1 to 64 of A-Z a-z 0-9 _ . -",
    KeyId: "the id of a key, 8 of a-z 2-7",
    HookName: "the name of an endpoint, up to 32 of a-z 0-9 _ -, a letter first, or bot: and the id of a bot",
    EntryId: "the id of an entry",
    FilterName: "the name of a list, up to 32 of a-z 0-9 _ -, a letter first",
    StickerName: "the name of a sticker, up to 32 of a-z 0-9 _ -, a letter or digit first",
    ReportName: "a report, r and a number",
    Code: "a code, up to 32 of a-z _",
    bots.Secret: "a secret, whsec_ and 24 to 64 bytes in base64",
    CommandName: "a command, 1 to 32 of a-z 0-9 _",
    imports.RoomKind: "group or direct",
    users.Prefix: "the beginning of a user id",
    users.PasswordHash: "a hash, as argon2id writes it: $argon2id$v=19$m=...",
    people.Bucket: "a bucket, 4 of 0-9 a-f",
    erasures.MoreErasures: "`more` as it was answered",
}
# A complaint repeats names from the body.
DETAIL_CHARACTERS_MAX, FIELD_CHARACTERS_MAX = 200, 64


def path_of(request: Request) -> dict[str, Any]:
    """Return the parameters of the path. Raises Refused("bad_request")."""
    found = {name: value for name, value in request.path_params.items() if name in PARAMETERS}
    for name, value in found.items():
        try:
            found[name] = msgspec.convert(value, PARAMETERS[name], strict=False)
        except msgspec.ValidationError as error:
            raise _refusal(error, f"`{name}` in the path", field=name) from None
    return found


def asked_in_query(request: Request, kind: type[Asked]) -> Asked:
    """Return the query of a request. Raises Refused."""
    items = request.query_params.multi_items()
    if len(dict(items)) < len(items):
        raise Refused("bad_request", "a name stands twice in the query")
    try:
        return msgspec.convert(dict(items), kind, strict=False)
    except msgspec.ValidationError as error:
        raise _refusal(error, "the query", kind) from None


def decoded(content: bytes, kind: type[Asked], whole: str = "the body") -> Asked:
    """Return a body or a line of JSON. `whole`: its name in a refusal. Raises Refused."""
    try:
        asked: Asked = decoder_of(kind).decode(content)
        return asked
    except msgspec.ValidationError as error:
        raise _refusal(error, whole, kind) from None
    except RecursionError:
        raise Refused("unreadable", f"{whole} is nested too deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused("unreadable", f"{whole} is not JSON in UTF-8: {error}") from None


@cache
def decoder_of(kind: type[Asked]) -> msgspec.json.Decoder[Any]:
    """Return the decoder of a type: to make one for each line costs more than the line where there are several."""
    return msgspec.json.Decoder(kind)


@cache
def words_of(kind: type[Asked]) -> Words:
    """Return the forms, and the choices of the keys of `kind`: two routes may call different things `role`."""
    return Words(FORMS, dict(_choices("", inspect.type_info(kind))))


def _choices(name: str, kind: inspect.Type) -> Iterator[tuple[str, Any]]:
    """Yield the name and the choices of each key of a type, with that of the key above; of a map, those of its keys."""
    match kind:
        case inspect.LiteralType():
            yield name, Literal[tuple(kind.values)]
        case inspect.StructType():
            above = name.rpartition(".")[2]
            for field in kind.fields:
                yield from _choices(f"{above}.{field.encode_name}".lstrip("."), field.type)
        case inspect.UnionType():
            for one in kind.types:
                yield from _choices(name, one)
        case inspect.ListType() | inspect.VarTupleType():
            yield from _choices(name, kind.item_type)
        case inspect.DictType():
            yield from _choices(name, kind.key_type)
            yield from _choices(name, kind.value_type)


def _refusal(
    error: msgspec.ValidationError, whole: str, kind: type[Asked] = Asked, field: str | None = None
) -> Refused:
    refusal = refusal_of(str(error), whole, words_of(kind))
    refusal.message = refusal.message[:DETAIL_CHARACTERS_MAX]
    refusal.field = (field or refusal.field or "")[:FIELD_CHARACTERS_MAX] or None
    return refusal
