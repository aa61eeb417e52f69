"""What answers a request: one `ok` struct per result shape, and `error` (protocol.md "Envelope")."""

from msgspec import UNSET, Raw, Struct, UnsetType

from chatd.protocol.errors import ChatError, Retry
from chatd.protocol.identifiers import U53, Milliseconds
from chatd.protocol.objects import (
    AccountRow,
    DeviceRow,
    FocusedRoom,
    MemberRow,
    Profile,
    Reader,
    RoomSummary,
    SyncPage,
    SyncTotals,
    UserState,
)


class Ok(Struct, tag_field="type", tag="ok", omit_defaults=True):
    """Success. `id` is filled in by the session that sends it."""

    id: U53 = 0


class HelloOk(Ok, tag="ok", kw_only=True):
    version: U53
    user: str
    session: str
    time: Milliseconds
    epoch: str
    features: list[str]
    heartbeat: U53
    token_ttl: U53
    limits: dict[str, int] | UnsetType = UNSET
    deprecated_at: Milliseconds | UnsetType = UNSET
    sync: SyncPage


class AuthOk(Ok, tag="ok", kw_only=True):
    token_ttl: U53


class ModeOk(Ok, tag="ok", kw_only=True):
    heartbeat: U53


class PingOk(Ok, tag="ok", kw_only=True):
    time: Milliseconds


class SyncOk(Ok, tag="ok", kw_only=True):
    cursor: str | UnsetType = UNSET
    rooms: list[RoomSummary]
    gone: list[str] | UnsetType = UNSET
    more: str | UnsetType = UNSET
    full: bool = False
    totals: SyncTotals | UnsetType = UNSET
    sections: dict[str, list[AccountRow]] | UnsetType = UNSET
    full_sections: list[str] | UnsetType = UNSET


class EventsOk(Ok, tag="ok", kw_only=True):
    """Reply of `log`, `history`, `changes` and `messages`: events spliced in as stored."""

    events: list[Raw]
    next: U53 | UnsetType = UNSET
    reset: bool = False
    log_floor: U53 | UnsetType = UNSET
    first_visible: U53 | UnsetType = UNSET
    low: U53 | UnsetType = UNSET
    high: U53 | UnsetType = UNSET
    seq: U53 | UnsetType = UNSET
    ordinal: U53 | UnsetType = UNSET
    end: bool = False


class WriteOk(Ok, tag="ok", kw_only=True):
    """The acknowledgement of a mutation: durable, ordered, will reach every member's log."""

    seq: U53 | UnsetType = UNSET
    ordinal: U53 | UnsetType = UNSET
    time: Milliseconds | UnsetType = UNSET
    duplicate: bool = False
    event: Raw | UnsetType = UNSET
    summary: RoomSummary | UnsetType = UNSET
    not_added: list[str] | UnsetType = UNSET


class ReadOk(Ok, tag="ok", kw_only=True):
    """Own counters; `ordinal`: of the last message they count."""

    read: U53
    unread: U53
    unread_mentions: U53
    ordinal: U53 | UnsetType = UNSET


class ReadersOk(Ok, tag="ok", kw_only=True):
    count: U53
    readers: list[Reader]
    more: str | UnsetType = UNSET


class FocusOk(Ok, tag="ok", kw_only=True):
    rooms: list[FocusedRoom]


class WatchOk(Ok, tag="ok", kw_only=True):
    users: list[UserState]


class SummaryOk(Ok, tag="ok", kw_only=True):
    summary: RoomSummary


class MembersOk(Ok, tag="ok", kw_only=True):
    members: list[MemberRow]
    more: str | UnsetType = UNSET
    count: U53


class UsersOk(Ok, tag="ok", kw_only=True):
    users: list[Profile]


class DevicesOk(Ok, tag="ok", kw_only=True):
    devices: list[DeviceRow]


class Error(Struct, tag_field="type", tag="error", omit_defaults=True):
    """Failure of one request; `retry` tells the client what to do when it does not know `code`."""

    id: U53 = 0
    code: str = ""
    retry: Retry | UnsetType = UNSET
    retry_after: U53 | UnsetType = UNSET
    scope: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    field: str | UnsetType = UNSET

    @classmethod
    def of(cls, id: int, error: ChatError) -> "Error":
        """The packet that answers request `id` with `error`."""
        return cls(
            id=id,
            code=error.code,
            retry=error.retry,
            retry_after=UNSET if error.retry_after is None else error.retry_after,
            scope=error.scope or UNSET,
            message=error.message or UNSET,
            field=error.field or UNSET,
        )
