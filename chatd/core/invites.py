"""Decisions on invites (protocol.md "Entering groups"). Synchronous and pure.

An invite is a row with 128 random bits, and whoever has them may use it. It works while its maker may invite: nothing
has to be revoked when an admin is demoted, and a use is never given back. Every reason why one does not work is
`not_found`, so that it says nothing about a group.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from typing import NamedTuple

from msgspec import UNSET

from chatd.core.channels import check_followed
from chatd.core.governance import joining, ranks
from chatd.core.idempotency import Repeated, first_time, first_time_in, once, unlogged
from chatd.core.joining import (
    Action,
    Join,
    State,
    ask,
    card_of,
    check_waiting,
    may_invite,
    needs_admin,
    state_of,
    step,
)
from chatd.core.members import (
    MembershipChange,
    begin_memberships,
    check_capacity,
    check_own_rooms,
    ensure_owner,
)
from chatd.core.permissions import HOST, authorize
from chatd.core.read_set import DAY_MS, ReadSet
from chatd.core.restrictions import check_conversation
from chatd.core.room import Member, Room
from chatd.core.rooms import shown
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.joining import (
    CardOk,
    Invite,
    InviteOk,
    InvitesCreate,
    InvitesLook,
    InvitesRevoke,
    InvitesUse,
    UseOk,
)
from chatd.protocol.limits import INVITE_DAYS_MAX
from chatd.protocol.messages import WriteOk

INVITE_BYTES = 16
NOT_FOUND = "no such invite"


@dataclass(slots=True, frozen=True)
class IssuedInvite:
    """A record: an invite of the group `room`, by name. `user`: its maker, empty for the host. Times are Unix ms."""

    invite: str
    room: str
    number: int
    user: str
    client_key: str | None
    created_at: int
    expires_at: int
    uses: int = 0
    uses_max: int = 0
    approve: bool = False
    label: str = ""
    revoked: bool = False

    def is_spent(self, now: int) -> bool:
        """Whether it works no more, whoever made it."""
        return self.revoked or self.expires_at <= now or 0 < self.uses_max <= self.uses


class Use(NamedTuple):
    """A use of an invite that works. `digest`: of the request. `after`: how its user stands to the group behind it."""

    invite: IssuedInvite
    room: Room
    digest: int
    after: State


@dataclass(slots=True, frozen=True)
class FreshInvite:
    """A record: the id of an invite that may be made in this batch."""

    invite: str


@dataclass(slots=True, frozen=True)
class ForgetInvites:
    """A record, and the request for it: forget the invites that ended before a time (Unix ms)."""

    before: int


def invite_id(chance: bytes) -> str:
    """Return an id of 22 characters from 16 random bytes."""
    return urlsafe_b64encode(chance).decode().rstrip("=")


def create(user: str, request: InvitesCreate, writes: WriteSet, reads: ReadSet) -> InviteOk:
    """Make an invite. The same key again returns it as it is now."""
    known = reads.records_of(IssuedInvite)
    for invite in known.values():
        if (invite.user, invite.client_key) == (user, request.key):
            return repeated_invite(invite, request, reads)
    first_time(user, request, writes, reads)
    room, _ = authorize(reads.rooms.get(request.room), user, "add")
    check_conversation(user, writes, reads)
    rules = reads.rules.groups
    expires_at = writes.now + rules.invite_ms if request.expires_at is UNSET else request.expires_at
    if expires_at <= writes.now:
        raise Refused("bad_request", "an invite ends later than now", field="expires_at")
    if expires_at > writes.now + INVITE_DAYS_MAX * DAY_MS:
        raise Refused("too_large", f"an invite ends within {INVITE_DAYS_MAX} days", field="expires_at")
    for one in [*known.values()]:
        if one.number == room.number and one.expires_at <= writes.now and not one.revoked:
            # So that the next one finds no more rows than may work.
            put_invite(replace(one, revoked=True), writes, reads)
    working = [one for one in known.values() if one.number == room.number and not one.is_spent(writes.now)]
    if len(working) >= rules.invites_max:
        raise Refused("too_large", f"a group has at most {rules.invites_max} invites", field="room")
    fresh = reads.records_of(FreshInvite)
    invite = IssuedInvite(
        fresh.pop(next(iter(fresh))).invite,
        room.name,
        room.number,
        user,
        request.key,
        writes.now,
        expires_at,
        uses_max=request.uses_max,
        approve=request.approve,
        label=request.label,
    )
    put_invite(invite, writes, reads)
    return InviteOk(time=writes.now, invite=shown_invite(invite, rules.invite_url))


def repeated_invite(invite: IssuedInvite, request: InvitesCreate, reads: ReadSet) -> InviteOk:
    """Return the reply to a creation whose key made an invite. Raises Refused("conflict")."""
    asked = (request.room, request.uses_max, request.approve, request.label)
    ends = invite.revoked or request.expires_at in (UNSET, invite.expires_at)
    if asked != (invite.room, invite.uses_max, invite.approve, invite.label) or not ends:
        raise Refused("conflict", "this key was used for another invite", field="key")
    shown_again = shown_invite(invite, reads.rules.groups.invite_url)
    return InviteOk(time=invite.created_at, duplicate=True, invite=shown_again)


def put_invite(invite: IssuedInvite, writes: WriteSet, reads: ReadSet) -> None:
    reads.records_of(IssuedInvite)[invite.invite] = invite
    writes.add(invite)


def shown_invite(invite: IssuedInvite, page: str) -> Invite:
    """Return an invite as those see it who may invite. `page`: of the host app, with `{invite}` in it, or empty."""
    url = page.replace("{invite}", invite.invite)
    return Invite(
        invite.invite,
        invite.user,
        invite.created_at,
        invite.expires_at,
        uses=invite.uses,
        uses_max=invite.uses_max,
        approve=invite.approve,
        label=invite.label,
        url=url or UNSET,
    )


def makers_seen(member: Member) -> str | None:
    """Return the maker whose invites a member sees and revokes: a plain member their own, an admin those of all."""
    return None if ranks(member, "admin") else member.user


@once
def revoke(user: str, request: InvitesRevoke, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Revoke one invite, those of a maker, or all; what does not work any more is left as it is."""
    digest = first_time(user, request, writes, reads)
    room, member = authorize(reads.rooms.get(request.room), user, "add")
    seen = makers_seen(member)
    found = [
        one
        for one in [*reads.records_of(IssuedInvite).values()]
        if one.number == room.number
        and one.invite == (request.invite or one.invite)
        and one.user == (one.user if request.by is UNSET else request.by)
        and seen in (None, one.user)
        and not one.revoked
    ]
    for invite in found:
        # From now on it counts the days until it is forgotten.
        ends = min(invite.expires_at, writes.now)
        put_invite(replace(invite, revoked=True, expires_at=ends), writes, reads)
    if not found:
        return WriteOk(duplicate=True)
    return unlogged(room, user, request, digest, writes)


