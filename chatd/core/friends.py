"""Decisions on friendship (protocol.md "Friendship"): every change of a pair, whoever asks for it.

Which change it is says core/pairs.py; here it becomes the two contacts, which are stored in one commit.
"""

from dataclasses import dataclass

from msgspec import UNSET
from msgspec.structs import replace

from chatd.core.contacts import Contact, State, contact_of, put, row_of, shown, tally_of
from chatd.core.pairs import Action, Answer, Friendship, Pair, step
from chatd.core.privacy import Relation
from chatd.core.push_alerts import alert
from chatd.core.read_set import DAY_MS, ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.friends import (
    ContactOk,
    ContactRequest,
    FriendAccept,
    FriendCancel,
    FriendDecline,
    FriendRemove,
    FriendRequest,
)

# A quarter of a year: who is refused so often is not wanted.
QUIET_MS_MAX = 90 * DAY_MS
# The doublings after which no quiet time grows any more: 30 days twice doubled, or one day seven times.
TRIES_MAX = 7

SIDES: dict[Friendship, tuple[State, State]] = {
    "N": (State.NONE, State.NONE),
    "S": (State.SENT, State.RECEIVED),
    "R": (State.RECEIVED, State.SENT),
    "D": (State.SENT, State.DECLINED),
    "E": (State.DECLINED, State.SENT),
    "F": (State.FRIEND, State.FRIEND),
}
FRIENDSHIPS = {sides: friendship for friendship, sides in SIDES.items()}
PENDING = frozenset({State.SENT, State.RECEIVED, State.DECLINED})
ENDS_QUIETLY: frozenset[Action] = frozenset({"cancel", "unfriend"})

MESSAGES: dict[Answer, str] = {
    "not_found": "no such request",
    "conflict": "this changed meanwhile",
    "blocked": "you block this user",
    # The same for all reasons, so that it tells none.
    "refused": "this user does not take it from you, or there is no such user",
}
GROUP_VIA = "group:"


@dataclass(slots=True, frozen=True)
class Introduction:
    """A record: what two users have in common, of whom one asks the other. `know`: a friend or a small group.
    `share_room`: the room that the request names.
    """

    know: bool
    share_room: bool


