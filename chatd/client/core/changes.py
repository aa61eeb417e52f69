"""The changes that a client reports to its app: small immutable records, one class each.

State lives in the rooms (`client.rooms`); a change says what moved, so that a screen can follow.
"""

from dataclasses import dataclass

from .messages import Message
from .packets import Event
from .states import Phase


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The connection moved to another phase; on STOPPED `code` and `reason` say why."""

    phase: Phase
    code: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """A room appeared, or its title, role, counters or other summary keys moved."""

    room: str


@dataclass(frozen=True, slots=True)
class RoomGone:
    """The user is no longer in the room: `left`, `removed`, `banned`, `deleted`, or `forgotten` after a full sync."""

    room: str
    reason: str


@dataclass(frozen=True, slots=True)
class RoomMoved:
    """The room's head moved and its content was not fetched (protocol.md, "head")."""

    room: str
    seq: int
    ordinal: int


@dataclass(frozen=True, slots=True)
class MessageAdded:
    """A message that is new to this client: live, or missed while away. Each is reported once, in the order of the
    room."""

    room: str
    message: Message


@dataclass(frozen=True, slots=True)
class MessageChanged:
    """A cached message was edited, recalled, pinned, or its reactions moved."""

    room: str
    message: Message


@dataclass(frozen=True, slots=True)
class EventAdded:
    """Another event in the log: membership, roles, settings, a notice, or an unknown kind (see `fallback`)."""

    room: str
    event: Event


@dataclass(frozen=True, slots=True)
class TimelineReset:
    """Too much was missed: the newest page is cached now, older messages are fetched on demand."""

    room: str


@dataclass(frozen=True, slots=True)
class ReceiptsChanged:
    """These users have read, or received, more of the room."""

    room: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypingStarted:
    """A user is typing, or speaks a `voice` note."""

    room: str
    user: str
    what: str = "text"


@dataclass(frozen=True, slots=True)
class TypingStopped:
    """A user stopped typing, or their message came."""

    room: str
    user: str


@dataclass(frozen=True, slots=True)
class LiveNoteChanged:
    """A voice note is spoken (`live`) and can be heard, or is over: `done`, `cut` or `cancelled`."""

    room: str
    user: str
    file: str
    state: str


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """The presence of a watched user changed to `online`, `away` or `offline`. `last_seen` in ms, 0 if unknown."""

    user: str
    state: str
    last_seen: int = 0


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """A row of the account that has no change of its own changed, on whatever device, or was deleted
    (`client.account_rows(section)`)."""

    section: str
    name: str


@dataclass(frozen=True, slots=True)
class ContactsChanged:
    """These users are other contacts now, or none any more (`client.contacts`)."""

    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CirclesChanged:
    """A circle was made, renamed or deleted (`client.circles`)."""


@dataclass(frozen=True, slots=True)
class PrivacyChanged:
    """Rules say anew who may do what (`client.privacy`)."""


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    """The own card changed (`client.profile`)."""


@dataclass(frozen=True, slots=True)
class UsersChanged:
    """The cards of these users were fetched, or are known to be old (`client.users`)."""

    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SendDone:
    """An entry of the outbox is durable: it became event `seq` of the room (0 where nothing is logged)."""

    room: str
    key: str
    seq: int


@dataclass(frozen=True, slots=True)
class SendDelayed:
    """An entry of the outbox was refused for now and will be tried again."""

    room: str
    key: str
    error: Exception


@dataclass(frozen=True, slots=True)
class SendFailed:
    """An entry of the outbox was refused for good; it stays there until `resend` or `discard`."""

    room: str
    key: str
    error: Exception


@dataclass(frozen=True, slots=True)
class ChangesMissed:
    """The reader was too slow: `count` changes were dropped. Read the state of the rooms again."""

    count: int


Change = (
    StateChanged
    | RoomChanged
    | RoomGone
    | RoomMoved
    | MessageAdded
    | MessageChanged
    | EventAdded
    | TimelineReset
    | ReceiptsChanged
    | TypingStarted
    | TypingStopped
    | LiveNoteChanged
    | PresenceChanged
    | AccountChanged
    | ContactsChanged
    | CirclesChanged
    | PrivacyChanged
    | ProfileChanged
    | UsersChanged
    | SendDone
    | SendDelayed
    | SendFailed
    | ChangesMissed
)
