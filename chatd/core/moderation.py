"""Reports of users and of filters to the moderators (protocol.md "Reports"). Synchronous and pure.

A report is stored with its evidence: the message as it is at that moment, and its neighbours as far as the reporter may
see them. So neither a recall nor an edit can take it away, and moderators never have to look into the room.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from msgspec import UNSET, Struct, field, msgpack

from chatd.core.event_feed import StoredEntry
from chatd.core.held_files import REPORT, Holding, hold
from chatd.core.permissions import authorize
from chatd.core.read_set import ReadSet
from chatd.core.room import Room
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import decode_event, encode
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Event
from chatd.protocol.moderation import Report, ReportOk

State = Literal["open", "claimed", "closed"]

# Messages on each side of the reported one: what it answers, and what came of it.
NEIGHBOURS = 5
# A neighbour further away than this many events has nothing to do with it; bounds the search.
NEIGHBOURS_WITHIN = 500
# Bytes of evidence: the longest usual message and some; a message alone may have more.
EVIDENCE_BYTES_MAX = 65_536


class Evidence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was reported, as it was. `title` of a room, `name` of a user."""

    messages: list[Event] = field(default_factory=list)
    title: str = ""
    name: str = ""


evidence_of = msgpack.Decoder(Evidence).decode


class Target(NamedTuple):
    """What a report is about: the message `seq` of `room` with its author as `user`, a room, or a user."""

    user: str = ""
    room: str = ""
    seq: int = 0


@dataclass(slots=True, frozen=True)
class Filed:
    """A record: a report as it is now. `number` 0: the next one, of a filter whose name is the `text`.

    `reporter` "": a filter of the server. `key` is that of the request. `actions` and `evidence` are MessagePack;
    `evidence` None: what the message has around it when it is stored. Times are Unix milliseconds, and `changed_at`,
    `claimed_by` (the id of an API key), `note` and `actions` change with what moderators do.
    """

    number: int
    state: State
    reporter: str
    key: str
    reason: str
    text: str
    target: Target
    time: int
    changed_at: int
    claimed_by: str = ""
    note: str = ""
    actions: bytes = b""
    evidence: bytes | None = None
    # How many have reported the same user, or room; read only.
    reporters: int = 0

    @property
    def name(self) -> str:
        """The name by which reporters and moderators call it."""
        return f"r{self.number}"


@dataclass(slots=True, frozen=True)
class ForgetReports:
    """Forget reports that nobody has changed since this time (Unix ms), as many as one commit may delete."""

    before: int


@dataclass(slots=True, frozen=True)
class ForgottenReports:
    """A record: the reports that were last changed before this time are deleted."""

    before: int


class LastNumber(NamedTuple):
    """The number of the last report, of those that were read for a batch."""

    number: int


class Neighbourhood(NamedTuple):
    """A message, and those before and behind it, the nearest first, each as it is stored."""

    message: bytes
    before: Sequence[bytes] = ()
    behind: Sequence[bytes] = ()


@dataclass(slots=True, frozen=True)
class AskedReport:
    """A report that a user asks for. `number` and `first_visible`: of the room, as far as they see it; else 0."""

    reporter: str
    key: str
    user: str
    room: str
    seq: int
    number: int = 0
    first_visible: int = 0


@dataclass(slots=True, frozen=True)
class KnownReports:
    """What decisions on reports look at: earlier ones of the same key or target, messages by (room number, seq,
    reporter), and the number of the last report.
    """

    reports: list[Filed]
    around: dict[tuple[int, int, str], Neighbourhood]
    last: int


class Place(NamedTuple):
    """The place of a report in the queue: how many have reported the same user or room, which, and the report."""

    reporters: int
    subject: int
    number: int


def report(user: str, request: Report, writes: WriteSet, reads: ReadSet) -> ReportOk:
    """File a report, once for its key, and for its target as long as the report is not closed."""
    known = reads.records_of(Filed)
    for filed in known.values():
        if (filed.reporter, filed.key) == (user, request.key):
            if not is_same(filed, request):
                raise Refused("conflict", "this key was used for another report", field="key")
            return ReportOk(report=filed.name, duplicate=True)
    target, evidence = reported(user, request, reads)
    for filed in known.values():
        if filed.reporter == user and filed.target == target and filed.state != "closed":
            return ReportOk(report=filed.name, duplicate=True)
    reads.allowances.check("reports", user, 1, writes, reads.now_s)
    writes.spend("reports", user, 1)
    number = reads.records_of(LastNumber)["last"].number + 1
    reads.records_of(LastNumber)["last"] = LastNumber(number)
    now = writes.now
    filed = Filed(
        number,
        "open",
        user,
        request.key,
        request.reason,
        request.text,
        target,
        now,
        now,
        evidence=encode(evidence),
    )
    store(filed, writes, reads)
    return ReportOk(report=filed.name)


