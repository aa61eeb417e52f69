"""The checkers: pure functions over the history of a run, each for one promise. A finding is a sentence."""

import re
from collections.abc import Callable, Iterator

from chatd.core.cursors import position_of
from chatd.core.sections import ACCOUNT, CONVERSATIONS, DRAFTS, PEOPLE, SCHEDULED, SECTIONS
from chatd.protocol.identifiers import U53_MAX
from tests.kit import notes
from tests.simulation.comforts_checkers import COMFORTS_CHECKERS, is_over
from tests.simulation.counters import Counters
from tests.simulation.exchanges import replies, same, shown, since
from tests.simulation.history import History, Row, Truth
from tests.simulation.hook_checkers import HOOK_CHECKERS
from tests.simulation.media_checkers import MEDIA_CHECKERS
from tests.simulation.membership import Members
from tests.simulation.moderation_checkers import MODERATION_CHECKERS
from tests.simulation.people_checkers import PEOPLE_CHECKERS
from tests.simulation.people_record import CONTACTS, without_circles
from tests.simulation.positions import Positions
from tests.simulation.push_checkers import PUSH_CHECKERS
from tests.simulation.search_checkers import SEARCH_CHECKERS
from tests.simulation.sharing_checkers import SHARING_CHECKERS
from tests.simulation.view_checkers import VIEW_CHECKERS

Findings = Iterator[str]

# protocol.md "Retention".
KEYS_KEPT_MS = 30 * 86_400_000
# The words of an error of a failing disk.
EXPLAINED = ("disk", "sqlite3.", "StoreError", "Unavailable")
# The judge gave no verdict again and again.
GIVEN_UP = re.compile("the before-hook .* is down")
# The faults that may keep an answer away for longer than a client waits.
MINUTES_OF_TROUBLE = frozenset(
    ("clogs", "vanish", "slow_reader", "slow_disk", "failing_disk", "pause", "crash", "restart", "restore")
)
# The refusals of a well-formed one: protocol.md "send" and "Error codes".
REFUSALS_OF_SEND = frozenset(
    ("not_member", "not_found", "gone", "rate_limited", "overloaded", "internal", "timeout", "aborted")
)
# The same at the gates of direct rooms: protocol.md "Direct rooms and message requests".
REFUSALS_OF_PEOPLE = frozenset(("refused", "blocked", "request_pending"))


def acknowledged(history: History) -> Findings:
    """G1, G2: An acknowledged message is in the log, at the number of the ack, once, and stays there."""
    for said, request, received in replies(history):
        reply = received.packet
        if reply["type"] != "ok" or "key" not in request or "seq" not in reply or "room" not in request:
            continue
        stamp = 0
        for truth in since(history, said.epoch):
            row = truth.rooms.get(request["room"], {}).get(reply["seq"])
            if row is not None and row.event["kind"] == "erased" and said.user in history.erased:
                # A reaction, whose key went with all else of the person.
                break
            if stamp == 0 and not (row and row.key == request["key"] and row.event.get("user") == said.user):
                yield f"{said.client}: {request['key']} was acknowledged as {reply['seq']}, but there is {row}"
                break
            stamp = stamp or (row.stamp if row else 0)
            if row is None or row.key != request["key"]:
                yield f"{said.client}: {request['key']} at {reply['seq']} is gone in epoch {truth.epoch}"
            if truth.kept is None or truth.kept < stamp:
                break


def once(history: History) -> Findings:
    """G2: There is one event for each key of a user in a room; an operation that was folded away may come again."""
    for truth in history.truths:
        for room, log in truth.rooms.items():
            seen: dict[tuple[str, str], int] = {}
            for seq, row in log.items():
                if row.key is not None:
                    first = seen.setdefault((row.event.get("user", ""), row.key), seq)
                    if first != seq and not may_come_again(truth, room, first, row):
                        yield f"{room}: {row.key} stands at {first} and at {seq}"


