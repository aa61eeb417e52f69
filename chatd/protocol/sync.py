"""The rooms and the rows of an account, in pages (protocol.md "sync" and "Account rows")."""

from msgspec import UNSET, Raw, Struct, UnsetType

from chatd.protocol.envelope import Ok, Push, Request
from chatd.protocol.identifiers import U53, Seq
from chatd.protocol.rooms import RoomSummary
from chatd.protocol.users import Profile


class SyncTotals(Struct, omit_defaults=True):
    """Sums over all rooms; with people in force the numbers of friend requests and message requests that wait.

    `badge`: the number on the icon of the app, on connections with push.
    """

    rooms: U53
    unread: U53
    mentions: U53
    friend_requests: U53 = 0
    message_requests: U53 = 0
    badge: U53 | UnsetType = UNSET


class AccountRow(Struct, omit_defaults=True, gc=False):
    """A whole row of a section; without `value` it was deleted. The one with the higher `stamp` is valid.

    The garbage collector need not look at it: it is in no cycle, and a first round has thousands.
    """

    name: str
    stamp: U53
    value: Raw | UnsetType = UNSET


class SyncPage(Struct, omit_defaults=True, kw_only=True):
    """One page of an account's rooms, and after them of its rows: `cursor` on the last page, `more` on all others."""

    cursor: str | UnsetType = UNSET
    rooms: list[RoomSummary]
    gone: list[str] | UnsetType = UNSET
    more: str | UnsetType = UNSET
    full: bool = False
    totals: SyncTotals | UnsetType = UNSET
    sections: dict[str, list[AccountRow]] | UnsetType = UNSET
    full_sections: list[str] | UnsetType = UNSET
    users: list[Profile] | UnsetType = UNSET


class Sync(Request, tag="sync", frozen=True, kw_only=True):
    cursor: str | UnsetType = UNSET
    more: str | UnsetType = UNSET
    rooms: Seq | UnsetType = UNSET
    previews: bool | UnsetType = UNSET
    events: U53 | UnsetType = UNSET


class SyncOk(Ok, tag="ok", kw_only=True):
    cursor: str | UnsetType = UNSET
    rooms: list[RoomSummary]
    gone: list[str] | UnsetType = UNSET
    more: str | UnsetType = UNSET
    full: bool = False
    totals: SyncTotals | UnsetType = UNSET
    sections: dict[str, list[AccountRow]] | UnsetType = UNSET
    full_sections: list[str] | UnsetType = UNSET
    users: list[Profile] | UnsetType = UNSET


class AccountPush(Push, tag="account"):
    """Account rows that a commit changed, by section; `more`: they are too many for a push, and `sync` has them."""

    sections: dict[str, list[AccountRow]] | UnsetType = UNSET
    more: bool = False
