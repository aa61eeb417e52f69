"""Restrictions: what keeps a user from using the chat for a while (protocol.md "Restrictions"). Synchronous and pure.

A ban is looked at by hello, a mute and the pace of a limit where requests come in, and that neither begins a
conversation where rooms are made. None has to be ended by anybody: each look compares its end with the time.
"""

from dataclasses import dataclass, replace
from typing import Any

from msgspec import UNSET

from chatd.core.accounts import account_of, put_account
from chatd.core.event_feed import changed_account
from chatd.core.read_set import DAY_MS, ReadSet
from chatd.core.users import Account, Restriction
from chatd.core.write_set import WriteSet
from chatd.protocol.drafts import Schedule
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused, Rejected
from chatd.protocol.friends import FriendRequest
from chatd.protocol.groups import Announce, MembersNickname
from chatd.protocol.joining import InvitesCreate
from chatd.protocol.members import MembersAdd
from chatd.protocol.messages import Edit, Forward, Pin, React, Send
from chatd.protocol.presence import Typing
from chatd.protocol.rooms import RoomCreate, RoomUpdate
from chatd.protocol.users import ProfileSet

# What others would read, see or be told of. Who is muted can still take back, clear, leave, read and report.
SAYS = (
    Send,
    Forward,
    Edit,
    React,
    Pin,
    RoomCreate,
    RoomUpdate,
    MembersAdd,
    InvitesCreate,
    MembersNickname,
    Announce,
    FriendRequest,
    ProfileSet,
    Typing,
)
# A phone that waits as it was told asks once a day; a longer time overflows the timers of browsers.
RETRY_MAX_MS = DAY_MS


@dataclass(slots=True, frozen=True)
class Restrict:
    """Put a restriction in force in place of the one there is; None lifts it."""

    restriction: Restriction | None


def restrict(user: str, request: Restrict, writes: WriteSet, reads: ReadSet) -> Ok:
    """Restrict `user`, who need not be known before."""
    account = account_of(user, writes, reads)
    if account.restriction != request.restriction:
        put_account(replace(account, restriction=request.restriction), writes, reads)
        writes.add(changed_account(user, "restriction"))
    return Ok()


def in_force(restriction: Restriction | None, now_ms: int) -> Restriction | None:
    """Return a restriction that has not ended, else None."""
    return restriction if restriction is not None and restriction.holds(now_ms) else None


def is_banned(restriction: Restriction | None, now_ms: int) -> bool:
    return restriction is not None and restriction.what == "ban" and restriction.holds(now_ms)


def check_account(account: Account, request: Any, now_ms: int) -> None:
    """Raise Refused when the account of a user keeps them from `request`."""
    if account.disabled:
        raise Refused("forbidden", "this user is disabled")
    if account.restriction is not None:
        check_spoken(account.restriction, request, now_ms)


def check_spoken(restriction: Restriction, request: Any, now_ms: int) -> None:
    """Raise Refused when a restriction keeps its user from `request`: "muted", or "forbidden" of a ban."""
    if not restriction.holds(now_ms):
        return
    if restriction.what == "ban":
        raise banned(restriction, now_ms)
    if restriction.what == "limit" and isinstance(request, Forward) and len(request.seqs) > 1:
        raise Rejected("limited", "the moderators limited this user to one message at a time")
    if restriction.what == "mute" and isinstance(request, SAYS) and getattr(request, "set", True):
        raise muted(restriction, now_ms)


def banned(restriction: Restriction, now_ms: int) -> Refused:
    """Return the refusal of a banned user; with the time that is left, if it ends."""
    return Refused("forbidden", "the moderators banned this user", retry_after=restriction.left_ms(now_ms))


def muted(restriction: Restriction, now_ms: int) -> Refused:
    """Return the refusal of a muted user, with the time to wait."""
    wait_ms = min(restriction.left_ms(now_ms) or RETRY_MAX_MS, RETRY_MAX_MS)
    return Refused("muted", "the moderators silenced this user", retry_after=wait_ms, scope="user")


def is_paced(restriction: Restriction, request: Any, now_ms: int) -> bool:
    """Whether `request` counts against the slow pace of a limited user, as a message sent later does."""
    sends = isinstance(request, Send | Forward) or (
        isinstance(request, Schedule) and request.body is not UNSET
    )
    return restriction.what == "limit" and sends and restriction.holds(now_ms)


def check_conversation(user: str, writes: WriteSet, reads: ReadSet) -> None:
    """Raise Rejected when `user` is limited, Refused("muted") when muted: they draw nobody into a conversation."""
    account = reads.accounts.get(user)
    restriction = None if account is None else in_force(account.restriction, writes.now)
    if restriction is not None and restriction.what == "mute":
        raise muted(restriction, writes.now)
    if restriction is not None and restriction.what == "limit":
        raise Rejected("limited", "the moderators limited this user")
