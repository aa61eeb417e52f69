"""The states that a run should reach now and then: without them the runs prove little."""

from collections import Counter
from collections.abc import Iterator

from tests.simulation.exchanges import replies
from tests.simulation.history import Conversation, History

# By what a run needs to reach them.
STATES: dict[str, tuple[str, ...]] = {
    "messages": (
        "dedupe hit after crash",
        "resume with missed events",
        "resume raced by a live message",
        "slow-consumer close",
        "ack lost after commit",
        "crash between commit and broadcast",
        "reset sent",
        "limiter refusal",
        "commit refused by the disk",
        "revocation with queued messages",
        "two sessions of one device",
        "drain deadline reached",
        "folded below a phone",
        "room deleted",
        "more account rows than a push tells",
        "section walked in full on a resume",
        "tombstones of account rows forgotten",
    ),
    "people": (
        "friend requests that cross",
        "block with a send in flight",
        "an old seen",
        "cursor below the floor",
        "gate dropped while its room was loaded",
        "message request",
    ),
    "push": (
        "superseded",
        "paced",
        "foreground",
        "withdrawn",
        "replanned",
        "told again",
        "requests left out by a GOAWAY",
        "a device that is forgotten",
    ),
    "hooks": (
        "event refused",
        "event set aside",
        "event delivered twice",
        "feed.reset told",
        "answer of the host lost",
        "verdict that is none",
        "stored unscreened",
        "rejected",
    ),
    "moderators": (
        "refused as muted",
        "sent again when a mute was lifted",
        "a banned user at the door",
        "messages erased",
        "reactions erased",
        "erased again after a restore",
    ),
    "groups": (
        "refused as slow",
        "refused by a rule",
        "a banned user kept out",
        "recalled with their removal",
        "a newcomer who sees the past",
    ),
    "files": (
        "a file was fetched",
        "a file was fetched by a link",
        "a file was not given",
        "an upload was cut",
        "two requests of one upload",
        "the process of media died",
    ),
    "conversations": (
        "a forward of a forward",
        "a forward of what was edited",
        "a forward sent again",
    ),
    "search": (
        "search while the index is behind",
        "the index was deleted",
        "the process of the index died",
    ),
}


def met(history: History) -> Counter[str]:
    """Return how often each state was reached in one run."""
    found = Counter(history.sometimes)
    if history.ended:
        found.update(shown_by_packets(history))
    return found


def shown_by_packets(history: History) -> Iterator[str]:
    """Yield the states that packets show, one name for each time."""
    first: dict[tuple[str, str], float] = {}
    for said in sorted(history.conversations, key=lambda said: said.began):
        yield from at_hello(said)
        for asked in said.asked:
            if "key" in asked.packet:
                first.setdefault((said.user, asked.packet["key"]), asked.at)
    for said, request, received in replies(history):
        reply = received.packet
        if reply.get("duplicate") and "seq" in reply:
            began = first[said.user, request["key"]]
            if any(began < crash < received.at for crash in history.crashes):
                yield "dedupe hit after crash"
            if request["key"] in lost_acks(history):
                yield "ack lost after commit"
        elif reply.get("reset") or (request.get("epoch") and reply.get("sync", {}).get("full")):
            yield "reset sent"
            if request["type"] == "log" and request["from"] >= reply.get("first_visible", 1):
                yield "folded below a phone"
        elif "cursor" in request and reply.get("sync", {}).get("full_sections"):
            yield "section walked in full on a resume"
        elif request["type"] == "room.delete" and reply["type"] == "ok":
            yield "room deleted"
        elif reply.get("code") == "rate_limited":
            yield "limiter refusal"
        if (
            request["type"] == "hello"
            and request.get("epoch") == reply.get("epoch")
            and request.get("cursor")
        ):
            if reply["sync"].get("full"):
                yield "cursor below the floor"
        elif reply.get("code") == "conflict" and reply.get("field") == "seen":
            yield "an old seen"
        elif reply.get("code") == "rejected":
            yield "rejected"
    if history.people:
        yield from in_flight(history)
    if history.hooks:
        yield from of_hooks(history)
    if history.push:
        yield from of_push(history)
    if history.moderated:
        yield from of_moderators(history)
    if history.governed:
        yield from of_groups(history)
    yield from of_sharing(history)


def in_flight(history: History) -> Iterator[str]:
    """Yield the states in which two requests of a pair of users were under way at once."""
    asked = {
        (id(said), sent.packet["id"]): sent.at
        for said in history.conversations
        for sent in said.asked
        if "id" in sent.packet
    }
    under_way: dict[str, list[tuple[str, str, float, float]]] = {
        "friend.request": [],
        "block": [],
        "send": [],
    }
    rooms: dict[str, tuple[str, str]] = {}
    for truth in history.truths:
        rooms |= truth.directs
    for said, request, received in replies(history):
        kind, user, ok = request["type"], request.get("user", ""), received.packet["type"] == "ok"
        began = asked[id(said), request["id"]]
        if kind == "contact.set" and request.get("blocked") and ok:
            under_way["block"].append((said.user, user, began, received.at))
        elif kind == "friend.request" and ok:
            under_way[kind].append((said.user, user, began, received.at))
        elif kind == "send" and request["room"] in rooms:
            other = next((one for one in rooms[request["room"]] if one != said.user), "")
            under_way[kind].append((said.user, other, began, received.at))
        elif kind in ("hello", "sync") and any(
            row.get("request") for row in received.packet.get("sync", received.packet).get("rooms", ())
        ):
            yield "message request"
    for first, second, name in (
        ("friend.request", "friend.request", "friend requests that cross"),
        ("block", "send", "block with a send in flight"),
    ):
        for user, other, began, ended in under_way[first]:
            for pair in under_way[second]:
                if pair[:2] == (other, user) and pair[2] < ended and began < pair[3]:
                    yield name


