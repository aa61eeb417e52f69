"""What moderators do about a report, all in one commit: its state, their note, and actions. Synchronous and pure.

open -> claimed, by one key at a time -> closed -> open. An action that was carried out before is not repeated, so the
same request again changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from chatd.core.idempotency import Repeated, first_time
from chatd.core.messages import check_body, recall, say
from chatd.core.moderation import Filed, State, store
from chatd.core.permissions import HOST, authorize
from chatd.core.read_set import DirectPair, ReadSet, pair
from chatd.core.restrictions import Restrict, restrict
from chatd.core.room import DIRECT, Room, Standing
from chatd.core.rooms import new_room, open_room
from chatd.core.standings import stand
from chatd.core.users import Restriction
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import decode_tree, encode
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Recall, Send, SentBody, WriteOk

# Keys that the server makes have a colon.
KEY = "report:"


@dataclass(slots=True, frozen=True)
class Warn:
    """Send a text of the moderators to a user: a message of the user in whose place this is submitted.

    It reaches them whatever they let strangers do, and whomever they block.
    """

    user: str
    key: str
    body: SentBody


class TakeBack(NamedTuple):
    """Recall a message in the room of the report; `seq` 0: the one that was reported."""

    seq: int


class Restrain(NamedTuple):
    """Restrict a user; `user` "": the one who was reported."""

    user: str
    restriction: Restriction


class WarnUser(NamedTuple):
    """Warn a user; `user` "": the one who was reported."""

    user: str
    body: SentBody


Action = TakeBack | Restrain | WarnUser


@dataclass(slots=True, frozen=True)
class AmendReport:
    """Change a report; None leaves a value as it is. `by`: the id of the key that asks. `actor`: who warns.

    `room`: the name of its room, "" where it has none. `actions` name their users and messages.
    """

    number: int
    room: str
    by: str
    actor: str
    state: State | None = None
    note: str | None = None
    actions: Sequence[Action] = ()


def amend_report(user: str, request: AmendReport, writes: WriteSet, reads: ReadSet) -> Ok:
    """Change a report and carry out what is done about it. Raises Refused, and then changes nothing."""
    filed = reads.records_of(Filed).get(request.number)
    if filed is None:
        raise Refused("not_found", "there is no such report")
    check_claim(filed, request)
    done: list[Any] = decode_tree(filed.actions) if filed.actions else []
    fresh = [action for action in request.actions if not is_done(action, done)]
    check_actions(fresh, request, writes, reads)
    for action in fresh:
        carry_out(action, f"{KEY}{filed.number}:{len(done)}", request, writes, reads)
        done.append({**plain(action), "time": writes.now, "by": request.by})
    state = request.state or filed.state
    changed = replace(
        filed,
        state=state,
        claimed_by={"claimed": request.by, "open": ""}.get(state, filed.claimed_by),
        note=filed.note if request.note is None else request.note,
        actions=encode(done) if done else b"",
    )
    if changed != filed:
        store(replace(changed, changed_at=writes.now), writes, reads)
    return Ok()


def check_claim(filed: Filed, request: AmendReport) -> None:
    """Raise Refused while another key has claimed the report, unless this gives it back."""
    if filed.state == "claimed" and filed.claimed_by != request.by and request.state != "open":
        raise Refused("conflict", f"{filed.claimed_by} has claimed it: set it to open first", field="state")


def check_actions(actions: Sequence[Action], request: AmendReport, writes: WriteSet, reads: ReadSet) -> None:
    """Raise Refused when one of them cannot be carried out, before any of them is."""
    for place, action in enumerate(actions):
        if isinstance(action, WarnUser):
            check_body(action.body, reads.rules)
            reads.allowances.check("bytes", request.actor, 1, writes, reads.now_s)
        if isinstance(action, TakeBack):
            room, _ = authorize(reads.rooms.get(request.room), HOST, "recall")
            if (room.number, action.seq) not in reads.messages:
                raise Refused("not_found", "no such message", field=f"actions[{place}].seq")
        elif not action.user:
            raise Refused("bad_request", "the report names no user", field=f"actions[{place}].user")
        elif isinstance(action, WarnUser) and action.user == request.actor:
            raise Refused(
                "bad_request", "the moderators do not warn themselves", field=f"actions[{place}].user"
            )


def carry_out(action: Action, key: str, request: AmendReport, writes: WriteSet, reads: ReadSet) -> None:
    match action:
        case TakeBack():
            message = reads.messages[reads.rooms[request.room].number, action.seq]
            if message.event.recalled is not True:
                recall(HOST, Recall(room=request.room, key=key, target=action.seq), writes, reads)
        case Restrain():
            restrict(action.user, Restrict(action.restriction), writes, reads)
        case WarnUser():
            warn(request.actor, Warn(action.user, key, action.body), writes, reads)


def plain(action: Action) -> dict[str, Any]:
    """Return an action as it is stored with its report, and shown."""
    match action:
        case TakeBack():
            return {"do": "recall", "seq": action.seq}
        case Restrain():
            what, until, reason = action.restriction.what, action.restriction.until, action.restriction.reason
            return {"do": what, "user": action.user, "until": until, "reason": reason}
        case WarnUser():
            return {"do": "warn", "user": action.user, "body": decode_tree(encode(action.body))}


def is_done(action: Action, done: Sequence[dict[str, Any]]) -> bool:
    """Whether an action was carried out before."""
    wanted = plain(action)
    return any({name: one[name] for name in one if name not in ("time", "by")} == wanted for one in done)


def warn(user: str, request: Warn, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Send a text of `user` to another in their direct room, which this may make, past every gate."""
    if user == request.user:
        raise Refused("bad_request", "the moderators do not warn themselves", field="user")
    check_body(request.body, reads.rules)
    room = reads.pairs.get(pair(user, request.user)) or room_of(user, request.user, writes, reads)
    send = Send(room=room.name, key=request.key, body=request.body)
    try:
        digest = first_time(user, send, writes, reads)
    except Repeated as repeated:
        return repeated.reply
    if room.members[request.user].standing != Standing.ACCEPTED:
        stand(room, request.user, Standing.ACCEPTED, writes)
    return say(room, room.members[user], send, digest, writes, reads)


def room_of(user: str, other: str, writes: WriteSet, reads: ReadSet) -> Room:
    """Make the direct room of two users, in the lists of both."""
    room = reads.pairs[pair(user, other)] = new_room(DIRECT, user, writes, reads)
    writes.add(DirectPair(*pair(user, other), room.number))
    open_room(room, {user: "member", other: "member"}, user, writes, reads)
    return room
