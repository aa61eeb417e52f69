"""Checkers of messages that the daemon sends for its users."""

from tests.simulation.exchanges import replies, since
from tests.simulation.history import Conversation, History, Packet, Row, RowVersion, Truth
from tests.simulation.host import REWRITTEN
from tests.simulation.sharing_checkers import Findings, messages

SCHEDULE, SCHEDULED = "schedule", "scheduled"
# What may keep a message waiting for a minute, or let it go later.
LATE = frozenset(("jump", "strict", "failing_disk", "slow_disk", "media_full"))
PATIENCE_MS = 6_000


def sent_as_scheduled(history: History) -> Findings:
    """G43: A message that nobody sends is one that its user scheduled there, in their words."""
    asked = {
        (said.user, one.packet["room"], one.packet["key"], one.packet["body"]["text"])
        for said in history.conversations
        for one in said.asked
        if one.packet["type"] == "schedule" and "body" in one.packet
    }
    for truth in history.truths:
        for room, seq, row in messages(truth):
            key, body = row.key or "", row.event.get("body")
            if not key.startswith("later-") or body is None or "edited" in row.event:
                continue
            is_rewritten = bool(history.hooks) and body.get("text") == REWRITTEN
            if (row.event.get("user", ""), room, key, body.get("text")) not in asked and not is_rewritten:
                yield f"{room} {seq}: nobody scheduled {row.event}"


def scheduled_once(history: History) -> Findings:
    """G43: A scheduled message that was acknowledged waits, or was sent once, not before its time; or was cancelled."""
    asked = operations(history)
    for truth in history.truths:
        sent = sent_messages(truth)
        for row in truth.rows:
            if row.section == SCHEDULED and row.value is not None and (row.user, row.name) in sent:
                yield f"{row} waits, and was sent as {sent[row.user, row.name]}"
        for place, (_, message) in sent.items():
            times = [packet["at"] for _, packet in asked.get(place, ()) if "body" in packet]
            if times and message.event["time"] < min(times):
                yield f"{message.event} of {place} was sent before {min(times)}"
    for said, request, received in replies(history):
        reply, place = received.packet, (said.user, request.get("key", ""))
        if request["type"] != SCHEDULE or reply["type"] != "ok" or not reply.get("stamp"):
            continue
        at = next(at for at, packet in asked[place] if packet is request)
        if not any(later > at for later, _ in asked[place]) and said.user not in history.erased:
            yield from lasting(history, said, request, reply["stamp"])


def lasting(history: History, said: Conversation, request: Packet, stamp: int) -> Findings:
    """Whether the last thing that was asked of a scheduled message is so in all epochs that know of it."""
    for truth in since(history, said.epoch):
        message = sent_messages(truth).get((said.user, request["key"]))
        waits = any(
            (row.user, row.section, row.name) == (said.user, SCHEDULED, request["key"])
            and row.value is not None
            for row in truth.rows
        )
        if (
            "body" in request
            and not waits
            and message is None
            and not given_up(history, said.user, request["key"])
        ):
            yield f"{said.client}: {request} was acknowledged at {stamp}, and is gone in epoch {truth.epoch}"
        elif "body" not in request and (waits or (message is not None and message[1].stamp > stamp)):
            yield f"{said.client}: {request} was cancelled at {stamp}, and there is {message}, it waits: {waits}"
        if truth.kept is None or truth.kept < stamp:
            break


def given_up(history: History, user: str, key: str) -> bool:
    """Whether a message was refused, and a clock that jumped let the time pass for which that is kept."""
    return "jump" in history.faults and any(
        (row.user, row.section, row.name) == (user, SCHEDULED, key) and row.value and "error" in row.value
        for rows in history.versions.values()
        for row in rows
    )


def operations(history: History) -> dict[tuple[str, str], list[tuple[float, Packet]]]:
    """Return what users asked of each scheduled message, with the times."""
    found: dict[tuple[str, str], list[tuple[float, Packet]]] = {}
    for said in history.conversations:
        for one in said.asked:
            if one.packet["type"] == SCHEDULE:
                found.setdefault((said.user, one.packet["key"]), []).append((one.at, one.packet))
    return found


def nothing_due_is_left(history: History) -> Findings:
    """G43: At the end nothing waits whose time has come, unless whoever judges it, or a rule, may keep it waiting."""
    if history.faults & LATE or history.hooks or history.governed or history.moderated:
        return
    truth = history.truths[-1]
    for row in truth.rows:
        waits = row.section == SCHEDULED and row.value and not row.value.get("error")
        if waits and row.value["at"] < truth.read_ms - PATIENCE_MS:
            yield f"{row} waits at {truth.read_ms}"


def sent_messages(truth: Truth) -> dict[tuple[str, str], tuple[str, Row]]:
    """Return the messages that the daemon sent for users, by user and key, with their rooms."""
    return {
        (row.event.get("user", ""), row.key): (room, row)
        for room, _, row in messages(truth)
        if row.key and row.key.startswith("later-")
    }


def is_over(draft: RowVersion, truth: Truth) -> bool:
    """Whether a draft became a message, or its room was deleted: nothing is written of that."""
    is_sent = draft.value is not None and (draft.user, draft.value["key"]) in truth.sent
    return is_sent or draft.name in truth.deleted


COMFORTS_CHECKERS = (sent_as_scheduled, scheduled_once, nothing_due_is_left)
