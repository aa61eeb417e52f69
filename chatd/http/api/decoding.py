"""Paths, queries and bodies as types. A refusal names the field, its fault, and the form that is right."""

import msgspec
from starlette.requests import Request

from chatd.core.erasures import Messages, Reports
from chatd.core.graph import Kind, Op
from chatd.http.api import keys, people, tokens, users
from chatd.http.api.route import PARAMETERS, Asked, Code, KeyId
from chatd.protocol import complaints
from chatd.protocol.complaints import Words, refusal_of
from chatd.protocol.errors import Refused
from chatd.protocol.privacy import Capability

WORDS = Words(
    {
        **complaints.FORMS,
        keys.Name: "a name, 1 to 64 of A-Z a-z 0-9 _ . -",
        KeyId: "the id of a key, 8 of a-z 2-7",
        Code: "a code, up to 32 of a-z _",
        users.PasswordHash: "a hash, as argon2id writes it: $argon2id$v=19$m=...",
        people.Bucket: "a bucket, 4 of 0-9 a-f",
    },
    {
        **complaints.VALUES,
        "allow": tokens.Allowed,
        "op": Op,
        "buckets": Kind,
        "what": Capability,
        "messages": Messages,
        "reports": Reports,
    },
)
# A complaint repeats names from the body.
DETAIL_CHARACTERS_MAX, FIELD_CHARACTERS_MAX = 200, 64


def path_of(request: Request) -> dict[str, str]:
    """Return the parameters of the path. Raises Refused("bad_request")."""
    found = {name: value for name, value in request.path_params.items() if name in PARAMETERS}
    for name, value in found.items():
        try:
            msgspec.convert(value, PARAMETERS[name])
        except msgspec.ValidationError as error:
            raise _refusal(error, f"`{name}` in the path", name) from None
    return found


def asked_in_query(request: Request, kind: type[Asked]) -> Asked:
    """Return the query of a request. Raises Refused."""
    items = request.query_params.multi_items()
    if len(dict(items)) < len(items):
        raise Refused("bad_request", "a name stands twice in the query")
    try:
        return msgspec.convert(dict(items), kind, strict=False)
    except msgspec.ValidationError as error:
        raise _refusal(error, "the query") from None


def decoded(content: bytes, kind: type[Asked], whole: str = "the body") -> Asked:
    """Return a body or a line of JSON. `whole`: its name in a refusal. Raises Refused."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise _refusal(error, whole) from None
    except RecursionError:
        raise Refused("unreadable", f"{whole} is nested too deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused("unreadable", f"{whole} is not JSON in UTF-8: {error}") from None


def _refusal(error: msgspec.ValidationError, whole: str, field: str | None = None) -> Refused:
    refusal = refusal_of(str(error), whole, WORDS)
    refusal.message = refusal.message[:DETAIL_CHARACTERS_MAX]
    refusal.field = (field or refusal.field or "")[:FIELD_CHARACTERS_MAX] or None
    return refusal
