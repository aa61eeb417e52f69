"""The graph that the back end of a host app keeps here: friends, follows and blocks (docs/people.md). Pure.

**Two ways in.** A feed is a stream of numbered changes, one number after the other without a hole. An import replaces
the edges of one user with a list. Both come down to edges that are set or taken back by the table of core/pairs.py, so
that the host and the phones follow the same rules.

**The invariant.** The number of a feed is a row of the commit that holds its changes. After any crash the feed is
exactly as far as its number says: a change that is sent again is skipped, and none is carried out twice or left out.
Repeating would not be harmless without it: after "friend, unfriend" the first of the two must not come once more.

**Bounds.** A commit has at most EDGES_MAX changes, so that phones wait for a few milliseconds only. The limits of users
do not hold for the host: what it says is so, or the two graphs could never be equal.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal, NamedTuple, get_args

from msgspec import structs

from chatd.core.audit import Audit
from chatd.core.contacts import contact_of, put
from chatd.core.event_feed import Cause
from chatd.core.friends import change
from chatd.core.pairs import Action
from chatd.core.read_set import PeopleRules, ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused

Kind = Literal["friend", "follow", "block"]
Op = Literal["friend", "unfriend", "follow", "unfollow", "block", "unblock"]

KINDS: tuple[Kind, ...] = get_args(Kind)
OWNED: dict[Kind, str] = {"friend": "friends", "follow": "follows", "block": "blocks"}
"""The kinds as the setting `people.host_owns` has them."""

KIND_OF: dict[Op, Kind] = {
    "friend": "friend",
    "unfriend": "friend",
    "follow": "follow",
    "unfollow": "follow",
    "block": "block",
    "unblock": "block",
}
SET: dict[Kind, Op] = {"friend": "friend", "follow": "follow", "block": "block"}
CLEAR: dict[Kind, Op] = {"friend": "unfriend", "follow": "unfollow", "block": "unblock"}
ACTIONS: dict[Op, Action] = {
    "friend": "befriend",
    "unfriend": "unfriend",
    "block": "block",
    "unblock": "unblock",
}

# Each is at most two rows: a commit of 500 rows takes some 10 ms.
EDGES_MAX = 250
# One for each service of a host that sends changes.
FEEDS_MAX = 100

Edges = Mapping[Kind, frozenset[str]]
"""The others to whom a user has an edge, by kind."""


class EdgeChange(NamedTuple):
    """An edge from `a` to `b` to set or to take back; friendship has both directions at once."""

    op: Op
    a: str
    b: str


@dataclass(slots=True, frozen=True)
class ChangeGraph:
    """Change edges. `n`: the number in `feed` of the first; those that the feed has passed are skipped.

    Without a `feed` they are an import: devices are told once, when it has ended (`WriteSet.imported`), and `audits`
    are the entries of the lines that begin here. `by`: the id of the API key that sent them.
    """

    changes: Sequence[EdgeChange]
    feed: str = ""
    n: int = 0
    audits: Sequence[Audit] = ()
    by: str = ""


@dataclass(slots=True, frozen=True)
class GraphFeed:
    """A record: the number of the last change of a feed that was carried out."""

    feed: str
    n: int


class ChangedGraph(Ok, kw_only=True):
    """The reply: the number that the feed has reached."""

    n: int = 0


def change_graph(user: str, request: ChangeGraph, writes: WriteSet, reads: ReadSet) -> ChangedGraph:
    """Carry out changes of the host, with the number of their feed."""
    require_owned((KIND_OF[one.op] for one in request.changes), reads.rules.people)
    if request.feed:
        return follow_feed(request, writes, reads)
    touched = {user for one in request.changes for user in (one.a, one.b)}
    cause = Cause(request.by, writes)
    for one in request.changes:
        apply(one, writes, reads)
    cause.note(writes)
    writes.imported |= touched
    writes.add(*(replace(audit, time=writes.now) for audit in request.audits))
    return ChangedGraph()


def follow_feed(request: ChangeGraph, writes: WriteSet, reads: ReadSet) -> ChangedGraph:
    """Carry out those changes that the feed has not passed, and note its number in the same commit."""
    feeds = reads.records_of(GraphFeed)
    reached = feeds[request.feed].n if request.feed in feeds else 0
    if request.n > reached + 1:
        raise Refused("feed_gap", f"{request.feed} goes on with {reached + 1}", expected=reached + 1)
    if request.feed not in feeds and len(feeds) >= FEEDS_MAX:
        raise Refused("too_large", f"there are {FEEDS_MAX} feeds", field="feed")
    unseen = request.changes[reached + 1 - request.n :]
    for one in unseen:
        apply(one, writes, reads)
    if unseen:
        reached += len(unseen)
        feeds[request.feed] = GraphFeed(request.feed, reached)
        writes.add(feeds[request.feed])
    return ChangedGraph(n=reached)


def apply(one: EdgeChange, writes: WriteSet, reads: ReadSet) -> None:
    """Set or take back one edge; nothing changes where it is so already."""
    if action := ACTIONS.get(one.op):
        change(action, one.a, one.b, writes, reads)
    else:
        put(structs.replace(contact_of(one.a, one.b, reads), following=one.op == "follow"), writes, reads)


def require_owned(kinds: Iterable[Kind], rules: PeopleRules) -> None:
    """Refuse changes of the host to what users change themselves: one side writes each kind."""
    if not rules.enabled:
        raise Refused("not_supported", "people are switched off here")
    for kind in kinds:
        if OWNED[kind] not in rules.host_owns:
            raise Refused("not_supported", f"{OWNED[kind]} are not in people.host_owns: users keep them")


def owned_kinds(rules: PeopleRules) -> tuple[Kind, ...]:
    """Return the kinds that the host keeps. Refused without any."""
    kinds = tuple(kind for kind in KINDS if OWNED[kind] in rules.host_owns)
    if not rules.enabled or not kinds:
        raise Refused("not_supported", "people.host_owns has no friends, follows or blocks")
    return kinds


@dataclass(slots=True, frozen=True)
class Wanted:
    """The edges that `user` shall have. A kind that is not named stays as it is."""

    user: str
    edges: Edges


def differences(wanted: Sequence[Wanted], held: Mapping[str, Edges]) -> Iterator[list[EdgeChange]]:
    """Yield for each of `wanted`, in turn, the changes that make it so. `held`: the edges that their users have now.

    A friendship belongs to two users: where two lists disagree on one, the later list decides.
    """
    now: dict[str, dict[Kind, set[str]]] = {}

    def edges_of(user: str) -> dict[Kind, set[str]]:
        if user not in now:
            now[user] = {kind: set(held.get(user, {}).get(kind, ())) for kind in KINDS}
        return now[user]

    for one in wanted:
        mine = edges_of(one.user)
        changes = []
        for kind, others in one.edges.items():
            before, mine[kind] = mine[kind], set(others)
            changes += [EdgeChange(CLEAR[kind], one.user, other) for other in sorted(before - others)]
            changes += [EdgeChange(SET[kind], one.user, other) for other in sorted(others - before)]
        for op, user, other in changes:
            if KIND_OF[op] == "friend" and other in held:
                theirs = edges_of(other)["friend"]
                (theirs.add if op == "friend" else theirs.discard)(user)
        yield changes


def pairs_of(changes: Iterable[EdgeChange]) -> set[tuple[str, str]]:
    """Return the contacts, as (owner, user), that a decision on these changes looks at."""
    return set(chain.from_iterable(((one.a, one.b), (one.b, one.a)) for one in changes))
