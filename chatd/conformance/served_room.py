"""The log of a room as the kit serves it: `log`, `history`, `changes`, `messages` and `room.get` (protocol.md,
"Reading history"); pure."""

from collections.abc import Sequence
from typing import Any

from .packets import Packet, room

HISTORY_MAX = 50
LOG_MAX = 200


class ServedRoom:
    """One room of messages that nothing happened to since, all of them visible. Raises ValueError for other events."""

    def __init__(self, name: str, messages: Sequence[Packet]) -> None:
        if any(message["kind"] != "message" for message in messages):
            raise ValueError("a room that is served has messages only")
        self._name = name
        self._messages = sorted(messages, key=lambda message: int(message["seq"]))
        self._seq: int = self._messages[-1]["seq"] if self._messages else 0

    def answer(self, request: Packet) -> Packet:
        """Return the keys of the `ok`."""
        reply: Packet = ANSWERS[request["type"]](self, request)
        return reply

    def _between(self, low: int, high: int) -> list[Packet]:
        return [message for message in self._messages if low <= message["seq"] <= high]

    def _log(self, request: Packet) -> Packet:
        wanted = self._between(request["from"], request.get("to", self._seq))
        page = wanted[: request.get("limit", LOG_MAX)]
        cut = {"next": page[-1]["seq"] + 1} if len(page) < len(wanted) else {}
        return {"events": page, **cut, "seq": self._seq}

    def _history(self, request: Packet) -> Packet:
        limit = request.get("limit", HISTORY_MAX)
        if "after" in request:
            rest = self._between(request["after"] + 1, self._seq)
            page = rest[:limit]
            high = page[-1]["seq"] if len(rest) > limit else self._seq
            return {"events": page, "low": request["after"] + 1, "high": high, "seq": self._seq}
        high = min(request.get("before", self._seq + 1) - 1, self._seq)
        if "around" in request:
            behind = self._between(request["around"], self._seq)[: limit - limit // 2]
            high = behind[-1]["seq"] if behind else self._seq
        rest = self._between(1, high)
        page = rest[-limit:]
        end = len(page) == len(rest)
        low = 1 if end else rest[-limit - 1]["seq"] + 1
        return {"events": page, "low": low, "high": high, "seq": self._seq, **({"end": True} if end else {})}

    def _changes(self, _: Packet) -> Packet:
        return {"events": [], "seq": self._seq}

    def _single(self, request: Packet) -> Packet:
        return {"events": [message for message in self._messages if message["seq"] in request["seqs"]]}

    def _get(self, _: Packet) -> Packet:
        return {"summary": room(self._name, self._seq)}


ANSWERS: dict[str, Any] = {
    "log": ServedRoom._log,
    "history": ServedRoom._history,
    "changes": ServedRoom._changes,
    "messages": ServedRoom._single,
    "room.get": ServedRoom._get,
}
