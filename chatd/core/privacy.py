"""Privacy: who may do what to whom (protocol.md "People"). Pure, for every door.

The owner says for each capability who may use it: an audience. A viewer is judged by the first line that fits: blocked
either way, or an account closed: no; in a circle of `deny`: no; in a circle of `allow`: yes; else by their rank.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, Protocol, get_args

from chatd.protocol.privacy import Audience, Capability, To

# From the closest to anybody. The number of a viewer is compared with that of an audience.
RANKS: dict[To, int] = {"nobody": 0, "friends": 1, "acquaintances": 2, "followers": 3, "everyone": 4}

CAPABILITIES: tuple[Capability, ...] = get_args(Capability)

# By which one user comes to the notice of another.
REACHING: frozenset[Capability] = frozenset({"knock", "write", "add", "call"})

Outcome = Literal["yes", "ask", "no"]


class Bounds(NamedTuple):
    """The audience of a capability by default, and the widest and the narrowest that a user may choose."""

    default: To
    widest: To
    narrowest: To


BOUNDS: dict[Capability, Bounds] = {
    "knock": Bounds("everyone", "everyone", "nobody"),
    # A friend who may not write is no friend.
    "write": Bounds("friends", "everyone", "friends"),
    "add": Bounds("friends", "everyone", "nobody"),
    "call": Bounds("friends", "everyone", "nobody"),
    # Being seen by strangers tells them when somebody sleeps.
    "presence": Bounds("friends", "acquaintances", "nobody"),
    "receipts": Bounds("everyone", "everyone", "nobody"),
    "page": Bounds("friends", "everyone", "nobody"),
    "find": Bounds("everyone", "everyone", "nobody"),
}
"""Those of a host that sets none."""

HostBounds = Mapping[Capability, Bounds]


class AnyTie(Protocol):
    """One user as another has them: a contact, or as much of it as privacy looks at. `circles`: bit n for circle n."""

    @property
    def is_friend(self) -> bool: ...

    @property
    def blocked(self) -> bool: ...

    @property
    def following(self) -> bool: ...

    @property
    def circles(self) -> int: ...


class Tie(NamedTuple):
    """As much of a contact as privacy looks at."""

    is_friend: bool = False
    blocked: bool = False
    following: bool = False
    circles: int = 0


NO_TIE = Tie()


class Viewer(NamedTuple):
    """A viewer as the owner of rules has them. `shut_out`: blocked either way, or either account is closed."""

    rank: int
    circles: int = 0
    shut_out: bool = False


ONESELF = Viewer(0)
STRANGER = Viewer(RANKS["everyone"])


def viewer_of(owner: AnyTie, viewer: AnyTie, *, closed: bool = False, acquainted: bool = False) -> Viewer:
    """Return a viewer as the owner has them.

    `owner`: the viewer as the owner has them, `viewer`: the owner as the viewer has them. `closed`: either account is.
    `acquainted`: both are in a small group.
    """
    shut_out = owner.blocked or viewer.blocked or closed
    if owner.is_friend:
        return Viewer(RANKS["friends"], owner.circles, shut_out)
    if owner.following or acquainted:
        rank = RANKS["acquaintances"]
    else:
        rank = RANKS["followers"] if viewer.following else RANKS["everyone"]
    return Viewer(rank, 0, shut_out)


def is_allowed(viewer: Viewer, audience: Audience) -> bool:
    """Whether `viewer` is in `audience`. The owner themselves always are."""
    if viewer.shut_out:
        return False
    if viewer.circles & bits_of(audience.deny):
        return False
    return bool(viewer.circles & bits_of(audience.allow)) or viewer.rank <= RANKS[audience.to]


def bits_of(circles: Iterable[int]) -> int:
    """Return circles as bits.

    >>> bits_of((1, 3))
    10
    """
    bits = 0
    for number in circles:
        bits |= 1 << number
    return bits


def audience_of(
    rules: Mapping[Capability, Audience], capability: Capability, bounds: HostBounds = BOUNDS
) -> Audience:
    """Return the audience in force: that of the user within the bounds of today, else that of the host."""
    bound, chosen = bounds[capability], rules.get(capability)
    if chosen is None:
        return Audience(bound.default)
    lowest, highest = RANKS[bound.narrowest], RANKS[bound.widest]
    to = chosen.to
    if RANKS[to] > highest:
        to = bound.widest
    elif RANKS[to] < lowest:
        to = bound.narrowest
    return Audience(to, chosen.allow if highest else (), chosen.deny)


def allows(
    viewer: Viewer,
    rules: Mapping[Capability, Audience],
    capability: Capability,
    bounds: HostBounds = BOUNDS,
) -> bool:
    """Whether the owner of `rules` lets `viewer` use `capability`."""
    return is_allowed(viewer, audience_of(rules, capability, bounds))


def outcome(
    viewer: Viewer,
    rules: Mapping[Capability, Audience],
    capability: Capability,
    bounds: HostBounds = BOUNDS,
) -> Outcome:
    """Return `yes`, or `ask` for a viewer who may ask the owner first, or `no`."""
    if allows(viewer, rules, capability, bounds):
        return "yes"
    return "ask" if allows(viewer, rules, "knock", bounds) else "no"


def depends_on_groups(rules: Mapping[Capability, Audience], bounds: HostBounds = BOUNDS) -> bool:
    """Whether any of these rules asks who shares a small group with the owner.

    Acquaintances rank before followers, so an audience of followers asks, too.
    """
    return any(
        audience_of(rules, capability, bounds).to in ("acquaintances", "followers")
        for capability in CAPABILITIES
    )


def refused_choice(rules: Mapping[Capability, Audience], bounds: HostBounds = BOUNDS) -> Capability | None:
    """Return the first capability whose audience is outside the bounds of the host, if there is one."""
    for capability, chosen in rules.items():
        if audience_of(rules, capability, bounds) != chosen:
            return capability
    return None


Gate = Literal["open", "ask", "no", "refused", "blocked"]
"""The outcome for an author in a direct room, before the standing of the other is looked at (`message_requests.py`).

