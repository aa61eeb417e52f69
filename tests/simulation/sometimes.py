"""The states that a run should reach now and then: without them the runs prove little."""

from collections import Counter
from collections.abc import Iterator

from tests.simulation.checkers import replies, shown
from tests.simulation.history import Conversation, History

WANTED = (
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
)


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


__all__ = ["WANTED", "met", "shown"]