def look(user: str, request: InvitesLook, writes: WriteSet, reads: ReadSet) -> CardOk:
    """Return the group of an invite that works for `user`, as a stranger sees it."""
    invite, room = found_invite(request.invite, reads)
    state = state_of(room, user, writes, reads)
    if state == "banned" or (state != "in" and not works(invite, room, writes.now)):
        raise Refused("not_found", NOT_FOUND)
    named = state == "in" or joining(room) != "closed"
    return CardOk(card=card_of(room, named=named, approve=asks_admin(invite, room)))


def use(user: str, request: InvitesUse, writes: WriteSet, reads: ReadSet) -> UseOk:
    """Enter a group by an invite, or ask its admins. The same key, and whoever is in already, use up nothing."""
    prepared = prepared_use(user, request, writes, reads)
    if isinstance(prepared, UseOk):
        return prepared
    invite, room, digest, after = prepared
    reads.allowances.check("joins", user, 1, writes, reads.now_s)
    if after == "asked":
        check_waiting(room, 1, reads)
        ask(room, Join(room.number, user, by=invite.user, text=request.text), writes, reads)
        reply = UseOk(time=writes.now, requested=True)
    else:
        check_capacity(room.size + 1, reads, room)
        check_own_rooms(user, writes, reads)
        check_followed(room, user, writes, reads)
        event = begin_memberships(room, [user], MembershipChange(user, request, digest), writes, reads)
        ensure_owner(room, user, writes)
        reply = entered(UseOk(seq=event.seq, time=event.time), room, user, writes)
    writes.spend("joins", user, 1)
    put_invite(replace(invite, uses=invite.uses + 1), writes, reads)
    return reply


def prepared_use(user: str, request: InvitesUse, writes: WriteSet, reads: ReadSet) -> Use | UseOk:
    """Return what a use comes to, or the reply to one that changes nothing. Raises Refused("not_found")."""
    invite, room = found_invite(request.invite, reads)
    try:
        digest = first_time_in(room, user, writes.sent or request, writes, reads)
    except Repeated as repeated:
        first = repeated.reply
        return entered(UseOk(seq=first.seq, time=first.time, duplicate=True), room, user, writes)
    action: Action = "invite_to_ask" if asks_admin(invite, room) else "invite"
    after, answer = step(state_of(room, user, writes, reads), action)
    if answer == "duplicate":
        return entered(UseOk(duplicate=True, requested=after != "in"), room, user, writes)
    if answer or not works(invite, room, writes.now):
        raise Refused("not_found", NOT_FOUND)
    return Use(invite, room, digest, after)


def entered(reply: UseOk, room: Room, user: str, writes: WriteSet) -> UseOk:
    """Let `reply` show the room to a member."""
    return shown(reply, room, user, writes) if user in room.members else reply


def found_invite(invite: str, reads: ReadSet) -> tuple[IssuedInvite, Room]:
    """Return an invite and its group; raise Refused("not_found") where either is no more."""
    known = reads.records_of(IssuedInvite).get(invite)
    room = None if known is None else reads.rooms.get(known.room)
    if known is None or room is None or room.deleted_by is not None:
        raise Refused("not_found", NOT_FOUND)
    return known, room


def works(invite: IssuedInvite, room: Room, now: int) -> bool:
    """Whether an invite lets anybody in: it did not end, and its maker may invite now."""
    return not invite.is_spent(now) and (invite.user == HOST or may_invite(room, invite.user))


def asks_admin(invite: IssuedInvite, room: Room) -> bool:
    """Whether an admin decides on those who use an invite."""
    return invite.approve or needs_admin(room, invite.user)


def forget_invites(user: str, request: ForgetInvites, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(request)
    return Ok()