def may_come_again(truth: Truth, room: str, first: int, again: Row) -> bool:
    """Whether a key may be used once more: its operation was folded away, or its message went long ago."""
    before = truth.rooms[room][first].event
    if first in truth.gone[room]:
        return bool(again.event["time"] - before["time"] >= KEYS_KEPT_MS)
    return first < truth.floors[room] and "ordinal" not in before


def deleted_for_good(history: History) -> Findings:
    """G1: A room whose deletion was acknowledged is deleted."""
    truths = {truth.epoch: truth for truth in history.truths}
    for said, request, received in replies(history):
        if request["type"] != "room.delete" or received.packet["type"] != "ok":
            continue
        if request["room"] not in truths[said.epoch].deleted:
            yield f"{said.client}: the deletion of {request['room']} was acknowledged, and it is there"


def dense(history: History) -> Findings:
    """G3: Numbers are 1, 2, 3, … and so are those of messages that count."""
    for truth in history.truths:
        for room, log in truth.rooms.items():
            ordinals = [row.event["ordinal"] for row in log.values() if "ordinal" in row.event]
            for numbers in (list(log), ordinals):
                if numbers != list(range(1, len(numbers) + 1)):
                    yield f"{room}: the log has the numbers {numbers}"


def one_order(history: History) -> Findings:
    """G3, G5: The events that a client applied are a piece of the log without a hole, for every client."""
    truths = {truth.epoch: truth for truth in history.truths}
    for piece in history.slices:
        log = truths[piece.epoch].rooms.get(piece.room, {})
        first = piece.events[0]["seq"]
        for seq, event in enumerate(piece.events, first):
            row = log.get(seq)
            if event["seq"] != seq or row is None or not same(event, row.event):
                yield f"{piece.client} applied {event} as number {seq} of {piece.room}, the log has {row}"
                break


def true_events(history: History) -> Findings:
    """G3, G4: Every event that was sent is the one in the log, and was on the disk when it was written out."""
    durable = {(commit.epoch, commit.boot, commit.stamp): commit.durable for commit in history.commits}
    for said, room, event, received, row in shown(history):
        if row is None or not same(event, row.event):
            yield f"{said.client} was shown {event} of {room}, the log has {row}"
            continue
        safe = durable.get((said.epoch, said.boot, row.stamp), 0)
        if safe is None or safe >= received.position:
            yield (
                f"{said.client} was shown {room} {event['seq']} at disk position {received.position}, "
                f"its commit was safe at {safe}"
            )


def saved_acks(history: History) -> Findings:
    """G1: An acknowledgement was written out after the sync of its commit."""
    durable = {(commit.epoch, commit.boot, commit.stamp): commit.durable for commit in history.commits}
    truths = {truth.epoch: truth for truth in history.truths}
    for said, request, received in replies(history):
        reply = received.packet
        if reply["type"] != "ok" or "key" not in request or "room" not in request:
            continue
        row = truths[said.epoch].rooms.get(request["room"], {}).get(reply.get("seq", 0))
        if row is not None:
            safe = durable.get((said.epoch, said.boot, row.stamp), 0)
            if safe is None or safe >= received.position:
                yield f"{said.client}: {request['key']} was acknowledged at {received.position}, safe at {safe}"


def members_only(history: History) -> Findings:
    """G13: The receiver of an event was a member when it was committed."""
    members: dict[tuple[str, str], Members] = {}
    for truth in history.truths:
        for room, log in truth.rooms.items():
            if room not in truth.channels:
                members[truth.epoch, room] = Members((row.event for row in log.values()), shows_past=True)
    for said, room, event, _, row in shown(history):
        if (
            row is not None
            and (said.epoch, room) in members
            and not members[said.epoch, room].saw(said.user, event["seq"])
        ):
            yield f"{said.client}: {said.user} was shown {event} of {room} without being a member"


