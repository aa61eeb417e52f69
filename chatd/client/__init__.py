"""The Python client of chatd, and the reference implementation of the client side of protocol.md.

It shares no code with the server. The parts, from the bottom up, each a file to be ported on its own:

    errors, codec, states, env, settings     words, frames, phases, the outside world, the numbers
    messages, intervals, timeline, replica   one room by the gap rules; pure
    summary, changes, acks, outbox, account  the rest of what is known and wanted; pure
    feed, typists, throttle, storage         changes to the app, timers, what survives a restart
    deadlines, connection, tokens, health, life   one socket; the life cycle around it
    sender, repair, marks, renewal           the jobs done on a connection
    engine, rooms, client                    the parts together; the public face
"""

from .account import Presence
from .changes import (
    Change,
    ChangesMissed,
    EventAdded,
    MessageAdded,
    MessageChanged,
    PresenceChanged,
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
)
from .client import Client
from .emoji import normal_emoji
from .env import Env, SystemEnv
from .errors import (
    ERRORS,
    Aborted,
    AuthMismatch,
    BadCursor,
    BadRequest,
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
    NotSupported,
    OutboxFull,
    Overloaded,
    QuotaReached,
    RateLimited,
    RoomDeleted,
    RoomFull,
    ServerTimeout,
    TokenExpired,
    TokenInvalid,
    TooLarge,
    UnknownType,
    Unreachable,
)
from .feed import ChangeStream
from .messages import Message
from .outbox import Entry, State
from .rooms import Member, Readers, Room
from .sender import Receipt
from .settings import Settings, Timing
from .states import Phase
from .storage import FileStorage, MemoryStorage, Record, Storage
from .summary import Summary
from .timeline import Page
from .tokens import TokenRejected

__all__ = [
    "ERRORS",
    "Aborted",
    "AuthMismatch",
    "BadCursor",
    "BadRequest",
    "Change",
    "ChangeStream",
    "ChangesMissed",
    "ChatError",
    "Client",
    "Closed",
    "Conflict",
    "ConnectionLost",
    "EditWindowOver",
    "Entry",
    "Env",
    "EventAdded",
    "FileStorage",
    "Forbidden",
    "HandshakeFailed",
    "Internal",
    "Member",
    "MemoryStorage",
    "Message",
    "MessageAdded",
    "MessageChanged",
    "Muted",
    "NotFound",
    "NotMember",
    "NotSupported",
    "OutboxFull",
    "Overloaded",
    "Page",
    "Phase",
    "Presence",
    "PresenceChanged",
    "QuotaReached",
    "RateLimited",
    "Readers",
    "Receipt",
    "ReceiptsChanged",
    "Record",
    "Room",
    "RoomChanged",
    "RoomDeleted",
    "RoomFull",
    "RoomGone",
    "RoomMoved",
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
    "normal_emoji",
]
