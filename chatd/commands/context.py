"""What handlers work with: one bundle of the daemon's parts, made by the composition root."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Literal, Protocol

from chatd.auth.interface import Claims, Identity
from chatd.commands.hello_limiter import HelloLimiter
from chatd.commands.lookups import Lookups
from chatd.config.model import Config
from chatd.core.cursors import Position
from chatd.core.maintenance import Barrier
from chatd.core.permissions import authorize
from chatd.core.room import Member, Room
from chatd.core.sections import Sections
from chatd.delivery.hub import Hub, Subscriber
from chatd.delivery.interface import Presence
from chatd.delivery.watch_rights import WatchRights
from chatd.env import Env
from chatd.jobs.last_seen import LastSeenRecorder
from chatd.protocol.codec import Vocabulary
from chatd.protocol.connection import HelloOk, Mode
from chatd.protocol.envelope import Ok, Request
from chatd.protocol.errors import ChatError, Refused
from chatd.storage.interface import DecisionStore, RoomViews, UserStore
from chatd.telemetry.counters import Counters
from chatd.writer.room_loader import RoomLoader
from chatd.writer.writer import Writer


@dataclass(slots=True, frozen=True)
class SessionIdentity:
    """Whom a session speaks for, and the token that says so. `turn`: the place of its hello among all."""

    user: str
    device: str
    claims: Claims
    turn: int

    def renewed(self, claims: Claims) -> "SessionIdentity":
        """The same with a fresh token; Refused("auth_mismatch") when it says something else."""
        if claims.user != self.user or claims.device not in (self.device, None):
            raise Refused("auth_mismatch", "the token is for another user or device")
        if ("read" in claims.allow) != ("read" in self.claims.allow):  # what is shown begins with a hello
            raise Refused("auth_mismatch", "one of the two tokens allows to read, the other does not")
        return replace(self, claims=claims)


NO_IDENTITY = SessionIdentity("", "", Claims(user="", expires_at_s=0.0), 0)


# What a handler returns when more than a reply comes of it: what its session becomes, which the session carries out.


@dataclass(slots=True, frozen=True)
class Admission:
    """A hello is genuine: this is the identity of the session. It follows a handler's `become`, ahead of the seats."""

    identity: SessionIdentity
    mode: Mode
    receipts: bool
    deflate: bool
    sections: int  # of account rows in force, as bits


@dataclass(slots=True, frozen=True)
class Welcome:
    """A hello is answered. `reached`: the position its page leads to, where it ends the round."""

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
    """A round of `sync` is told to its end with this reply, and has reached this position."""

    reply: Ok
    reached: Position


Change = NewMode | NewIdentity | Informed
CHANGES = (NewMode, NewIdentity, Informed)  # the same, for `isinstance`, which is slow with a union


class Session(Subscriber, Protocol):
    """One connection, as handlers see it."""

    @property
    def identity(self) -> SessionIdentity: ...

    @property
    def claims(self) -> Claims: ...

    @property
    def name(self) -> str: ...

    @property
    def text(self) -> bool: ...

    def admit(self, admission: Admission) -> None:
        """Become the session of a user; seats and presence may be taken from here on."""

    def become(self, change: Change) -> Ok:
        """Carry out what a handler returned; the reply to its request."""
        ...

    def answer(self, id: int, reply: Ok | ChatError) -> None:
        """Send the one reply to request `id`; nothing when it wanted none."""

    def on_reply(self, id: int, reply: Ok | ChatError) -> None:
        """The writer's answer to a submission of this session."""

    def pause_reading(self) -> None:
        """Take nothing more from the socket; TCP pushes back on the client."""

    def resume_reading(self) -> None:
        """Read on, when nothing else speaks against it."""

    @property
    def accepts_replies(self) -> bool:
        """Whether another answer may be prepared: the connection lives and takes what it is sent."""
        ...

    def authenticated(self) -> None:
        """The token is genuine: nobody else takes this connection's place any more."""

    def admit_user(self, user: str, *, take: bool) -> None:
        """Refused("rate_limited") when the user has no hello left; else `take` one, when the token may be used."""

    def on_snapshot(self, stamp: int) -> None:
        """The reply to hello shows commit `stamp`: what was kept of earlier ones must not be told behind it."""

    def heartbeat_s(self) -> int:
        """The heartbeat of the mode in force, now in effect; seconds."""
        ...

    def watch_token(self, claims: Claims) -> int:
        """Warn before this token runs out and close after it did; seconds left."""
        ...


class TypingSink(Protocol):
    """What handlers ask of the fan-out besides the publishing of commits."""

    def typing(self, session: Session, number: int) -> None: ...

    def has_pending(self, session: Session) -> bool: ...


class ContextStore(DecisionStore, RoomViews, UserStore, Protocol):
    """The parts of a store that commands read from."""


@dataclass(slots=True)
class Context:
    config: Config  # replaced as a whole by a reload: read it at use
    env: Env
    commands: "Mapping[type[Request], Command]"
    vocabulary: Vocabulary
    sections: Sections
    store: ContextStore
    identity: Identity
    rooms: RoomLoader
    writer: Writer
    last_seen: LastSeenRecorder
    hub: Hub
    presence: Presence
    watch_rights: WatchRights
    typing_sink: TypingSink
    hello_limiter: HelloLimiter
    lookups: Lookups
    counters: Counters

    def reconfigure(self, config: Config) -> None:
        """Put another configuration in force."""
        self.config = config

    async def enter(self, user: str, name: str, action: str = "view") -> tuple[Room, Member]:
        """The room and the member, when `user` may do `action` there: the door of all reading commands.

        Do not hold either across an await: what may have changed must be asked for again. Whoever comes or goes
        just now is answered when that is on the disk: memory is ahead of it, and may have to go back.
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

    `writes`: counts against the rates of the user and of the room, not only of the connection. `own`: the one of the
    user alone that it counts against.
    """

    handler: Handler | None
    allow: str = "read"
    writes: bool = False
    own: Literal["", "writes", "typing"] = ""


Reading = Callable[[Context, Session, Any], Coroutine[Any, Any, Ok]]


def for_members(read: Reading) -> Reading:
    """A command that reads of the room it names, withheld from whoever was put out while it was read.

    What is read is the state of that moment, and may be younger than his leaving.
    """

    @wraps(read)
    async def read_for_members(ctx: Context, session: Session, request: Any) -> Ok:
        reply = await read(ctx, session, request)
        await ctx.enter(session.user, request.room)
        return reply

    return read_for_members
