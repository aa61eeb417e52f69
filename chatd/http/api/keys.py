"""Keys of the API itself, and links to the console."""

from typing import Annotated

from msgspec import Meta, Struct

from chatd.core.api_keys import VISITOR, ApiKey
from chatd.core.console_roles import Role, scopes_of_role
from chatd.http.api.route import SOCKET_ONLY, Asked, Call, Done, Route
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import Milliseconds, Word

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
DAY_S = 86_400


class MakeKey(Asked, frozen=True, kw_only=True):
    """A key to make. `expires_at`: Unix milliseconds, 0 for never."""

    name: Name
    scopes: Annotated[tuple[Word, ...], Meta(min_length=1, max_length=32)]
    expires_at: Milliseconds = 0


class Rotate(Asked, frozen=True, kw_only=True):
    """`overlap_s`: how long the present secret stays valid beside the new one."""

    overlap_s: Annotated[int, Meta(ge=0, le=30 * DAY_S)] = DAY_S


class MakeLink(Asked, frozen=True, kw_only=True):
    """The visitor whom a link lets in: a name for the audit, and a role, or scopes in its place."""

    name: Name = "operator"
    role: Role = "viewer"
    scopes: Annotated[tuple[Word, ...], Meta(max_length=32)] = ()


class KeyAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key without its secret. `overlap_until`: the end of the secret before."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: Milliseconds
    expires_at: Milliseconds = 0
    overlap_until: Milliseconds = 0


class NewKey(Struct, frozen=True):
    """A key with its secret, which is told this once."""

    key: KeyAnswer
    secret: str

    def __repr__(self) -> str:
        return f"NewKey({self.key!r}, secret='********')"


class KeysAnswer(Struct, frozen=True):
    keys: list[KeyAnswer]


class Link(Struct, frozen=True):
    """A link that opens the console once, within a minute."""

    link: str

    def __repr__(self) -> str:
        return "Link(link='********')"


def answer_of(key: ApiKey) -> KeyAnswer:
    return KeyAnswer(
        id=key.id,
        name=key.name,
        scopes=key.scopes,
        created_at=key.created_at,
        expires_at=key.expires_at,
        overlap_until=key.earlier_until,
    )


async def make_key(call: Call, asked: MakeKey) -> NewKey:
    keys, scopes = call.services.keys, known_scopes(call, asked.scopes)
    wanted = ApiKey(keys.new_id(), asked.name, scopes, expires_at=asked.expires_at)
    key, secret = await keys.add(wanted, call.caller.grantor, call.audit(wanted.id))
    return NewKey(answer_of(key), secret)


def known_scopes(call: Call, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scopes, each once. Raises Refused when one opens nothing."""
    known = call.services.scopes
    if not known.issuperset(asked):
        raise Refused("bad_request", f"`scopes` may be {', '.join(sorted(known))}", field="scopes")
    return tuple(sorted(set(asked)))


async def rotate_key(call: Call, asked: Rotate) -> NewKey:
    id = call.path["key"]
    by = call.caller.grantor
    key, secret = await call.services.keys.rotate(id, asked.overlap_s, by, call.audit(id))
    return NewKey(answer_of(key), secret)


async def get_keys(call: Call, asked: Asked) -> KeysAnswer:
    return KeysAnswer([answer_of(key) for key in call.services.keys.listed()])


async def delete_key(call: Call, asked: Asked) -> Done:
    id = call.path["key"]
    await call.services.keys.delete(id, call.caller.grantor, call.audit(id))
    return Done()


async def make_link(call: Call, asked: MakeLink) -> Link:
    scopes = known_scopes(call, asked.scopes) or scopes_of_role(asked.role, call.services.scopes)
    link = call.services.console_link(asked.name, scopes)
    await call.admin.note(call.audit(f"{VISITOR}{asked.name}"))
    return Link(link)


ROUTES = (
    Route("GET", "/v1/keys", "keys", get_keys, Asked, KeysAnswer),
    Route("POST", "/v1/keys", "keys", make_key, MakeKey, NewKey),
    Route("POST", "/v1/keys/{key}/rotate", "keys", rotate_key, Rotate, NewKey),
    Route("DELETE", "/v1/keys/{key}", "keys", delete_key),
    Route("POST", "/v1/console/links", SOCKET_ONLY, make_link, MakeLink, Link),
)