def without_gaps(history: History) -> Findings:
    """G5: On one connection the numbers of a room follow one another, from the snapshot on."""
    channels = {room for truth in history.truths for room in truth.channels}
    for said in history.conversations:
        yield from Positions(said, channels).gaps()


def true_counters(history: History) -> Findings:
    """Unread numbers are those of the log, and no older than what the connection was sent before."""
    truths = {truth.epoch: truth for truth in history.truths}
    for said in history.conversations:
        if said.epoch in truths:
            yield from Counters(said, truths[said.epoch]).wrong()


def reset_with_reason(history: History) -> Findings:
    """G5: Nothing is reset without a reason."""
    truths = {truth.epoch: truth for truth in history.truths}
    for said, request, received in replies(history):
        reply = received.packet
        if request["type"] == "hello" and reply["type"] == "ok":
            same_epoch = request.get("epoch") == reply["epoch"]
            # Then a cursor may be too old for account rows.
            aged = any(at < received.at for at in history.aged)
            if same_epoch and request.get("cursor") and reply["sync"].get("full") and not aged:
                yield f"{said.client}: hello with cursor {request['cursor']} was answered with everything"
        elif request["type"] == "log" and reply.get("reset"):
            first = reply.get("first_visible", 1)
            if request["from"] >= max(first, reply.get("log_floor", 1)) or said.epoch not in truths:
                yield f"{said.client}: log from {request['from']} was reset: {reply}"


def rows_of_the_cursor(history: History) -> Findings:
    """A client that stores a cursor has, of every section it covers, the rows of that commit, or later states of
    them."""
    bits = {SECTIONS[ACCOUNT].bit: ACCOUNT, notes.SECTION.bit: notes.NAME, PEOPLE[CONTACTS].bit: CONTACTS}
    bits |= {CONVERSATIONS[name].bit: name for name in (DRAFTS, SCHEDULED)}
    truths = {truth.epoch: truth for truth in history.truths}
    for snapshot in history.snapshots:
        position = position_of(snapshot.cursor, snapshot.epoch, U53_MAX)
        assert position is not None
        versions = history.versions.get(snapshot.epoch, ())
        for section in [name for bit, name in bits.items() if position.sections >> bit & 1]:
            rows = [one for one in versions if (one.user, one.section) == (snapshot.user, section)]
            known = {(one.name, one.stamp): without_circles(one.value) for one in rows}
            due = {one.name: one for one in rows if one.stamp <= position.stamp}
            held = snapshot.rows.get(section, {})
            for name, row in due.items():
                if section == DRAFTS and is_over(row, truths[snapshot.epoch]):
                    continue
                stamp, value = held.get(name, (0, None))
                if stamp < row.stamp and not (row.value is None and value is None):
                    yield f"{snapshot.client} at commit {position.stamp} has {(stamp, value)}, there is {row}"
            sent = {
                (one.name, one.stamp)
                for one in (rows if section == DRAFTS else ())
                if is_over(one, truths[snapshot.epoch])
            }
            for name, (stamp, value) in held.items():
                if (name, stamp) in sent:
                    continue
                if known.get((name, stamp), Ellipsis) != without_circles(value):
                    yield f"{snapshot.client} at commit {position.stamp} has {name} {(stamp, value)} of {section}"


def revoked_is_over(history: History) -> Findings:
    """G13: After a revocation returned, its connections are sent nothing that is committed later."""
    for said, room, event, received, row in shown(history):
        for revocation in history.revocations:
            if (
                row is not None
                and revocation.user == said.user
                and revocation.device in ("", said.device)
                and revocation.epoch == said.epoch
                and said.issued_s < revocation.wall_s
                and said.began < revocation.at
                and row.stamp > revocation.stamp
            ):
                shown_at = f"{room} {event['seq']} at {received.at:.3f}"
                yield f"{said.client} was shown {shown_at}, revoked at {revocation.at:.3f}"