def store(filed: Filed, writes: WriteSet, reads: ReadSet) -> None:
    """Store a report, so that later decisions of the batch find it, and tell the host."""
    reads.records_of(Filed)[filed.number] = filed
    writes.add(filed, StoredEntry("report", keys={"report": filed.name, "state": filed.state}))


def flag(room: Room, event: Event, filter_name: str, writes: WriteSet, reads: ReadSet) -> None:
    """File a report by a filter of the server about a message, or an edit of one, that is stored in this commit.

    A message has one report of each filter. Filters file only so many a day about one author, or a single one could
    bury the queue; the event feed marks every message.
    """
    seq = event.target if event.target is not UNSET else event.seq
    author = event.user if event.user is not UNSET else ""
    if reads.allowances.wait_s("flags", author, 1, writes, reads.now_s):
        return
    writes.spend("flags", author, 1)
    key = f"{filter_name}:{room.name}:{seq}"
    target, now = Target(author, room.name, seq), writes.now
    writes.add(
        Filed(0, "open", "", key, "filter", filter_name, target, now, now),
        StoredEntry("report", room.number, keys={"filter": filter_name, "seq": seq, "state": "open"}),
    )


def is_same(filed: Filed, request: Report) -> bool:
    """Whether a report is what `request` asks for."""
    target = filed.target
    asked = (
        "" if request.room is UNSET else request.room,
        0 if request.seq is UNSET else request.seq,
        # Of a message its author is noted, who is not asked for.
        target.user if request.user is UNSET and target.room else request.user,
    )
    said = (request.reason, request.text) == (filed.reason, filed.text)
    return said and asked == (target.room, target.seq, target.user)


def reported(user: str, request: Report, reads: ReadSet) -> tuple[Target, Evidence]:
    """Return what a report is about, and the evidence. Raises Refused."""
    if (request.room is UNSET) == (request.user is UNSET):
        raise Refused("bad_request", "a report names a room, a message of one, or a user", field="user")
    if request.room is UNSET:
        if request.seq is not UNSET:
            raise Refused("bad_request", "a message is in a room", field="seq")
        if request.user == user:
            raise Refused("bad_request", "a report names another user", field="user")
        account = reads.accounts.get(str(request.user))
        return Target(user=str(request.user)), Evidence(name=account.name if account else "")
    room, member = authorize(reads.rooms.get(request.room), user, "view")
    if request.seq is UNSET:
        return Target(room=room.name), Evidence(title=room.title)
    around = reads.records_of(Neighbourhood).get((room.number, request.seq, user))
    if around is None or request.seq < member.first_visible:
        raise Refused("not_found", "no such message", field="seq")
    messages = fitting(around)
    (author,) = [event.user for event in messages if event.seq == request.seq]
    if author == user:
        raise Refused("bad_request", "a report names the message of another user", field="seq")
    return Target(str(author), room.name, request.seq), Evidence(messages=messages, title=room.title)


def fitting(around: Neighbourhood) -> list[Event]:
    """Return the messages of a neighbourhood in their order, without those that are too much; the nearest stay."""
    left = EVIDENCE_BYTES_MAX - len(around.message)
    kept = [around.message]
    for blob in nearest(around):
        left -= len(blob)
        if left < 0:
            break
        kept.append(blob)
    return sorted(map(decode_event, kept), key=lambda event: event.seq)


def nearest(around: Neighbourhood) -> Iterable[bytes]:
    """Yield the neighbours of a message, the nearest of both sides first."""
    for place in range(max(len(around.before), len(around.behind))):
        yield from around.before[place : place + 1]
        yield from around.behind[place : place + 1]


def forget_reports(user: str, request: ForgetReports, writes: WriteSet, reads: ReadSet) -> Ok:
    for holder in [one for one in reads.records_of(Holding) if one.startswith(REPORT)]:
        hold(holder, "", writes, reads)
    writes.add(ForgottenReports(request.before))
    return Ok()
