"""The Python client of chatd, and the reference implementation of the client side of protocol.md.

It shares no code with the server. `core` is pure, and translated line by line by a porter; the other files are the
shell of sockets, timers and files around it:

    env, settings                            clock, randomness and timers; the options
    change_feed, typing_state, throttle      changes to the app; who is typing; one signal per interval
    storage                                  what survives a restart
    connection, tokens, lifecycle, captive_portal   one socket; the life cycle around it
    sender, repair, signals, token_refresh   the jobs done on a connection
    http, file_requests, uploads, downloads  files, over HTTP
    engine                                   the parts together
    room_calls, groups, own_view, rooms      a room
    people, push, media, inbox, client       the public face
    testee                                   the client under test by the kit of chatd/conformance
"""

from .change_feed import ChangeStream
from .client import Client
from .core.account import Presence
from .core.bots import Bot, Button, Command, kind_of
from .core.changes import (
    AccountChanged,
    Change,
    ChangesMissed,
    CirclesChanged,
    ContactsChanged,
    EventAdded,
    LiveNoteChanged,
    MessageAdded,
    MessageChanged,
    PresenceChanged,
    PrivacyChanged,
    ProfileChanged,
    ReceiptsChanged,
    RoomChanged,
    RoomGone,
    RoomMoved,
    SendDelayed,
    SendDone,
    SendFailed,
    StateChanged,
    TimelineReset,
    TypingStarted,
    TypingStopped,
    UsersChanged,
)
from .core.contacts import Audience, Circle, Contact, Privacy, circles_of
from .core.conversations import (
    ARCHIVE,
    Added,
    CountingRoom,
    Draft,
    Found,
    FoundRooms,
    Hit,
    Invite,
    Join,
    Member,
    RoomCard,
    Scheduled,
    UnreadMessages,
)
from .core.emoji import normal_emoji
from .core.errors import (
    ERRORS,
    Aborted,
    AuthMismatch,
    BadCursor,
    BadRequest,
    Blocked,
    ChatError,
    Closed,
    Conflict,
    ConnectionLost,
    EditWindowOver,
    Forbidden,
    HandshakeFailed,
    Internal,
    Muted,
    NotFound,
    NotMember,
    NotReady,
    NotSupported,
    OutboxFull,
    Overloaded,
    QuotaReached,
    RateLimited,
    Refused,
    Rejected,
    RequestPending,
    RoomDeleted,
    RoomFull,
    ServerTimeout,
    TokenExpired,
    TokenInvalid,
    TooLarge,
    UnknownType,
    Unreachable,
    Unreadable,
)
from .core.files import UploadedFile, kind_for
from .core.messages import Message
from .core.outbox import Entry, State
from .core.records import Record
from .core.reports import REASONS, Report
from .core.states import Phase
from .core.summary import Summary
from .core.timeline import Page
from .core.timing import Timing
from .env import Env, SystemEnv
from .rooms import Readers, Room
from .sender import Receipt
from .settings import Settings
from .storage import FileStorage, MemoryStorage, Storage
from .tokens import TokenRejected

__all__ = [
    "ARCHIVE",
    "ERRORS",
    "REASONS",
    "Aborted",
    "AccountChanged",
    "Added",
    "Audience",
    "AuthMismatch",
    "BadCursor",
    "BadRequest",
    "Blocked",
    "Bot",
    "Button",
    "Change",
    "ChangeStream",
    "ChangesMissed",
    "ChatError",
    "Circle",
    "CirclesChanged",
    "Client",
    "Closed",
    "Command",
    "Conflict",
    "ConnectionLost",
    "Contact",
    "ContactsChanged",
    "CountingRoom",
    "Draft",
    "EditWindowOver",
    "Entry",
    "Env",
    "EventAdded",
    "FileStorage",
    "Forbidden",
    "Found",
    "FoundRooms",
    "HandshakeFailed",
    "Hit",
    "Internal",
    "Invite",
    "Join",
    "LiveNoteChanged",
    "Member",
    "MemoryStorage",
    "Message",
    "MessageAdded",
    "MessageChanged",
    "Muted",
    "NotFound",
    "NotMember",
    "NotReady",
    "NotSupported",
    "OutboxFull",
    "Overloaded",
    "Page",
    "Phase",
    "Presence",
    "PresenceChanged",
    "Privacy",
    "PrivacyChanged",
    "ProfileChanged",
    "QuotaReached",
    "RateLimited",
    "Readers",
    "Receipt",
    "ReceiptsChanged",
    "Record",
    "Refused",
    "Rejected",
    "Report",
    "RequestPending",
    "Room",
    "RoomCard",
    "RoomChanged",
    "RoomDeleted",
    "RoomFull",
    "RoomGone",
    "RoomMoved",
    "Scheduled",
    "SendDelayed",
    "SendDone",
    "SendFailed",
    "ServerTimeout",
    "Settings",
    "State",
    "StateChanged",
    "Storage",
    "Summary",
    "SystemEnv",
    "TimelineReset",
    "Timing",
    "TokenExpired",
    "TokenInvalid",
    "TokenRejected",
    "TooLarge",
    "TypingStarted",
    "TypingStopped",
    "UnknownType",
    "Unreachable",
    "UnreadMessages",
    "Unreadable",
    "UploadedFile",
    "UsersChanged",
    "circles_of",
    "kind_for",
    "kind_of",
    "normal_emoji",
]
