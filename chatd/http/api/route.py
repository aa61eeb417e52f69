"""A row of the table of routes: its path, its scope, the types of what is asked and answered, its handler.

The table (application.py) has all there is to say about a route, so that a description of the API can be made of it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.commands.admin import Admin
from chatd.commands.api_keys import ApiKeys
from chatd.commands.graph import Graph
from chatd.commands.privacy import Privacy
from chatd.core.api_keys import READ, ApiKey
from chatd.core.audit import SOCKET, Audit
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import U53_MAX, Device, Room, User

T = TypeVar("T")

BODY_BYTES_MAX = 1 << 20
# Scopes of routes that no key opens: for everybody, and for the admin socket alone.
OPEN, SOCKET_ONLY = "", SOCKET

KeyId = Annotated[str, Meta(pattern=r"^[a-z2-7]{8}\Z")]
Code = Annotated[str, Meta(pattern=r"^[a-z_]{1,32}\Z")]

PARAMETERS: Mapping[str, Any] = {"user": User, "device": Device, "room": Room, "key": KeyId, "code": Code}
"""The types of the parameters in paths, by name."""

Limit = Annotated[int, Meta(ge=1, le=200)]
# Opaque to the host; it names the last row of the page before.
More = Annotated[str, Meta(max_length=64)]


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of what a route is asked: a body of JSON, or the query of a GET or DELETE."""


class Page(Asked, frozen=True, kw_only=True):
    """The query of a list."""

    limit: Limit = 50
    more: More = ""

    def number(self, first: int) -> int:
        """Return the number that `more` stands for; `first` without one. Raises Refused("bad_cursor")."""
        if not self.more:
            return first
        if not (self.more.isascii() and self.more.isdigit() and int(self.more) <= U53_MAX):
            raise Refused("bad_cursor", "`more` is not one that was answered", field="more")
        return int(self.more)


def page_of(rows: Sequence[T], limit: int, key: Callable[[T], object]) -> tuple[Sequence[T], str | UnsetType]:
    """Return a page of `rows`, of which one too many was read, and its `more`; `key` names a row there."""
    return rows[:limit], str(key(rows[limit - 1])) if len(rows) > limit else UNSET


class Download(Struct, frozen=True):
    """The answer of a route that sends a file as it is."""

    path: str
    media_type: str


class Done(Struct, frozen=True):
    """The answer of a route that has nothing to tell: `{}`."""


@dataclass(slots=True, frozen=True)
class Caller:
    """The sender of a request: a key and its secret, or None for the admin socket, which may do everything."""

    key: ApiKey | None = None
    secret: str = field(default="", repr=False)

    @property
    def id(self) -> str:
        """The id of the key in the audit; SOCKET for the admin socket."""
        return SOCKET if self.key is None else self.key.id


@dataclass(slots=True, frozen=True)
class Services:
    """The parts of the daemon that handlers use. `console_link` returns a link that opens the console once.

    `scopes`: those that a key may have.
    """

    admin: Admin
    graph: Graph
    keys: ApiKeys
    privacy: Privacy
    console_link: Callable[[], str]
    scopes: frozenset[str]


@dataclass(slots=True, frozen=True)
class Call:
    """One request, past every check of its sender. `path`: the parameters of the path."""

    services: Services
    caller: Caller
    route: "Route"
    path: Mapping[str, str]
    request_id: str

    @property
    def admin(self) -> Admin:
        return self.services.admin

    @property
    def graph(self) -> Graph:
        return self.services.graph

    def require_valid(self) -> None:
        """Raise Refused("key_invalid") when the key of the caller ended since it was checked."""
        if self.caller.key is not None and self.services.keys.verified(self.caller.secret) is None:
            raise Refused("key_invalid", "the key ended meanwhile")

    def audit(self, target: str) -> Audit:
        """Return the entry for what this request does to `target`, or reads of it."""
        return Audit(self.caller.id, f"{self.route.method} {self.route.path}", target, self.request_id)


Handler = Callable[[Call, Any], Awaitable[Struct]]


@dataclass(slots=True, frozen=True)
class Route:
    """One route. `bulk`: its body is ndjson, and the handler is called with each line.

    `body_bytes`: the most of any other body.
    """

    method: Literal["GET", "PUT", "POST", "DELETE"]
    path: str
    scope: str
    handler: Handler
    asked: type[Asked] = Asked
    answer: type[Struct] = Done
    bulk: bool = False
    body_bytes: int = BODY_BYTES_MAX

    @property
    def reads(self) -> bool:
        """Whether a key that may only read will do."""
        return self.method == "GET"

    @property
    def needed_scope(self) -> str:
        """The least scope that opens it."""
        return self.scope + READ if self.reads else self.scope

    @property
    def has_body(self) -> bool:
        return self.method in ("PUT", "POST")


def scopes_of(table: Sequence[Route]) -> frozenset[str]:
    """Return the scopes that a key may have: those that open a route."""
    named = [route for route in table if route.scope not in (OPEN, SOCKET_ONLY)]
    return frozenset(route.needed_scope for route in named)
