"""The checkers of push notifications: pure functions over the history. A finding is a sentence."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.simulation.exchanges import replies
from tests.simulation.history import History, Row, Truth
from tests.simulation.membership import Members

Findings = Iterator[str]

# A notification was looked at again at most 1 s before it was handed over, and is sent within 10 s or fails.
SENT_S = 12.5
# After so many failures in a row a notification is given up.
TRIES = 4
# What reading ends (protocol.md "Which messages alert"); a reaction or an invitation is told all the same.
READABLE = frozenset(("message", "mention"))
# With a clock that jumps a message may be too old, or its device unseen for years; whoever is banned or erased is not
# told.
EXCUSES = frozenset(("jump", "ban", "erase"))


class Claim(NamedTuple):
    """A registration that was acknowledged at `ended`, and asked for at `began`."""

    token: str
    user: str
    device: str
    began: float
    ended: float


def owed(history: History) -> Findings:
    """Every message that is still unread was offered to the push service, for each device that was away."""
    if not (history.push and history.ended) or len(history.truths) > 1 or history.faults & EXCUSES:
        return
    truth = history.truths[-1]
    not_owed = choosers(history) | shut_out(history)
    for one in truth.registered:
        if one.device not in history.away or one.user in not_owed:
            continue
        offered = [push for push in history.pushes if push.token == one.token]
        since = history.away[one.device]
        for room, log in truth.rooms.items():
            if room in truth.directs and history.people:
                # It may have been a message request when the messages came.
                continue
            if room in truth.channels:
                # A follower is told of nothing until they say so, staff included (protocol.md "Channels").
                continue
            for seq in unread_of(truth, room, one.user, since):
                if is_stale(history, log[seq]):
                    continue
                committed = next(at for stamp, at, _ in history.badges if stamp >= log[seq].stamp)
                # One that names the user stands for all that came with it.
                covering = [
                    push
                    for push in offered
                    if push.room == room
                    and (push.seq >= seq or (push.kind == "mention" and push.at > committed))
                ]
                if not any(push.final for push in covering) and len(covering) < TRIES:
                    yield f"{one} was not told of {room} {seq}: {log[seq]}, only of {covering}"


def unread_of(truth: Truth, room: str, user: str, since: int) -> Iterator[int]:
    """Yield the messages of a room that a member of it has not read, of commits after `since`."""
    member = truth.members.get(room, {}).get(user)
    if member is None or room in truth.deleted or member["hidden"] or member["standing"] != 1:
        return
    log = truth.rooms[room]
    stayed = Members(row.event for row in log.values())
    for seq, row in log.items():
        low = max(member["read"] + 1, member["first_visible"])
        counts = seq >= low and row.stamp > since and alerts(row, user)
        if counts and all(stayed.saw(user, later) for later in range(seq, max(log) + 1)):
            yield seq


def alerts(row: Row, user: str) -> bool:
    event = row.event
    return (
        "ordinal" in event and not event.get("recalled") and event["user"] != user and user not in row.ignored
    )


def is_stale(history: History, row: Row) -> bool:
    """Return whether a message was too old for a notification before push had decided about it (docs/promises.md
    G31).
    """
    return any(row.stamp > decided and row.event["time"] < before_ms for decided, before_ms in history.stale)


def choosers(history: History) -> set[str]:
    """Return the users who changed anything that decides whether they are told."""
    return {
        said.user
        for said in history.conversations
        for sent in said.asked
        if sent.packet["type"] == "contact.set"
        or (sent.packet["type"] == "preferences" and {"room", "push"} & {*sent.packet})
    }


def shut_out(history: History) -> set[str]:
    """Return the users whom the moderators banned for a while, or erased."""
    return {one.user for one in history.restrictions if one.what == "ban"} | history.erased.keys()


def seen_by_members(history: History) -> Findings:
    """Nothing is sent to whoever left, was removed or had read the message, as far as that was acknowledged long
    before.
    """
    if not history.push or len(history.truths) > 1:
        return
    truth, users = history.truths[-1], users_away(history)
    ends = dict(endings(history))
    for push in history.pushes:
        user = users.get(push.token, "")
        if not push.seq or push.kind == "read" or push.room not in truth.rooms:
            continue
        over = [
            at
            for seq, at, by in ends.get((user, push.room), ())
            if seq >= push.seq and (by != "read" or push.kind in READABLE)
        ]
        if over and push.at > min(over) + SENT_S:
            yield f"{user} was told of {push} that was over at {min(over)}"


def endings(history: History) -> Iterator[tuple[tuple[str, str], list[tuple[int, float, str]]]]:
    """Yield by user and room up to which event notifications are over, since when that was acknowledged, and by what
    request.
    """
    found: dict[tuple[str, str], list[tuple[int, float, str]]] = {}
    for said, request, received in replies(history):
        reply, room = received.packet, request.get("room", "")
        if reply["type"] != "ok":
            continue
        if request["type"] == "read":
            found.setdefault((said.user, room), []).append((request["seq"], received.at, "read"))
        elif request["type"] == "room.leave" and "seq" in reply:
            found.setdefault((said.user, room), []).append((reply["seq"], received.at, request["type"]))
        elif request["type"] == "members.remove" and "seq" in reply:
            for user in request["users"]:
                found.setdefault((user, room), []).append((reply["seq"], received.at, request["type"]))
    yield from found.items()


def one_number(history: History) -> Findings:
    """The badge of a notification is that of its user at some commit until it was sent."""
    if not history.push or len(history.truths) > 1:
        return
    users = users_away(history)
    stamps = {
        (room, seq): row.stamp for room, log in history.truths[-1].rooms.items() for seq, row in log.items()
    }
    for push in history.pushes:
        told = stamps.get((push.room, push.seq))
        if push.badge is None or told is None or push.token not in users:
            continue
        user = users[push.token]
        right = {
            badges.get(user, 0) for stamp, at, badges in history.badges if stamp >= told and at <= push.at
        }
        if push.badge not in right:
            yield f"{user} was shown {push.badge} by {push}, where {sorted(right)} were right"


def claims(history: History) -> list[Claim]:
    """Return the registrations that were acknowledged."""
    asked = {
        (id(said), sent.packet["id"]): sent.at
        for said in history.conversations
        for sent in said.asked
        if "id" in sent.packet
    }
    return [
        Claim(request["token"], said.user, said.device, asked[id(said), request["id"]], received.at)
        for said, request, received in replies(history)
        if request["type"] == "devices.push" and request["token"] and received.packet["type"] == "ok"
    ]


def users_away(history: History) -> dict[str, str]:
    """Return the users of devices that are away, by their tokens, which nobody else has."""
    return {claim.token: claim.user for claim in claims(history) if claim.device in history.away}


def one_tag(history: History) -> Findings:
    """All notifications of the messages of a room have one tag, and nothing else has it."""
    tags: dict[tuple[str, str], str] = {}
    places: dict[str, tuple[str, str]] = {}
    for push in history.pushes:
        place = push.room, "message" if push.kind in ("mention", "read") else push.kind
        if push.room and tags.setdefault(place, push.tag) != push.tag:
            yield f"{push} has another tag than {tags[place]}"
        if push.room and places.setdefault(push.tag, place) != place:
            yield f"{push} has the tag of {places[push.tag]}"


def last_owner(history: History) -> Findings:
    """A token belongs to whoever registered it last."""
    if not history.push or len(history.truths) > 1:
        return
    made = claims(history)
    for one in history.truths[-1].registered:
        own = [claim for claim in made if claim[:3] == tuple(one)]
        asked = [
            sent
            for said in history.conversations
            for sent in said.asked
            if (said.user, said.device) == (one.user, one.device) and sent.packet.get("token") == one.token
            if sent.packet["type"] == "devices.push"
        ]
        if len(asked) > len(own):
            # One without an answer may have been the last.
            continue
        for claim in made:
            if (
                claim.token == one.token
                and claim not in own
                and all(claim.began > mine.ended for mine in own)
            ):
                yield f"{one} has a token that {claim} registered later"


def quiet_after_restart(history: History) -> Findings:
    """What was decided is not decided again when the daemon was stopped in peace and comes back."""
    if history.push_ended_at is not None:
        for push in history.pushes:
            if push.at > history.push_ended_at:
                yield f"{push} came again after a restart"


PUSH_CHECKERS = (owed, seen_by_members, one_number, one_tag, last_owner, quiet_after_restart)
