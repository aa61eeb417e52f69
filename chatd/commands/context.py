"""The context of handlers: the parts of the daemon they work with, and the types of what they return."""

from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Literal, Protocol

from chatd.auth.interface import Claims, Identity
from chatd.commands.hello_limiter import HelloLimiter
from chatd.commands.lookups import Lookups
from chatd.commands.media_door import MediaDoor
from chatd.commands.push_door import PushDoor
from chatd.commands.unusual import Unusual, unusual
from chatd.config.model import Config
from chatd.core.cursors import Position
from chatd.core.maintenance import Barrier
from chatd.core.permissions import authorize
from chatd.core.privacy import HostBounds
from chatd.core.room import Member, Room
from chatd.core.sections import Sections
from chatd.core.users import Restriction
from chatd.delivery.hub import Hub, Subscriber
from chatd.delivery.interface import Presence
from chatd.delivery.watch_rights import WatchRights
from chatd.env import Env
from chatd.jobs.last_seen import LastSeenRecorder
from chatd.protocol import limits
from chatd.protocol.codec import Vocabulary
from chatd.protocol.connection import HelloOk, Mode
from chatd.protocol.envelope import Ok, Request
from chatd.protocol.errors import ChatError, Refused
from chatd.protocol.media import LiveState
from chatd.protocol.presence import TypingOf
from chatd.search.interface import KeptIndex
from chatd.storage.interface import DecisionStore, RoomViews, UserStore
from chatd.telemetry.counters import Counters
from chatd.writer.room_loader import RoomLoader
from chatd.writer.submission import Submit
from chatd.writer.writer import Writer


@dataclass(slots=True, frozen=True)
class SessionIdentity:
    """The user and device of a session, and the token that proves them. `turn`: the number of its hello among all."""

    user: str
    device: str
    claims: Claims
    turn: int

    def renewed(self, claims: Claims) -> "SessionIdentity":
        """Return the same with a fresh token; Refused("auth_mismatch") when it is for another user, device or right."""
        if claims.user != self.user or claims.device not in (self.device, None):
            raise Refused("auth_mismatch", "the token is for another user or device")
        # Rooms are subscribed to in hello, or not at all.
        if ("read" in claims.allow) != ("read" in self.claims.allow):
            raise Refused("auth_mismatch", "one of the two tokens allows to read, the other does not")
        return replace(self, claims=claims)


NO_IDENTITY = SessionIdentity("", "", Claims(user="", expires_at_s=0.0), 0)


# The changes of a session that a handler may return in place of a reply; the session carries them out.


@dataclass(slots=True, frozen=True)
class Admission:
    """A hello is authenticated: the session gets this identity, before it is subscribed to rooms.

    `sections`: those of account rows in force, as bits. `badge`: whether totals have one.
    """

    identity: SessionIdentity
    mode: Mode
    receipts: bool
    restriction: Restriction | None
    deflate: bool
    sections: int
    badge: bool


@dataclass(slots=True, frozen=True)
class Welcome:
    """A hello is answered. `reached`: the position of its page when it ends the round of sync, else None."""

    reply: HelloOk
    reached: Position | None


@dataclass(slots=True, frozen=True)
class NewMode:
    """Another mode is in force."""

    mode: Mode


@dataclass(slots=True, frozen=True)
class NewIdentity:
    """A fresh token is in force."""

    identity: SessionIdentity


@dataclass(slots=True, frozen=True)
class Informed:
    """This reply is the last of a round of `sync`, which has reached this position."""

    reply: Ok
    reached: Position


Change = NewMode | NewIdentity | Informed
# The same for `isinstance`, which is slow with a union.
CHANGES = (NewMode, NewIdentity, Informed)


class Session(Subscriber, Protocol):
    """One connection, as handlers see it."""

    @property
    def identity(self) -> SessionIdentity: ...

    @property
    def claims(self) -> Claims: ...

    @property
    def name(self) -> str: ...

    @property
    def address(self) -> str: ...

    @property
    def text(self) -> bool: ...

    def admit(self, admission: Admission) -> None:
        """Become the session of a user; it may be subscribed and seen as present from here on."""

    def become(self, change: Change) -> Ok:
        """Carry out a change that a handler returned; return the reply to its request."""
        ...

    def answer(self, id: int, reply: Ok | ChatError) -> None:
        """Send the one reply to request `id`; nothing when `id` is 0."""

    def on_reply(self, id: int, reply: Ok | ChatError) -> None:
        """Pass on the writer's reply to a submission of this session."""

    def pause_reading(self) -> None:
        """Take nothing more from the socket; TCP pushes back on the client."""

    def resume_reading(self) -> None:
        """Read on, unless there is another reason not to."""

    @property
    def accepts_replies(self) -> bool:
        """Whether another reply may be prepared: the connection lives and takes what it is sent."""
        ...

    def authenticated(self) -> None:
        """Leave the pool of unauthenticated connections, whose oldest are closed for new ones."""

    def admit_user(self, user: str, *, take: bool) -> None:
        """Raise Refused("rate_limited") when the user has no hello left; else take one if `take`."""

    def on_snapshot(self, stamp: int) -> None:
        """Note that the reply to hello shows commit `stamp`: older pushes must not follow it."""

    def heartbeat_s(self) -> int:
        """Put the heartbeat of the mode in force, and return it in seconds."""
        ...

    def watch_token(self, claims: Claims) -> int:
        """Warn before this token expires and close after it did; return the seconds left."""
        ...