def of_push(history: History) -> Iterator[str]:
    """Yield the states that the push service saw."""
    told: set[tuple[str, str, int]] = set()
    committed = {stamp: at for stamp, at, _ in reversed(history.badges)}
    # A run that a break ended early has none.
    rooms = history.truths[-1].rooms if history.truths else {}
    for push in history.pushes:
        row = rooms.get(push.room, {}).get(push.seq)
        began = committed.get(row.stamp, push.at) if row is not None else push.at
        if not push.accepted:
            if push.final:
                yield "a device that is forgotten"
        elif push.kind == "read":
            yield "withdrawn"
        elif (push.token, push.room, push.seq) in told:
            yield "told again"
        elif any(began < crash < push.at for crash in history.crashes):
            yield "replanned"
        told.add((push.token, push.room, push.seq))


def of_hooks(history: History) -> Iterator[str]:
    """Yield the states that the feed and its deliveries show."""
    known: set[str] = set()
    for one in history.deliveries:
        for entry in one.entries if one.accepted else ():
            if entry["type"] == "feed.reset":
                yield "feed.reset told"
            elif entry["id"] in known:
                yield "event delivered twice"
            known.add(entry["id"])
    for truth in history.truths:
        if truth.parked:
            yield "event set aside"
        if any("unscreened" in entry.marks for entry in truth.feed):
            yield "stored unscreened"


def of_groups(history: History) -> Iterator[str]:
    """Yield the states that the rules of groups bring about."""
    for _, request, received in replies(history):
        reply = received.packet
        if reply.get("scope") == "slow":
            yield "refused as slow"
        elif reply.get("code") == "forbidden" and request["type"] == "send":
            yield "refused by a rule"
        elif reply["type"] == "ok" and request["type"] == "members.add" and reply.get("not_added"):
            yield "a banned user kept out"
    for log in history.truths[-1].rooms.values():
        past = "none"
        for row in log.values():
            kind = row.event["kind"]
            if kind == "erased" and row.event.get("from", 0) != row.event["seq"] and not history.erased:
                yield "recalled with their removal"
            elif kind == "settings":
                past = row.event.get("policy", {}).get("history", past)
            elif kind == "joined" and past != "none":
                yield "a newcomer who sees the past"


def of_moderators(history: History) -> Iterator[str]:
    """Yield the states that the moderators bring about."""
    muted: set[str] = set()
    for _, request, received in replies(history):
        reply = received.packet
        if reply.get("code") == "muted":
            yield "refused as muted"
            muted.add(request.get("key", ""))
        elif reply["type"] == "ok" and request.get("key") in muted:
            yield "sent again when a mute was lifted"
        elif request["type"] == "hello" and reply.get("code") == "forbidden":
            yield "a banned user at the door"
    for row in (row for log in history.truths[-1].rooms.values() for row in log.values()):
        if row.event["kind"] == "erased":
            yield "reactions erased" if row.event.get("from") == row.event["seq"] else "messages erased"


def of_sharing(history: History) -> Iterator[str]:
    """Yield the states of messages that were forwarded."""
    # A run that a break ended early has none.
    rooms = history.truths[-1].rooms if history.truths else {}
    for _, request, received in replies(history):
        if request["type"] != "forward" or received.packet["type"] != "ok":
            continue
        if received.packet.get("duplicate"):
            yield "a forward sent again"
        for seq in request["seqs"]:
            row = rooms.get(request["from"], {}).get(seq)
            if row is not None and "forwarded" in row.event.get("body", {}):
                yield "a forward of a forward"
            elif row is not None and "edited" in row.event:
                yield "a forward of what was edited"


def lost_acks(history: History) -> set[str]:
    """Return the keys whose first received acknowledgement was already that of a repetition."""
    seen: dict[str, bool] = {}
    for _, request, received in replies(history):
        if "key" in request and received.packet["type"] == "ok":
            seen.setdefault(request["key"], bool(received.packet.get("duplicate")))
    return {key for key, repeated in seen.items() if repeated}


def at_hello(said: Conversation) -> Iterator[str]:
    """Yield the states of a hello reply: whether something was missed."""
    for received in said.received:
        if "sync" in received.packet:
            missed = (
                row["seq"] > said.carried.get(row["room"], row["seq"])
                for row in received.packet["sync"]["rooms"]
            )
            if any(missed):
                yield "resume with missed events"
