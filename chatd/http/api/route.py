"""A row of the table of routes: its path, its scope, the types of what is asked and answered, its handler.

The table (application.py) has all there is to say about a route, so that a description of the API can be made of it.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.commands.admin import Admin
from chatd.commands.api_keys import ApiKeys
from chatd.commands.event_feed import FeedPages
from chatd.commands.filters import FilterLists
from chatd.commands.graph import Graph
from chatd.commands.host_bots import HostBots
from chatd.commands.host_media import HostMedia
from chatd.commands.host_push import HostPush
from chatd.commands.host_rooms import HostRooms
from chatd.commands.host_search import HostSearch
from chatd.commands.host_stats import StatsReader
from chatd.commands.imports import Imports
from chatd.commands.privacy import Privacy
from chatd.commands.webhooks import Webhooks
from chatd.core.api_keys import READ, VISITOR, ApiKey
from chatd.core.audit import SOCKET, Audit
from chatd.core.permissions import HOST
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import U53_MAX, Device, Room, Seq, User
from chatd.protocol.media import FileId

T = TypeVar("T")

BODY_BYTES_MAX = 1 << 20
# Scopes of routes that no key opens: for everybody, and for the admin socket alone.
OPEN, SOCKET_ONLY = "", SOCKET

KeyId = Annotated[str, Meta(pattern=r"^[a-z2-7]{8}\Z")]
FilterName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}\Z")]
ReportName = Annotated[str, Meta(pattern=r"^r[1-9][0-9]{0,14}\Z")]
HookName = Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_-]{0,31}|bot:[A-Za-z0-9_\-.:@|+]{1,64})\Z")]
StickerName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}\Z")]
EntryId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
Code = Annotated[str, Meta(pattern=r"^[a-z_]{1,32}\Z")]

PARAMETERS: Mapping[str, Any] = {
    "user": User,
    "device": Device,
    "room": Room,
    "seq": Seq,
    "key": KeyId,
    "code": Code,
    "filter": FilterName,
    "report": ReportName,
    "name": HookName,
    "entry": EntryId,
    "file": FileId,
    "sticker": StickerName,
}
"""The types of the parameters in paths, by name."""

Limit = Annotated[int, Meta(ge=1, le=200)]
# Opaque to the host; it names the last row of the page before.
More = Annotated[str, Meta(max_length=64)]


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of what a route is asked: a body of JSON, or the query of a GET or DELETE."""


class As(Asked, frozen=True, kw_only=True):
    """`as`: the user in whose place, and with whose rights, it is done. Without it the host does it."""

    as_: User | UnsetType = msgspec.field(default=UNSET, name="as")

    @property
    def user(self) -> str:
        """The user of the decision."""
        return HOST if self.as_ is UNSET else self.as_


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


class PageAs(Page, frozen=True, kw_only=True):
    """The query of a list that a user may see, or the host."""

    as_: User | UnsetType = msgspec.field(default=UNSET, name="as")

    @property
    def user(self) -> str:
        """The user who looks."""
        return HOST if self.as_ is UNSET else self.as_


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
    """The sender of a request: a key, or None for the admin socket, which may do everything.

    `is_valid`: whether the key is still good.
    """

    key: ApiKey | None = None
    is_valid: Callable[[], bool] = field(default=lambda: True, repr=False)

    @property
    def id(self) -> str:
        """The id of the key in the audit; SOCKET for the admin socket."""
        return SOCKET if self.key is None else self.key.id

    @property
    def grantor(self) -> str | ApiKey:
        """The sender for decisions about keys: a visitor of the console is in no table, and brings its scopes."""
        return self.key if self.key is not None and self.key.id.startswith(VISITOR) else self.id


@dataclass(slots=True, frozen=True)
class Services:
    """The parts of the daemon that handlers use. `table`: all routes.

    `console_link` returns a link that opens the console once, for a visitor of this name with these scopes.
    """

    admin: Admin
    graph: Graph
    rooms: HostRooms
    feed: FeedPages
    bots: HostBots
    stats: StatsReader
    webhooks: Webhooks
    keys: ApiKeys
    filters: FilterLists
    imports: Imports
    privacy: Privacy
    push: HostPush
    media: HostMedia
    search: HostSearch
    console_link: Callable[[str, Collection[str]], str]
    table: tuple["Route", ...]

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes that a key may have."""
        return scopes_of(self.table)


@dataclass(slots=True, frozen=True)
class Call:
    """One request, past every check of its sender. `path`: the parameters of the path."""

    services: Services
    caller: Caller
    route: "Route"
    path: Mapping[str, Any]
    request_id: str

    @property
    def admin(self) -> Admin:
        return self.services.admin

    @property
    def graph(self) -> Graph:
        return self.services.graph

    @property
    def rooms(self) -> HostRooms:
        return self.services.rooms

    def require_valid(self) -> None:
        """Raise Refused("key_invalid") when the key of the caller ended since it was checked."""
        if not self.caller.is_valid():
            raise Refused("key_invalid", "the key ended meanwhile")

    def audit(self, target: str, acted_as: str = HOST) -> Audit:
        """Return the entry for what this request does to `target`, or reads of it, in the place of `acted_as`."""
        action = f"{self.route.method} {self.route.path}"
        return Audit(self.caller.id, action, target, self.request_id, acted_as)


Handler = Callable[[Call, Any], Awaitable[Struct]]


@dataclass(slots=True, frozen=True)
class Route:
    """One route. `bulk`: its body is ndjson, and the handler is called with each line; `whole`: once, with all Lines.

    `body_bytes`: the most of any other body. `waits`: the answer may take long, and nobody needs it when the client
    is gone.
    """

    method: Literal["GET", "PUT", "POST", "PATCH", "DELETE"]
    path: str
    scope: str
    handler: Handler
    asked: type[Asked] = Asked
    answer: type[Struct] = Done
    bulk: bool = False
    whole: bool = False
    body_bytes: int = BODY_BYTES_MAX
    waits: bool = False

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
        return self.method in ("PUT", "POST", "PATCH")


def scopes_of(table: Sequence[Route]) -> frozenset[str]:
    """Return the scopes that a key may have: those that open a route."""
    named = [route for route in table if route.scope not in (OPEN, SOCKET_ONLY)]
    return frozenset(route.needed_scope for route in named)