def kept_promises(history: History) -> Findings:
    """Replies answer open requests once, every packet has its documented form (tests.kit.protocol_promises)."""
    for said in history.conversations:
        if said.garbled:
            yield f"{said.client}: {said.garbled}"


def answered(history: History) -> Findings:
    """Every request has its answer, unless a fault of this run may keep it away."""
    if history.faults & MINUTES_OF_TROUBLE:
        return
    for said in history.conversations:
        if said.gave_up:
            yield f"{said.client} waited in vain at {said.gave_up:.3f}"


def honest_refusals(history: History) -> Findings:
    """Refusals fit their request, and `internal` is sent only where a disk failed."""
    for said, request, received in replies(history):
        error = received.packet
        if error["type"] != "error":
            continue
        if error["code"] == "internal" and "failing_disk" not in history.faults:
            yield f"{said.client}: {request['type']} was answered with internal"
        honest = REFUSALS_OF_SEND | (REFUSALS_OF_PEOPLE if history.people else frozenset())
        honest |= {"rejected"} if history.hooks else set()
        honest |= {"muted"} if history.moderated else set()
        honest |= {"forbidden"} if history.governed or any(one.channels for one in history.truths) else set()
        names_files = bool(request.get("body", {}).get("attachments"))
        honest |= {"quota", "not_ready"} if names_files else set()
        honest |= {"bad_request"} if "forwarded" in request.get("body", {}) else set()
        if request["type"] == "send" and error["code"] not in honest:
            yield f"{said.client}: a send was refused with {error}"


def bounded(history: History) -> Findings:
    """G6, G7: The bytes that wait for one connection stay within its bound."""
    if history.excess.bytes > history.excess.allowed:
        yield f"{history.excess.bytes} bytes waited for one connection, {history.excess.allowed} may"


def nothing_left(history: History) -> Findings:
    """Tasks and timers are gone when their connections are."""
    yield from history.leftovers


def silent_log(history: History) -> Findings:
    """The daemon logs no error that a failing disk does not explain, or a judge that is away."""
    for complaint in history.complaints:
        is_of_disk = "failing_disk" in history.faults and any(word in complaint for word in EXPLAINED)
        is_of_disk |= "media_full" in history.faults and "No space left" in complaint
        is_of_host = history.hooks and GIVEN_UP.match(complaint)
        if not (is_of_disk or is_of_host):
            yield complaint


def right_at_the_end(history: History) -> Findings:
    """Unread numbers and presence agree with the log."""
    yield from history.final_state_findings


def liveness(history: History) -> Findings:
    """Within 120 s after the last fault every client has everything, and nothing waits to be acknowledged."""
    yield from history.unfinished


CHECKERS: dict[str, Callable[[History], Findings]] = {
    check.__name__: check
    for check in (
        acknowledged,
        once,
        deleted_for_good,
        dense,
        one_order,
        true_events,
        saved_acks,
        members_only,
        without_gaps,
        true_counters,
        reset_with_reason,
        rows_of_the_cursor,
        revoked_is_over,
        kept_promises,
        answered,
        honest_refusals,
        bounded,
        nothing_left,
        silent_log,
        right_at_the_end,
        *PEOPLE_CHECKERS,
        *HOOK_CHECKERS,
        *PUSH_CHECKERS,
        *MODERATION_CHECKERS,
        *MEDIA_CHECKERS,
        *SHARING_CHECKERS,
        *SEARCH_CHECKERS,
        *COMFORTS_CHECKERS,
        *VIEW_CHECKERS,
        liveness,
    )
}


def check(history: History) -> dict[str, list[str]]:
    """Return the findings by the name of the checker; a run that did not end has no log to compare with."""
    if not history.truths or not history.ended:
        return {"liveness": history.unfinished or ["the run did not end"]}
    found = {name: list(check(history)) for name, check in CHECKERS.items()}
    return {name: findings for name, findings in found.items() if findings}