class TypingSink(Protocol):
    """The part of the fan-out that handlers use."""

    def typing(
        self, session: Session, number: int, what: TypingOf = "text", kept_from: Collection[str] = ()
    ) -> None: ...

    def voice(
        self, user: str, number: int, file: str, state: LiveState, kept_from: Collection[str]
    ) -> None: ...

    def has_pending(self, session: Session) -> bool: ...


class ContextStore(DecisionStore, RoomViews, UserStore, Protocol):
    """The parts of a store that commands read from."""


@dataclass(slots=True)
class Context:
    """The parts of the daemon. `config` is replaced as a whole by a reload: read it at use.

    `submit`: the door to the writer for everything that others will read; screening, where it is switched on.
    """

    config: Config
    env: Env
    commands: "Mapping[type[Request], Command]"
    vocabulary: Vocabulary
    sections: Sections
    store: ContextStore
    identity: Identity
    rooms: RoomLoader
    writer: Writer
    submit: Submit
    last_seen: LastSeenRecorder
    hub: Hub
    presence: Presence
    watch_rights: WatchRights
    typing_sink: TypingSink
    hello_limiter: HelloLimiter
    lookups: Lookups
    push: PushDoor
    media: MediaDoor
    counters: Counters
    # The audiences from which users choose; replaced like `config`.
    bounds: HostBounds
    # None while search is switched off.
    search: KeptIndex | None = field(init=False, default=None)
    # The feature words that are known here, as far as an operator has switched them on.
    features: frozenset[str] = field(init=False)
    unusual: Unusual = field(init=False)

    def __post_init__(self) -> None:
        self._note_config()

    def _note_config(self) -> None:
        self.unusual = unusual(self.config, self.bounds)
        words = [section.feature for section in self.sections.values()]
        config = self.config
        switches = {
            "reports": config.moderation.enabled,
            "bots": config.bots.enabled,
            "push": config.push.enabled,
            "media": config.media.enabled,
            "search": config.search.enabled,
            "channels": config.channels.enabled,
            "discovery": config.discovery.enabled,
        }
        switched_on = [word for word, is_on in switches.items() if is_on]
        self.features = frozenset((*limits.FEATURES, *words, *switched_on))

    def reconfigure(self, config: Config, bounds: HostBounds) -> None:
        """Put another configuration in force, with the audiences it gives."""
        self.config, self.bounds = config, bounds
        self._note_config()

    def use(self, submit: Submit) -> None:
        """Submit by another door from now on."""
        self.submit = submit

    async def enter(self, user: str, name: str, action: str = "view") -> tuple[Room, Member]:
        """Return the room and the member when `user` may do `action` there; every reading command begins with this.

        Do not hold either across an await: ask for them again. When the user joins or leaves in a commit under way,
        wait for it: memory is ahead of the disk, and may have to go back.
        """
        room = await self.rooms.of(user, name)
        while room is not None and user in room.changing_members:
            await self.writer.submit_and_wait(user, Barrier())
            room = await self.rooms.of(user, name)
        return authorize(room, user, action)


Answer = Ok | Change | Coroutine[Any, Any, Ok | Change | None] | None
Handler = Callable[[Context, Session, Any], Answer]


@dataclass(slots=True, frozen=True)
class Command:
    """One row. `handler` None: the writer decides it. `allow`: the word the token must carry, "" for none.

    `writes`: it counts against the rates of the user and of the room, not only of the connection. `own`: the rate of
    the user alone that it counts against. `feature`: the feature word of what an operator has to switch on for it.
    """

    handler: Handler | None
    allow: str = "read"
    writes: bool = False
    own: Literal["", "writes", "typing", "people", "invites", "search"] = ""
    feature: str = ""


Reading = Callable[[Context, Session, Any], Coroutine[Any, Any, Ok]]


def for_members(read: Reading) -> Reading:
    """Decorate a command that reads the room it names: refuse the reply when the user left during the read.

    The rows may be younger than their leaving.
    """

    @wraps(read)
    async def read_for_members(ctx: Context, session: Session, request: Any) -> Ok:
        reply = await read(ctx, session, request)
        await ctx.enter(session.user, request.room)
        return reply

    return read_for_members
