"""The checkers of what is shared: pure functions over the history. A finding is a sentence."""

from collections.abc import Iterator

from tests.simulation.exchanges import replies
from tests.simulation.history import History, Packet, Row, Truth
from tests.simulation.host import REWRITTEN

Findings = Iterator[str]
# What a copy has of its message.
COPIED = ("text", "attachments", "card", "data")


def forwarded_as_written(history: History) -> Findings:
    """G41: A copy says what its message said at some time, and the server alone says where it comes from."""
    truths = {truth.epoch: truth for truth in history.truths}
    wrote = written(history)
    for said, request, received in replies(history):
        reply = received.packet
        if request["type"] != "forward" or "seqs" not in reply or said.epoch not in truths:
            continue
        truth = truths[said.epoch]
        for place, (seq, copy_seq) in enumerate(zip(request["seqs"], reply["seqs"], strict=True)):
            copy = truth.rooms.get(request["room"], {}).get(copy_seq)
            key = request["key"] if not place else f"{request['key']}:{place + 1}"
            if copy is None or copy.key != key or copy.event.get("user") != said.user:
                yield f"{said.client}: {key} was acknowledged as {copy_seq}, there is {copy}"
            elif "body" in copy.event:
                source = truth.rooms.get(request["from"], {}).get(seq)
                if not is_copy(copy.event["body"], source, request, wrote, request["from"] in truth.channels):
                    yield f"{said.client}: {copy.event} is no copy of {source} of {request['from']}"


def no_forged_origin(history: History) -> Findings:
    """G41: What says that it was forwarded was."""
    keys = {
        (said.user, asked.packet["key"])
        for said in history.conversations
        for asked in said.asked
        if asked.packet["type"] == "forward"
    }
    for truth in history.truths:
        for room, seq, row in messages(truth):
            key = (row.event.get("user", ""), (row.key or "").partition(":")[0])
            if "forwarded" in row.event.get("body", {}) and key not in keys:
                yield f"{room} {seq}: {row.event} was not forwarded"


def messages(truth: Truth) -> Iterator[tuple[str, int, Row]]:
    for room, log in truth.rooms.items():
        for seq, row in log.items():
            if row.event["kind"] == "message":
                yield room, seq, row


def written(history: History) -> dict[tuple[str, str, object], list[Packet]]:
    """Return the bodies that users sent or scheduled, by user, room, and the key or the number of the message."""
    found: dict[tuple[str, str, object], list[Packet]] = {}
    for said in history.conversations:
        for asked in said.asked:
            packet = asked.packet
            if packet["type"] in ("send", "edit", "schedule") and "body" in packet:
                place = packet["target"] if packet["type"] == "edit" else packet["key"]
                found.setdefault((said.user, packet["room"], place), []).append(packet["body"])
    return found


def is_copy(
    body: Packet,
    source: Row | None,
    request: Packet,
    wrote: dict[tuple[str, str, object], list[Packet]],
    of_channel: bool,
) -> bool:
    """Whether a body is a copy of a message as it was at some time."""
    if source is None:
        return False
    event, room = source.event, request["from"]
    author, key = event.get("user", ""), source.key or ""
    origin: Packet = {"user": author, "time": event["time"]} if request.get("credit") else {}
    if of_channel:
        origin = {"room": room, "seq": event["seq"]}
    original = wrote.get((author, room, key), ())
    if "body" not in event and not original:
        # Of a copy that was recalled nobody knows the first words any more.
        return True
    said = [*original, *wrote.get((author, room, event["seq"]), ())]
    if "body" in event:
        said.append(event["body"])
        if body["forwarded"] != event["body"].get("forwarded", origin):
            return False
    return not said or body.get("text") == REWRITTEN or any(agree(body, one) for one in said)


def agree(body: Packet, one: Packet) -> bool:
    """Whether two bodies have the same content; files of a copy are others on the same bytes."""
    return all(body.get(name) == one.get(name) for name in COPIED if name != "attachments") and len(
        body.get("attachments", ())
    ) == len(one.get("attachments", ()))


SHARING_CHECKERS = (forwarded_as_written, no_forged_origin)
