"""C2: a search finds the messages of `history` that hold the query: none more, none less.

Texts of a run are plain English, so what holds a query is said again here, in two lines.
"""

import re
from collections.abc import Iterator

from tests.simulation.exchanges import replies
from tests.simulation.history import Conversation, History, Packet, ReceivedPacket, Truth
from tests.simulation.membership import Members
from tests.simulation.view_checkers import shows

Findings = Iterator[str]

WORD = re.compile(r"[^\W_]+")
WHOLE = 2  # words of up to so many letters are found whole


def holds(event: Packet, request: Packet, user: str) -> bool:
    """Whether a message, as it is, is one that was asked for."""
    body = event.get("body", {})
    words = WORD.findall(" ".join(texts(body)).lower())
    mentions = body.get("mentions", [])
    return (
        "body" in event
        and all(any(is_of(word, one) for one in words) for word in request["text"].split())
        and request.get("from", event["user"]) == event["user"]
        and (not request.get("has") or user in mentions or "*" in mentions)
    )


def texts(body: Packet) -> Iterator[str]:
    for part in (body, *body.get("attachments", ()), body.get("card", {})):
        yield from (part[key] for key in ("text", "title", "name", "alt") if key in part)


def is_of(wanted: str, word: str) -> bool:
    return word == wanted if len(wanted) <= WHOLE else word.startswith(wanted)


def searches(history: History) -> Iterator[tuple[Conversation, Packet, ReceivedPacket]]:
    for said, request, received in replies(history):
        if request["type"] == "search" and received.packet["type"] == "ok":
            yield said, request, received


def hits_hold_the_query(history: History) -> Findings:
    """C2: Every hit holds what was asked for, in a room of the asker."""
    for said, request, received in searches(history):
        for hit in received.packet["hits"]:
            if not holds(hit["event"], request, said.user):
                yield f"{said.client} asked for {request} and was shown {hit}"


def nothing_is_missed(history: History) -> Findings:
    """C2: A message that a client had before it asked, and that never changed, is among the hits of its room."""
    truths = {truth.epoch: truth for truth in history.truths}
    for said, request, received in searches(history):
        if "room" not in request or "more" in received.packet or "behind" in received.packet:
            continue
        asked_at = next(one.at for one in said.asked if one.packet.get("id") == request["id"])
        log, floor = (
            truths[said.epoch].rooms.get(request["room"], {}),
            truths[said.epoch].floors.get(request["room"], 1),
        )
        members = Members(row.event for row in log.values())
        found = {hit["event"]["seq"] for hit in received.packet["hits"]}
        views = [
            one
            for one in history.views.get(said.epoch, ())
            if (one.room, one.user) == (request["room"], said.user)
        ]
        for seq in had_before(said, request["room"], asked_at):
            row = log.get(seq)
            # Below the floor nobody can tell who came and went.
            if row is None or row.event["kind"] != "message" or seq in found or seq < floor:
                continue
            if "edited" in row.event or not all(shows(view, row.event) for view in views if view.member):
                continue
            if holds(row.event, request, said.user) and members.stayed(said.user, seq, max(log)):
                yield f"{said.client} asked for {request} and was not shown {row.event}"


def had_before(said: Conversation, room: str, at: float) -> set[int]:
    """The events that a client was pushed on this connection before a time."""
    return {
        event["seq"]
        for received in said.received
        if received.at < at and received.packet["type"] == "event" and received.packet["room"] == room
        for event in received.packet["events"]
    }


def equal_at_the_end(history: History) -> Findings:
    """C2: When all is quiet a search finds exactly what is in the log for its asker."""
    if not history.searched_at:
        return
    truth = history.truths[-1]
    for said, request, received in searches(history):
        if received.at < history.searched_at or said.epoch != truth.epoch:
            continue
        if "room" in request:
            found = [hit["event"]["seq"] for hit in received.packet["hits"]]
            low = int(received.packet.get("more", 0))
            wanted = [seq for seq in visible(truth, request, request["room"], said.user) if seq >= low]
            if found != wanted:
                yield f"{said.client} asked for {request} and found {found}, not {wanted}"
        else:
            yield from rows_at_the_end(truth, said, request, received.packet)


def rows_at_the_end(truth: Truth, said: Conversation, request: Packet, reply: Packet) -> Findings:
    """Whether a search over all rooms has a row for each group with a hit."""
    rows = {hit["room"]: (hit["count"], hit["event"]["seq"]) for hit in reply["hits"]}
    for room in truth.rooms:
        wanted = visible(truth, request, room, said.user)
        expected = (min(10, len(wanted)), wanted[0]) if wanted else None
        if rows.get(room) != expected and (room not in truth.directs or room in rows):
            yield f"{said.client} asked for {request} in all rooms, {room} has {rows.get(room)}, not {expected}"


def visible(truth: Truth, request: Packet, room: str, user: str) -> list[int]:
    """The messages of a room that hold a query and that a user sees, the newest first."""
    member = truth.members.get(room, {}).get(user)
    if member is None or room in truth.deleted:
        return []
    return [
        seq
        for seq, row in sorted(truth.rooms[room].items(), reverse=True)
        if seq >= member["first_visible"]
        and seq not in truth.gone[room]
        and not any(low <= seq <= high for low, high in member["deleted"])
        and row.event["kind"] == "message"
        and holds(row.event, request, user)
    ]


SEARCH_CHECKERS = (hits_hold_the_query, nothing_is_missed, equal_at_the_end)
