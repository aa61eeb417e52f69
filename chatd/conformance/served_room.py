"""The log of a room as the kit serves it: `log`, `history`, `changes`, `messages` and `room.get` (protocol.md,
"Reading history"); pure."""

from collections.abc import Sequence
from typing import Any

from .packets import Packet, room

READS = ("log", "history", "changes", "messages", "room.get")
HISTORY_MAX = 50
LOG_MAX = 200


class ServedRoom:
    """One room with all its events; `more` are further keys of its summary."""

    def __init__(self, name: str, events: Sequence[Packet], me: str, more: Packet) -> None:
        self.name = name
        self._me = me
        self._more = more
        self.seq = max((event["seq"] for event in events), default=0)
        self.first_visible = int(more.get("first_visible", 1))
        self.log_floor = int(more.get("log_floor", 1))
        self._events = {event["seq"]: dict(event) for event in events}
        self._fold()

    def answer(self, request: Packet) -> Packet:
        """Return the keys of the `ok`."""
        reply: Packet = ANSWERS[request["type"]](self, request)
        return reply

    def _fold(self) -> None:
        """Bring every message into its current state, as a server serves it."""
        for seq in sorted(self._events):
            operation = self._events[seq]
            message = self._events.get(operation.get("target", 0))
            if message is None:
                continue
            _apply(message, operation, self._me)
            if message.get("recalled"):
                for other in self._events.values():
                    if other["kind"] == "edit" and other["target"] == message["seq"]:
                        other.pop("body", None)

    def _messages(self, low: int, high: int) -> list[Packet]:
        return [
            event
            for seq, event in sorted(self._events.items())
            if event["kind"] == "message" and max(low, self.first_visible) <= seq <= high
        ]

    def _log(self, request: Packet) -> Packet:
        first, last = request["from"], min(request.get("to", self.seq), self.seq)
        if first < max(self.log_floor, self.first_visible):
            floors = {"log_floor": self.log_floor, "first_visible": self.first_visible}
            return {"events": [], "reset": True, **floors, "seq": self.seq, "ordinal": self._ordinal()}
        wanted = [self._events[seq] for seq in range(first, last + 1) if seq in self._events]
        page = wanted[: request.get("limit", LOG_MAX)]
        cut = {"next": page[-1]["seq"] + 1} if len(page) < len(wanted) else {}
        return {"events": page, **cut, "seq": self.seq}

    def _history(self, request: Packet) -> Packet:
        limit = request.get("limit", HISTORY_MAX)
        if "after" in request:
            rest = self._messages(request["after"] + 1, self.seq)
            page = rest[:limit]
            high = page[-1]["seq"] if len(rest) > limit else self.seq
            return {"events": page, "low": request["after"] + 1, "high": high, "seq": self.seq}
        high = min(request.get("before", self.seq + 1) - 1, self.seq)
        if "around" in request:
            behind = self._messages(request["around"], self.seq)[: limit - limit // 2]
            high = behind[-1]["seq"] if behind else self.seq
        rest = self._messages(1, high)
        page = rest[-limit:]
        end = len(page) == len(rest)
        low = self.first_visible if end else rest[-limit - 1]["seq"] + 1
        return {"events": page, "low": low, "high": high, "seq": self.seq, **({"end": True} if end else {})}

    def _changes(self, request: Packet) -> Packet:
        cached = self._messages(request["low"], request["high"])
        changed = [event for event in cached if event.get("changed", 0) > request["since"]]
        return {"events": changed, "seq": self.seq}

    def _single(self, request: Packet) -> Packet:
        wanted = set(request["seqs"])
        return {"events": [event for event in self._messages(1, self.seq) if event["seq"] in wanted]}

    def _get(self, _: Packet) -> Packet:
        return {"summary": room(self.name, self.seq, **{"ordinal": self._ordinal(), **self._more})}

    def _ordinal(self) -> int:
        return max((event.get("ordinal", 0) for event in self._events.values()), default=0)


ANSWERS: dict[str, Any] = {
    "log": ServedRoom._log,
    "history": ServedRoom._history,
    "changes": ServedRoom._changes,
    "messages": ServedRoom._single,
    "room.get": ServedRoom._get,
}


def _apply(message: Packet, operation: Packet, me: str) -> None:
    """Change a message as an operation says (protocol.md, "Event")."""
    kind = operation["kind"]
    message["changed"] = operation["seq"]
    if kind == "edit" and not message.get("recalled"):
        message["edited"] = operation["time"]
        message["body"] = operation.get("body", message.get("body"))
    elif kind == "recall":
        message["recalled"] = True
        message.pop("body", None)
    elif kind == "pin":
        message.pop("pinned", None)
        message |= {"pinned": True} if operation["set"] else {}
    elif kind == "reactions":
        message["reactions"] = operation["reactions"]
    elif kind == "reaction":
        _react(message, operation, me)


def _react(message: Packet, operation: Packet, me: str) -> None:
    emoji, step = operation["emoji"], 1 if operation["set"] else -1
    counts = {entry["emoji"]: entry["count"] for entry in message.get("reactions", ())}
    counts[emoji] = counts.get(emoji, 0) + step
    message["reactions"] = [{"emoji": each, "count": count} for each, count in counts.items() if count > 0]
    if operation.get("user") == me:
        mine = [each for each in message.get("mine", ()) if each != emoji]
        message["mine"] = [*mine, emoji] if operation["set"] else mine
