"""Focus, typing and presence (protocol.md "Read state, receipts, typing, presence")."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.protocol.envelope import Ok, Push, Request
from chatd.protocol.identifiers import U53, Milliseconds, Room, User
from chatd.protocol.limits import FOCUS_MAX, WATCH_MAX
from chatd.protocol.read_state import Receipt

State = Literal["offline", "online", "away"]
TypingOf = Literal["text", "voice"]


class FocusedRoom(Struct, omit_defaults=True):
    room: str
    seq: U53
    receipts: list[Receipt] | UnsetType = UNSET


class UserState(Struct, omit_defaults=True):
    user: str
    state: State = "offline"
    last_seen: Milliseconds | UnsetType = UNSET


class Focus(Request, tag="focus", frozen=True, kw_only=True):
    rooms: Annotated[list[Room], Meta(max_length=FOCUS_MAX)]


class Typing(Request, tag="typing", frozen=True, kw_only=True):
    room: Room
    what: TypingOf = "text"


class Watch(Request, tag="watch", frozen=True, kw_only=True):
    users: Annotated[list[User], Meta(max_length=WATCH_MAX)]


class FocusOk(Ok, tag="ok", kw_only=True):
    rooms: list[FocusedRoom]


class WatchOk(Ok, tag="ok", kw_only=True):
    users: list[UserState]


class TypingPush(Push, tag="typing"):
    room: str
    user: str
    what: TypingOf = "text"


class PresencePush(Push, tag="presence"):
    users: list[UserState]
