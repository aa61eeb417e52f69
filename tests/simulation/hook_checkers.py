"""The checkers of what the host is told and asked: pure functions over the history. A finding is a sentence."""

from collections.abc import Iterator

from tests.simulation.exchanges import replies, shown
from tests.simulation.history import FeedEntry, History, Truth
from tests.simulation.hook_record import place_of

Findings = Iterator[str]
Place = tuple[int, int]

TRUNCATED = "feed.truncated"
JUDGED = frozenset(("message", "edit"))
# A verdict with which a change may be stored.
LETS_PASS = frozenset(("pass", "flag", "rewrite"))


def in_the_feed(history: History) -> Findings:
    """Every event is in the feed once, with its commit, those of a room in their order."""
    for truth in truths_with_feed(history):
        floor = truth.feed_floor or 0
        told: dict[tuple[str, int], FeedEntry] = {}
        for entry in truth.feed:
            if entry.event is None:
                continue
            if entry.event in told:
                yield f"{entry.event} is in the feed twice: {told[entry.event]}, {entry}"
            told[entry.event] = entry
        for room, log in truth.rooms.items():
            last = (0, 0)
            for seq, row in log.items():
                found = told.get((room, seq))
                if row.stamp <= floor:
                    continue
                # What was logged as a reaction or a nickname may have been erased.
                kinds = {
                    row.event["kind"],
                    *(("reaction", "nickname") if row.event["kind"] == "erased" else ()),
                }
                if found is None or found.stamp != row.stamp or found.type not in kinds:
                    yield f"{room} {seq} of commit {row.stamp} is in the feed as {found}"
                elif (found.stamp, found.n) < last:
                    yield f"{room} {seq} is in the feed before an earlier one: {found}"
                else:
                    last = (found.stamp, found.n)


def delivered_in_order(history: History) -> Findings:
    """An endpoint sees the entries of the feed in their order and without a hole; some again."""
    for truth in truths_with_feed(history):
        seen: list[Place] = []
        known: set[Place] = set()
        for one in history.deliveries:
            for entry in one.entries:
                epoch, *place = place_of(entry["id"])
                if epoch != truth.epoch or entry["type"].startswith("feed.") or tuple(place) in known:
                    continue
                seen.append((place[0], place[1]))
                known.add(seen[-1])
        kept = [place for place in seen if place[0] > (truth.feed_floor or 0)]
        log = [(entry.stamp, entry.n) for entry in truth.feed if entry.stamp <= truth.stamp]
        # What was stored after the log was read is not in it.
        kept = [place for place in kept if place[0] <= truth.stamp]
        if kept and kept != [place for place in log if kept[0] <= place <= kept[-1]]:
            yield f"of {log} the endpoint saw {kept}"


def delivered(history: History) -> Findings:
    """What the feed has at the end was accepted, or set aside for being refused; or its loss was told."""
    if not history.hooks or history.unfinished or not history.deliveries:
        return
    accepted: set[Place] = set()
    limits = lasting(history)
    told = place_of(history.deliveries[0].after)[1:]
    for one in history.deliveries:
        for entry in one.entries:
            epoch, *place = place_of(entry["id"])
            if entry["type"] == TRUNCATED:
                told = max(told, place_of(entry["to"])[1:])
            elif one.accepted and place[0] <= limits.get(epoch, 0):
                accepted.add((place[0], place[1]))
    truth = history.truths[-1]
    for stored in truth.feed:
        at = (stored.stamp, stored.n)
        if at > told and at not in accepted and at not in truth.parked:
            yield f"{stored} was never accepted, behind {told}"


def judged(history: History) -> Findings:
    """Nothing is stored without a verdict that lets it pass; with an open failure it is marked."""
    passed = {ruling.id for ruling in history.rulings if ruling.do in LETS_PASS}
    for truth in truths_with_feed(history):
        marked = {entry.event for entry in truth.feed if "unscreened" in entry.marks}
        if history.hooks == "closed" and marked:
            yield f"{marked} were stored unscreened"
        for room, log in truth.rooms.items():
            for seq, row in log.items():
                if row.event["kind"] not in JUDGED or row.stamp <= (truth.feed_floor or 0):
                    continue
                # The copies of a forward are judged together.
                key = str(row.key).partition(":")[0]
                if f"{room}:{row.event['user']}:{key}" not in passed and (room, seq) not in marked:
                    yield f"{room} {seq} was stored without a verdict: {row}"


def stored_is_not_rejected(history: History) -> Findings:
    """Nothing that was stored, as somebody had been shown before, is answered with `rejected`."""
    if not history.hooks:
        return
    first: dict[tuple[str, str, str, str], float] = {}
    for said, room, event, received, row in shown(history):
        if row is not None and row.key is not None:
            known = (said.epoch, room, event.get("user", ""), row.key)
            first[known] = min(first.get(known, received.at), received.at)
    for said, request, received in replies(history):
        reply = received.packet
        if reply["type"] == "ok" and "seq" in reply and "key" in request and "room" in request:
            known = (said.epoch, request["room"], said.user, request["key"])
            first[known] = min(first.get(known, received.at), received.at)
    asked = {
        (id(said), sent.packet["id"]): sent.at
        for said in history.conversations
        for sent in said.asked
        if "id" in sent.packet
    }
    for said, request, received in replies(history):
        if received.packet.get("code") != "rejected":
            continue
        known = (said.epoch, request["room"], said.user, request["key"])
        if first.get(known, received.at) < asked[id(said), request["id"]]:
            yield f"{said.client}: {request} was rejected, and had been stored"


def own_order(history: History) -> Findings:
    """What one connection asks of a room is stored in the order in which it asked."""
    if not history.hooks:
        return
    for said in history.conversations:
        numbers = {
            received.packet["id"]: received.packet["seq"]
            for received in said.received
            if received.packet["type"] == "ok" and "seq" in received.packet and "id" in received.packet
            if not received.packet.get("duplicate")
        }
        last: dict[str, int] = {}
        for sent in said.asked:
            packet, seq = sent.packet, numbers.get(sent.packet.get("id", 0), 0)
            if "key" in packet and "room" in packet and seq:
                if seq < last.get(packet["room"], 0):
                    yield f"{said.client}: {packet} was overtaken by {last[packet['room']]}, it is {seq}"
                last[packet["room"]] = seq


def truths_with_feed(history: History) -> list[Truth]:
    return [truth for truth in history.truths if truth.feed_floor is not None] if history.hooks else []


def lasting(history: History) -> dict[str, int]:
    """Return, by epoch, the last commit of it that all later ones took over."""
    limits: dict[str, int] = {}
    last = history.truths[-1].stamp
    for truth in reversed(history.truths):
        last = min(last, truth.stamp if truth.kept is None else truth.kept)
        limits[truth.epoch] = last
    return limits


HOOK_CHECKERS = (in_the_feed, delivered_in_order, delivered, judged, stored_is_not_rejected, own_order)