`ask` and `no` hold until the other has accepted the author; `refused` and `blocked` hold anyway.
"""


class Side(NamedTuple):
    """One user of a direct room: the other as they have them, their rules, and whether their account is closed.

    `automated`: a bot or an official account.
    """

    user: str
    tie: AnyTie = NO_TIE
    rules: Mapping[Capability, Audience] = {}
    closed: bool = False
    automated: bool = False


def gates_of(
    one: Side, other: Side, *, acquainted: bool = False, bounds: HostBounds = BOUNDS
) -> dict[str, Gate]:
    """Return the gate of each user of a direct room towards the other."""
    return {
        author.user: gate_of(author, owner, acquainted=acquainted, bounds=bounds)
        for author, owner in ((one, other), (other, one))
    }


def gate_of(author: Side, owner: Side, *, acquainted: bool, bounds: HostBounds) -> Gate:
    if author.tie.blocked:
        return "blocked"
    if owner.tie.blocked or owner.closed:
        return "refused"
    by_kind = decided_by_kind(author, owner, "write")
    if by_kind is not None:
        return "open" if by_kind else "no"
    viewer = viewer_of(owner.tie, author.tie, acquainted=acquainted)
    result = outcome(viewer, owner.rules, "write", bounds)
    return "open" if result == "yes" else result


def decided_by_kind(viewer: Side, owner: Side, capability: Capability) -> bool | None:
    """Return whether bots and official accounts may do something, or let others do it; None where rules say so.

    Anybody may write to one and add it to a group. It reaches those who follow it or made it a friend, and nobody else.
    """
    if owner.automated and capability in ("write", "add"):
        return True
    if not viewer.automated or capability not in REACHING:
        return None
    if not (owner.tie.following or owner.tie.is_friend):
        return False
    return True if capability == "write" else None


def mutually_allow(
    one: Side,
    other: Side,
    capability: Capability,
    *,
    acquainted: bool = False,
    bounds: HostBounds = BOUNDS,
) -> bool:
    """Whether each lets the other use `capability`: a user who hides from another does not see them either."""
    if one.closed or other.closed:
        return False
    seen = viewer_of(one.tie, other.tie, acquainted=acquainted)
    seeing = viewer_of(other.tie, one.tie, acquainted=acquainted)
    return allows(seen, one.rules, capability, bounds) and allows(seeing, other.rules, capability, bounds)


class Relation(NamedTuple):
    """Two users, as rules look at them. `acquainted`: they share a small group, if a rule asks. `is_known`: whether
    `owner` was ever seen here, if the host refuses others.
    """

    viewer: Side
    owner: Side
    acquainted: bool = False
    is_known: bool = True

    def gate(self, bounds: HostBounds) -> Gate:
        """Return the gate of the viewer towards the owner."""
        gate = gate_of(self.viewer, self.owner, acquainted=self.acquainted, bounds=bounds)
        return gate if self.is_known or gate == "blocked" else "refused"

    def takes(self, capability: Capability, bounds: HostBounds) -> bool:
        """Whether the owner lets the viewer use `capability`."""
        closed = self.viewer.closed or self.owner.closed
        viewer = viewer_of(self.owner.tie, self.viewer.tie, closed=closed, acquainted=self.acquainted)
        by_kind = decided_by_kind(self.viewer, self.owner, capability)
        if by_kind is not None:
            return by_kind and self.is_known and not viewer.shut_out
        return self.is_known and allows(viewer, self.owner.rules, capability, bounds)

    def asks(self, capability: Capability, bounds: HostBounds) -> bool:
        """Whether the owner does not let the viewer use `capability`, and may be asked by them."""
        if self.viewer.automated or self.takes(capability, bounds):
            return False
        return self.takes("knock", bounds)


class RoomRelations(NamedTuple):
    """The people of a room: by author those who block them, in a direct room how its two users stand, and members
    whose accounts are closed.
    """

    ignored_by: Mapping[str, tuple[str, ...]] = {}
    pair: Relation | None = None
    closed: frozenset[str] = frozenset()
