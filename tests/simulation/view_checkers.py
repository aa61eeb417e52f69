"""The checkers of what goes out of a view: what a user cleared, deleted for themself, or what is older than it is kept.

Pure functions over the history. A finding is a sentence.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from chatd.core.cursors import position_of
from chatd.protocol.identifiers import U53_MAX
from tests.simulation.exchanges import events_of, shown
from tests.simulation.history import Conversation, History, Packet, ReceivedPacket, SentPacket, ViewVersion

Findings = Iterator[str]

# What a clock that is set back breaks.
TIMES = "not true: times never go back"


class Views:
    """The views of members by the run of the daemon: what a power cut took back is none of the next one."""

    def __init__(self, history: History) -> None:
        self._versions: dict[tuple[int, str, str], list[ViewVersion]] = {}
        for versions in history.views.values():
            for one in versions:
                self._versions.setdefault((one.boot, one.room, one.user), []).append(one)

    def between(self, boot: int, room: str, user: str, begin: float, end: float) -> Sequence[ViewVersion]:
        """Return the views of a time; none where the first of them is not known."""
        versions = self._versions.get((boot, room, user), [])
        first = bisect_right(versions, begin, key=lambda one: one.at)
        last = bisect_right(versions, end, key=lambda one: one.at)
        return versions[first - 1 : last] if first else ()


def answers(history: History) -> Iterator[tuple[Conversation, SentPacket, ReceivedPacket]]:
    """Yield every reply that is no error, with its request and the time of that."""
    for said in history.conversations:
        requests = {asked.packet["id"]: asked for asked in said.asked if "id" in asked.packet}
        for received in said.received:
            if received.packet["type"] == "ok" and received.packet.get("id") in requests:
                yield said, requests[received.packet["id"]], received


def out_of_view(history: History) -> Findings:
    """Nothing that was cleared, deleted or purged before a request is in its reply."""
    views = Views(history)
    for said, asked, received in answers(history):
        for room, event in events_of(received.packet, {asked.packet["id"]: asked.packet}):
            seen = views.between(said.boot, room, said.user, asked.at, received.at)
            if seen and all(view.member and not shows(view, event) for view in seen):
                yield f"{said.client} asked for {asked.packet} and was shown {event}, who sees {seen}"


def shows(view: ViewVersion, event: Packet) -> bool:
    """Whether an event is shown in this view, with the body it has."""
    if event["seq"] < view.first:
        return False
    target = event["seq"] if event["kind"] == "message" else event.get("target", 0)
    has_text = "body" in event and event["kind"] in ("message", "edit")
    return not has_text or (target >= view.first and not is_deleted(view, target))


def is_deleted(view: ViewVersion, seq: int) -> bool:
    return any(low <= seq <= high for low, high in view.deleted)


def deletions_are_stored(history: History) -> Findings:
    """What was acknowledged as deleted or cleared is out of the view."""
    views = Views(history)
    for said, asked, received in answers(history):
        packet = asked.packet
        if packet["type"] not in ("delete", "clear"):
            continue
        seqs = [seq for low, high in packet.get("ranges", ()) for seq in range(low, high + 1)] or [
            packet.get("seq", 0)
        ]
        seen = views.between(said.boot, packet["room"], said.user, asked.at, received.at)
        if seen and all(
            view.member and any(seq >= view.first and not is_deleted(view, seq) for seq in seqs)
            for view in seen
        ):
            yield f"{said.client}: {packet} was acknowledged, and the view is {seen}"


def views_of_the_cursor(history: History) -> Findings:
    """A client that stores a cursor has the views of that commit, or later ones, of the rooms in its list."""
    found: dict[tuple[str, str], dict[str, list[ViewVersion]]] = {}
    for epoch, versions in history.views.items():
        for one in versions:
            found.setdefault((epoch, one.user), {}).setdefault(one.room, []).append(one)
    for snapshot in history.snapshots:
        position = position_of(snapshot.cursor, snapshot.epoch, U53_MAX)
        assert position is not None
        for room, views in found.get((snapshot.epoch, snapshot.user), {}).items():
            due = max((at for at, view in enumerate(views) if view.stamp <= position.stamp), default=None)
            if due is not None and not any(is_held(view, snapshot.views.get(room)) for view in views[due:]):
                yield (
                    f"{snapshot.client} at commit {position.stamp} has {snapshot.views.get(room)} of {room}, "
                    f"there is {views[due:]}"
                )


def is_held(view: ViewVersion, held: tuple[int, list[Packet]] | None) -> bool:
    """Whether a client may have a room, or not have it, like this. Not everybody is told what went by time."""
    if held is None:
        return not (view.member and view.listed)
    first, deleted = held
    return view.member and view.own <= first <= view.first and deleted == view.deleted


def kept_no_longer(history: History) -> Findings:
    """After a purge no room has what is older than it keeps."""
    yield from history.kept_too_long


def without_contradictions(history: History) -> Findings:
    """The rows of the database fit each other: counters of rooms and members, numbers, keys."""
    for contradiction in dict.fromkeys(history.contradictions):
        if not ("jump" in history.faults and contradiction.startswith(TIMES)):
            yield contradiction


def followers_only(history: History) -> Findings:
    """Whoever is shown a post of a channel followed it when it was stored, or later."""
    channels = {room for truth in history.truths for room in truth.channels}
    if not channels:
        return
    versions: dict[tuple[str, str, str], list[ViewVersion]] = {}
    for epoch, views in history.views.items():
        for view in views:
            versions.setdefault((epoch, view.user, view.room), []).append(view)
    for said, room, event, received, row in shown(history):
        if row is None or room not in channels:
            continue
        own = versions.get((said.epoch, said.user, room), [])
        ends = [later.stamp for later in own[1:]] + [U53_MAX]
        if not any(
            view.member and view.at <= received.at and end >= row.stamp
            for view, end in zip(own, ends, strict=True)
        ):
            yield f"{said.client} was shown {event} of {room}, which they followed at {own}"


VIEW_CHECKERS = (
    out_of_view,
    deletions_are_stored,
    views_of_the_cursor,
    kept_no_longer,
    without_contradictions,
    followers_only,
)
