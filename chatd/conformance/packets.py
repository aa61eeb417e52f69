"""The packets and objects that a `$name(...)` of a scenario stands for, and the names that are bound from the start.

The user is `u42`, the other one `u7`. Message n has the number n, unless the scenario says otherwise.
"""

from collections.abc import Mapping
from typing import Any

from .patterns import Helper

Packet = dict[str, Any]

TIME_MS = 1_763_900_000_000
"""The clock of the scripted server stands here; event n was stored n seconds later."""

NAMES: Mapping[str, Any] = {
    "me": "u42",
    "r": "g4fKz81QwXe2",
    "r2": "gB7mQ2nR5tVx",
    "r3": "gC9pL4kW8yZa",
    "d": "d7Qw2nB5cYtL",
    "epoch": "k7Qd",
    "time": TIME_MS,
}


def message(seq: int, user: str = "u7", text: str | None = None, **more: Any) -> Packet:
    """A message; its `ordinal` is its `seq`, its text names its number."""
    event = {"seq": seq, "kind": "message", "user": user, "time": TIME_MS + 1000 * seq, "ordinal": seq}
    body = {"text": f"m{seq}" if text is None else text}
    return {**event, "key": f"key-{seq:04}", "body": body, **more}


def event(seq: int, kind: str, user: str = "u7", **more: Any) -> Packet:
    """Any other event."""
    return {"seq": seq, "kind": kind, "user": user, "time": TIME_MS + 1000 * seq, **more}


def edit(seq: int, target: int, text: str, user: str = "u7") -> Packet:
    """An edit of message `target`."""
    return event(seq, "edit", user, target=target, body={"text": text})


def recall(seq: int, target: int, user: str = "u7") -> Packet:
    """A recall of message `target`."""
    return event(seq, "recall", user, target=target)


def reaction(seq: int, target: int, emoji: str, set: bool = True, user: str = "u7") -> Packet:
    """A reaction to message `target`, set or cleared."""
    return event(seq, "reaction", user, target=target, emoji=emoji, set=set)


def pin(seq: int, target: int, set: bool = True, user: str = "u7") -> Packet:
    """Message `target` pinned or unpinned."""
    return event(seq, "pin", user, target=target, set=set)


def room(room: str, seq: int = 0, **more: Any) -> Packet:
    """The summary of a room with as many messages as events, all of them read; with `peer` of a direct room."""
    kind = {} if "peer" in more else {"title": "Bike tour", "members": 5}
    numbers = {"seq": seq, "ordinal": seq, "time": TIME_MS + 1000 * seq, "read": seq} if seq else {"seq": 0}
    return {"room": room, **numbers, **kind, **more}


def page(*rooms: Packet, cursor: str | None = "AAAD1A", **more: Any) -> Packet:
    """The last page of a sync, with these rooms; `cursor=null` leaves the cursor out."""
    return {**({"cursor": cursor} if cursor is not None else {}), "rooms": list(rooms), **more}


def welcome(id: int, *rooms: Packet, sync: Packet | None = None, **more: Any) -> Packet:
    """The `ok` to a `hello`; its page has these rooms, or is `sync`."""
    reply = {"type": "ok", "id": id, "version": 1, "user": "u42", "session": "s9fK2", "time": TIME_MS}
    terms = {"epoch": "k7Qd", "features": [], "heartbeat": 30, "token_ttl": 3600}
    return {**reply, **terms, "sync": page(*rooms) if sync is None else sync, **more}


def ok(id: int, **more: Any) -> Packet:
    """The `ok` to a request."""
    return {"type": "ok", "id": id, **more}


def ack(id: int, seq: int, **more: Any) -> Packet:
    """The `ok` to a `send` that was stored as message `seq`; `ordinal=null` leaves the ordinal out."""
    reply = {"type": "ok", "id": id, "seq": seq, "ordinal": seq, "time": TIME_MS + 1000 * seq, **more}
    return {key: value for key, value in reply.items() if value is not None}


def error(id: int, code: str, retry: str, **more: Any) -> Packet:
    """The `error` to a request."""
    return {"type": "error", "id": id, "code": code, "retry": retry, **more}


def push(room: str, *events: Packet) -> Packet:
    """The push `event`."""
    return {"type": "event", "room": room, "events": list(events)}


def head(room: str, seq: int, ordinal: int | None = None) -> Packet:
    """The push `head` of one room."""
    return {
        "type": "head",
        "rooms": [{"room": room, "seq": seq, "ordinal": seq if ordinal is None else ordinal}],
    }


def bye(close: int, reason: str, **more: Any) -> Packet:
    """The push `bye`; `close` behind it sends the close frame."""
    return {"type": "bye", "reason": reason, "close": close, **more}


def text(length: int, letter: str = "x") -> str:
    """A text of so many characters."""
    return letter * length


HELPERS: Mapping[str, Helper] = {
    "m": message,
    "e": event,
    "edit": edit,
    "recall": recall,
    "reaction": reaction,
    "pin": pin,
    "room": room,
    "page": page,
    "welcome": welcome,
    "ok": ok,
    "ack": ack,
    "error": error,
    "event": push,
    "head": head,
    "bye": bye,
    "text": text,
}