@dataclass(slots=True, frozen=True)
class ExpireContacts:
    """End the requests and quiet times of these contacts (owner, user) whose time is up."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(slots=True, frozen=True)
class Befriend:
    """Make two users friends, as the host wants, whatever they asked for or declined; blocks stay."""

    user: str


def request(user: str, request: FriendRequest, writes: WriteSet, reads: ReadSet) -> ContactOk:
    """Ask to be friends, or become friends where the other has asked already."""
    mine, theirs = both(user, request, reads)
    after, answer = step(pair_of(mine, theirs), "request")
    if answer != "ok" or after.friendship == "F":
        return carry_out("request", request, mine, writes, reads)
    if not is_admitted(user, request.user, reads):
        raise refusal("refused")
    require_unmoved(mine, request)
    rules, inbox = reads.rules.people, tally_of(request.user, reads)
    if tally_of(user, reads).sent >= rules.requests_max:
        raise Refused("too_large", f"at most {rules.requests_max} requests may wait", field="user")
    reads.allowances.check("friend_requests", user, 1, writes, reads.now_s)
    writes.spend("friend_requests", user, 1)
    introduction = reads.records_of(Introduction)[user, request.user]
    until = writes.now + rules.request_ms
    via = request.via if introduction.share_room or not request.via.startswith(GROUP_VIA) else ""
    mine = replace(mine, note=request.note, via=via, since=writes.now, expires=until)
    if is_heard(theirs, inbox.received, introduction, writes, reads):
        theirs = replace(theirs, note=request.note, via=via, state=State.RECEIVED, known=introduction.know)
        alert(request.user, "friend", user, writes, reads)
    else:
        is_quiet = theirs.quiet > writes.now
        theirs = quieted(theirs, writes.now, rules.quiet_ms) if is_quiet else theirs
        theirs = replace(theirs, state=State.DECLINED)
    put(replace(theirs, since=writes.now, expires=until), writes, reads)
    return ContactOk(contact=row_of(put(replace(mine, state=State.SENT), writes, reads)))


def is_heard(
    theirs: Contact, received: int, introduction: Introduction, writes: WriteSet, reads: ReadSet
) -> bool:
    """Whether a new request is shown to the owner of `theirs`, who have `received` so many; in their quiet time it is
    not, nor when their list is full of requests that are as good.
    """
    if theirs.quiet > writes.now:
        return False
    if received < reads.rules.people.inbox_max:
        return True
    return introduction.know and push_out(theirs.owner, writes, reads)


def accept(user: str, request: FriendAccept, writes: WriteSet, reads: ReadSet) -> ContactOk:
    return carry_out("accept", request, both(user, request, reads)[0], writes, reads)


def decline(user: str, request: FriendDecline, writes: WriteSet, reads: ReadSet) -> ContactOk:
    return carry_out("decline", request, both(user, request, reads)[0], writes, reads)


def cancel(user: str, request: FriendCancel, writes: WriteSet, reads: ReadSet) -> ContactOk:
    return carry_out("cancel", request, both(user, request, reads)[0], writes, reads)


def remove(user: str, request: FriendRemove, writes: WriteSet, reads: ReadSet) -> ContactOk:
    return carry_out("remove", request, both(user, request, reads)[0], writes, reads)


def befriend(user: str, request: Befriend, writes: WriteSet, reads: ReadSet) -> Ok:
    change("befriend", user, request.user, writes, reads)
    return Ok()


def expire(user: str, request: ExpireContacts, writes: WriteSet, reads: ReadSet) -> Ok:
    """End what has run out; what changed since it was looked for stays."""
    for owner, other in request.pairs:
        contact = contact_of(owner, other, reads)
        if not 0 < contact.expires <= writes.now:
            continue
        if contact.state not in PENDING:
            put(replace(contact, expires=0, quiet=0), writes, reads)
        elif not change("expire", owner, other, writes, reads):
            put(moved(contact, State.NONE, "expire", writes, reads), writes, reads)
    return Ok()


def end_pending(user: str, writes: WriteSet, reads: ReadSet) -> None:
    """End the requests of a user whose account is being disabled, as if they blocked everybody."""
    for owner, other in [*reads.records_of(Contact)]:
        if owner == user:
            change("close", owner, other, writes, reads)


def both(user: str, request: ContactRequest, reads: ReadSet) -> tuple[Contact, Contact]:
    """Return the contacts of the two for a request about friendship; Refused when it cannot be one."""
    require_clients_own("friends", reads)
    require_other(user, request)
    return contact_of(user, request.user, reads), contact_of(request.user, user, reads)


def carry_out(
    action: Action, request: ContactRequest, mine: Contact, writes: WriteSet, reads: ReadSet
) -> ContactOk:
    """Carry out an action of the owner of `mine`, and answer it."""
    pair = pair_of(mine, contact_of(mine.user, mine.owner, reads))
    after, answer = step(pair, action)
    if answer == "duplicate":
        return ContactOk(contact=row_of(mine), duplicate=True)
    if answer != "ok":
        raise refusal(answer)
    require_unmoved(mine, request)
    if after.friendship == "F":
        require_room_for_friend(mine, reads)
    change(action, mine.owner, mine.user, writes, reads)
    return ContactOk(contact=row_of(contact_of(mine.owner, mine.user, reads)))


def change(action: Action, user: str, other: str, writes: WriteSet, reads: ReadSet) -> bool:
    """Carry out an action of `user` by the table, for both; return whether anything changed."""
    mine, theirs = contact_of(user, other, reads), contact_of(other, user, reads)
    after, answer = step(pair_of(mine, theirs), action)
    if answer != "ok":
        return False
    states = SIDES[after.friendship]
    mine = moved(mine, states[0], action, writes, reads)
    if mine.blocked != after.blocks:
        mine = replace(mine, blocked=after.blocks)
    # Who is left, or whose request is withdrawn, had no choice: only the one who refuses begins a quiet time.
    theirs = moved(theirs, states[1], "expire" if action == "expire" else "cancel", writes, reads)
    put(mine, writes, reads)
    put(theirs, writes, reads)
    return True


def moved(contact: Contact, state: State, action: Action, writes: WriteSet, reads: ReadSet) -> Contact:
    """Return one side in its next state, after an action of its owner."""
    if state is contact.state:
        return contact
    if state is State.FRIEND:
        return replace(
            contact, state=state, note="", since=writes.now, expires=0, quiet=0, tries=0, known=False
        )
    if contact.state in (State.RECEIVED, State.FRIEND) and action not in ENDS_QUIETLY:
        contact = quieted(contact, writes.now, reads.rules.people.quiet_ms)
    if state is State.DECLINED:
        return replace(contact, state=state, note="", via="")
    # A quiet time outlives the request it began with.
    quiet = contact.quiet if contact.quiet > writes.now else 0
    return replace(
        contact, state=state, note="", via="", since=0, circles=0, known=False, expires=quiet, quiet=quiet
    )


def quieted(contact: Contact, now: int, quiet_ms: int) -> Contact:
    """Return the contact at the beginning of a quiet time, each of which is twice as long as the one before."""
    quiet = now + min(quiet_ms << contact.tries, QUIET_MS_MAX)
    return replace(contact, quiet=quiet, tries=min(contact.tries + 1, TRIES_MAX))


def push_out(user: str, writes: WriteSet, reads: ReadSet) -> bool:
    """Hide the oldest request to `user` of somebody with whom they have nothing in common; return whether there is one.

    The one who asked goes on waiting.
    """
    strangers = tally_of(user, reads).strangers
    while strangers:
        contact = contact_of(user, strangers.pop(0), reads)
        if contact.state is State.RECEIVED and not contact.known:
            put(replace(contact, state=State.DECLINED, note="", via=""), writes, reads)
            return True
    return False


def pair_of(mine: Contact, theirs: Contact) -> Pair:
    """Return the pair as the owner of `mine` sees it. Who was erased on one side only has nothing on the other."""
    friendship = FRIENDSHIPS.get((mine.state, theirs.state), "N")
    return Pair(friendship, mine.blocked, theirs.blocked)


def is_admitted(asker: str, user: str, reads: ReadSet) -> bool:
    """Whether `user` may be asked by `asker`: they are known here, not closed, and let them knock."""
    account = reads.accounts.get(user)
    if account is not None and account.disabled:
        return False
    return reads.records_of(Relation)[asker, user].takes("knock", reads.rules.people.bounds)


def require_room_for_friend(mine: Contact, reads: ReadSet) -> None:
    """Refuse a friendship beyond the most friends of one of the two."""
    most = reads.rules.people.friends_max
    if tally_of(mine.owner, reads).friends >= most:
        raise Refused("too_large", f"a user has at most {most} friends", field="user")
    if tally_of(mine.user, reads).friends >= most:
        raise refusal("refused")


def require_unmoved(mine: Contact, request: ContactRequest) -> None:
    """Refuse to act on a contact that changed after the one the client acted on.

    Who sees nothing may say 0; a row that was forgotten has an older stamp than the one they remember.
    """
    if request.seen is UNSET or mine.stamp <= request.seen:
        return
    if request.seen == 0 and shown(mine) is None:
        return
    raise Refused("conflict", MESSAGES["conflict"], field="seen")


def require_other(user: str, request: ContactRequest) -> None:
    if request.user == user:
        raise Refused("bad_request", "a contact is another user", field="user")


def require_clients_own(kind: str, reads: ReadSet) -> None:
    """Refuse what only the back end of the host app changes here."""
    if kind in reads.rules.people.host_owns:
        raise Refused("not_supported", f"{kind} are kept by the host app")


def refusal(answer: Answer) -> Refused:
    return Refused(answer, MESSAGES[answer])
