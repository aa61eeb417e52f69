"""The ways into a group as a table, and the requests and offers that wait (protocol.md "Entering groups").

A user is out, has asked, was declined not long ago and is not told so, was offered to join, is in, or is banned.
`CELLS` says for each action and state where it leads, or what the answer is where nothing changes; whatever asks for a
change goes by it. Requests and offers are rows of the room (`Join`) and, for the user they are about, rows of their
section `joins`. Synchronous and pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, cast

from msgspec import UNSET, structs

from chatd.core.comments import follows_channel
from chatd.core.extras import ban_holds
from chatd.core.governance import joining, kept_details, ranks, rule
from chatd.core.permissions import HOST, authorize
from chatd.core.push_alerts import alert
from chatd.core.read_set import ReadSet
from chatd.core.room import CHANNEL, GROUP, Room
from chatd.core.sections import JOINS, ChangedRow, store
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.errors import Refused
from chatd.protocol.joining import JoinRow, RoomCard

State = Literal["out", "asked", "declined", "offered", "in", "banned"]
Action = Literal[
    "open",  # room.join where anybody may
    "request",  # the same where admins decide
    "closed",  # the same where nobody may by themselves
    "accept_offer",  # room.join with an offer that needs nobody's consent
    "ask_by_offer",  # the same where an admin decides
    "invite",  # an invite that works
    "invite_to_ask",  # the same where an admin decides
    "add",  # by who may, of a user who lets them
    "add_to_ask",  # the same where an admin decides
    "offer",  # by who may, of a user who wants to be asked first
    "offer_to_ask",  # the same where an admin decides
    "accept",  # by an admin, as `decline`
    "decline",
    "leave",  # by the user, as `remove` by an admin
    "remove",
    "ban",
    "expire",
]
Answer = Literal["duplicate", "refused", "skipped"]
Kind = Literal["", "asked", "declined", "offered"]

STATES: tuple[State, ...] = ("out", "asked", "declined", "offered", "in", "banned")

# For each action a cell for each state, in the order of STATES: the next state, or the answer where nothing changes.
CELLS: Mapping[Action, tuple[State | Answer, ...]] = {
    "open": ("in", "in", "in", "in", "duplicate", "refused"),
    "request": ("asked", "duplicate", "duplicate", "asked", "duplicate", "refused"),
    "closed": ("refused", "duplicate", "duplicate", "refused", "duplicate", "refused"),
    "accept_offer": ("refused", "duplicate", "duplicate", "in", "duplicate", "refused"),
    "ask_by_offer": ("refused", "duplicate", "duplicate", "asked", "duplicate", "refused"),
    "invite": ("in", "in", "in", "in", "duplicate", "refused"),
    "invite_to_ask": ("asked", "duplicate", "duplicate", "asked", "duplicate", "refused"),
    "add": ("in", "in", "in", "in", "skipped", "skipped"),
    "add_to_ask": ("asked", "duplicate", "asked", "asked", "skipped", "skipped"),
    "offer": ("offered", "in", "in", "duplicate", "skipped", "skipped"),
    "offer_to_ask": ("offered", "duplicate", "asked", "duplicate", "skipped", "skipped"),
    "accept": ("skipped", "in", "skipped", "skipped", "duplicate", "skipped"),
    "decline": ("skipped", "declined", "skipped", "skipped", "duplicate", "skipped"),
    "leave": ("refused", "out", "declined", "out", "out", "refused"),
    "remove": ("skipped", "out", "out", "out", "out", "skipped"),
    "ban": ("banned", "banned", "banned", "banned", "banned", "duplicate"),
    "expire": ("skipped", "out", "out", "out", "skipped", "skipped"),
}


@dataclass(slots=True, frozen=True)
class Join:
    """A record: the request of `user` to join room number `room`, or the offer to them; kind "": neither any more.

    `by`: whoever offers, or whose invite was used; empty: nobody, or the host. `time`: Unix ms, of the request, the
    offer or the refusal.
    """

    room: int
    user: str
    kind: Kind = ""
    by: str = ""
    text: str = ""
    time: int = 0


class Step(NamedTuple):
    """The state after an action, and the answer: empty when it changed."""

    state: State
    answer: Answer | Literal[""]


def step(state: State, action: Action) -> Step:
    """Return where an action leads.

    >>> step("asked", "accept")
    Step(state='in', answer='')
    """
    cell = CELLS[action][STATES.index(state)]
    if cell == state or cell not in STATES:
        return Step(state, "duplicate" if cell == state else cast("Answer", cell))
    return Step(cell, "")


def join_of(room: Room, user: str, reads: ReadSet) -> Join:
    return reads.records_of(Join).get((room.number, user)) or Join(room.number, user)


def state_of(room: Room, user: str, writes: WriteSet, reads: ReadSet) -> State:
    """Return how a user stands to a group. A ban that is over is none."""
    if user in room.members:
        return "in"
    former = room.former.get(user)
    if former is not None and ban_holds(former, writes.now):
        return "banned"
    return join_of(room, user, reads).kind or "out"


def put_join(room: Room, join: Join, writes: WriteSet, reads: ReadSet) -> None:
    """Store a request or an offer, the count that admins see, and the row of its user. A refusal is not told."""
    before = join_of(room, join.user, reads)
    reads.records_of(Join)[room.number, join.user] = join
    writes.add(join)
    count_asked(room, (join.kind == "asked") - (before.kind == "asked"), writes)
    if join.kind == "declined":
        return
    value = encode(row_of(room, join)) if join.kind else None
    store(ChangedRow(join.user, JOINS, room.name, value), writes, reads)


def drop_join(room: Room, user: str, writes: WriteSet, reads: ReadSet) -> None:
    """End the request of a user, or the offer to them, if there is one."""
    if join_of(room, user, reads).kind:
        put_join(room, Join(room.number, user), writes, reads)


def count_asked(room: Room, more: int, writes: WriteSet) -> None:
    if not more:
        return
    details = structs.replace(room.details, joins=max(0, room.details.joins + more))
    writes.touch(room).details = kept_details(details)
    for user in deciding(room):
        writes.refreshed[room.number, user] = room


def deciding(room: Room) -> list[str]:
    """Return the members who decide on requests."""
    return [user for user in room.users if ranks(room.members[user], "admin")]


def row_of(room: Room, join: Join) -> JoinRow:
    """Return the row that the user sees of their own request, or of an offer."""
    kind: Literal["asked", "offered"] = "offered" if join.kind == "offered" else "asked"
    by = join.by or UNSET
    card = card_of(room, approve=kind == "offered" and needs_admin(room, join.by))
    return JoinRow(room.name, join.user, kind, by=by, text=join.text, time=join.time, card=card)


def card_of(room: Room, *, named: bool = True, approve: bool = False) -> RoomCard:
    """Return the room as a stranger sees it. `approve`: whether an admin decides on the invite or offer it is of."""
    details = room.details
    return RoomCard(
        room=room.name if named else UNSET,
        # The constants, which are left out where they are the default.
        kind=CHANNEL if room.is_channel else GROUP,
        title=room.title,
        avatar=room.avatar or UNSET,
        about=details.about,
        tags=[*details.tags],
        members=room.size,
        join=joining(room),
        approve=approve,
    )


def needs_admin(room: Room, by: str) -> bool:
    """Whether those whom `by` adds or invites wait for an admin."""
    member = room.members.get(by)
    return by != HOST and rule(room, "approve") and not (member is not None and ranks(member, "admin"))


def may_invite(room: Room, user: str) -> bool:
    """Whether `user` may add to the group now; the host always may."""
    try:
        authorize(room, user, "add")
    except Refused:
        return False
    return True


def way_in(room: Room, user: str, reads: ReadSet) -> Action:
    """Return the action of a user who joins: by an offer of somebody who may still make it, else as the group says.

    The group of the comments of a channel takes all its followers.
    """
    by_rule = "open" if follows_channel(room, user, reads) else joining(room)
    join = join_of(room, user, reads)
    if by_rule != "open" and join.kind == "offered" and may_invite(room, join.by):
        return "ask_by_offer" if needs_admin(room, join.by) else "accept_offer"
    return by_rule


def check_waiting(room: Room, more: int, reads: ReadSet) -> None:
    """Raise Refused("too_large") when no so many more requests may wait."""
    most = reads.rules.groups.joins_max
    if more and room.details.joins + more > most:
        raise Refused("too_large", f"at most {most} requests wait in a group", field="room")


def ask(room: Room, join: Join, writes: WriteSet, reads: ReadSet) -> None:
    for admin in deciding(room):
        alert(admin, "join", join.user, writes, reads, room.number)
    put_join(room, replace(join, kind="asked", time=writes.now), writes, reads)


def offer(room: Room, user: str, by: str, writes: WriteSet, reads: ReadSet) -> None:
    alert(user, "offer", by, writes, reads, room.number)
    put_join(room, Join(room.number, user, "offered", by, time=writes.now), writes, reads)


class Entrants(NamedTuple):
    """The users whom a member adds, by what comes of it. `invited`: they have an offer already. `left_out`: whatever
    the reason.
    """

    fresh: list[str]
    asked: list[str]
    offered: list[str]
    invited: list[str]
    left_out: list[str]

    @property
    def waiting(self) -> int:
        return len(self.asked) + len(self.offered)


def entrants(
    room: Room,
    actor: str,
    users: Iterable[str],
    lets: Mapping[str, Literal["yes", "ask", "no"]],
    writes: WriteSet,
    reads: ReadSet,
) -> Entrants:
    """Sort the users whom `actor` adds. `lets`: whether each lets them. Who asked for it needs not be asked again."""
    found = Entrants([], [], [], [], [])
    for user in users:
        state, answer = state_of(room, user, writes, reads), lets[user]
        if answer == "no":
            found.left_out.append(user)
            continue
        action: Action = "add" if answer == "yes" else "offer"
        if needs_admin(room, actor):
            action = "add_to_ask" if answer == "yes" else "offer_to_ask"
        after, outcome = step(state, action)
        if after == "offered":
            (found.invited if outcome else found.offered).append(user)
        elif outcome == "skipped":
            found.left_out.append(user)
        elif not outcome:
            (found.fresh if after == "in" else found.asked).append(user)
    return found


def let_wait(room: Room, actor: str, found: Entrants, writes: WriteSet, reads: ReadSet) -> None:
    """Store the requests and the offers that a member makes by adding users."""
    for user in found.asked:
        ask(room, Join(room.number, user, by=actor), writes, reads)
    for user in found.offered:
        offer(room, user, actor, writes, reads)


def end_waiting(room: Room, users: Iterable[str], writes: WriteSet, reads: ReadSet) -> bool:
    """End requests of these users, and offers to them; return whether there were any."""
    waiting = [user for user in users if join_of(room, user, reads).kind]
    for user in waiting:
        drop_join(room, user, writes, reads)
    return bool(waiting)


def take_back(room: Room, user: str, writes: WriteSet, reads: ReadSet) -> None:
    """End the request of `user`, or the offer to them, as they want. Who was declined has to wait all the same."""
    if step(state_of(room, user, writes, reads), "leave").state == "declined":
        store(ChangedRow(user, JOINS, room.name, None), writes, reads)
    else:
        drop_join(room, user, writes, reads)
