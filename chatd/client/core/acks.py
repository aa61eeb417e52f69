"""An acknowledgement as the event it stands for: the author's own connection gets it instead of the event
(protocol.md, chapter 7.7); pure."""

from collections.abc import Callable, Mapping
from typing import Any

from .codec import Packet

COMPOSED_SLACK_MS = 60_000
"""`composed_at` is stored only where it differs by more (chapter 9.3)."""


def event_of(packet: Packet, ack: Mapping[str, Any], user: str) -> dict[str, Any] | None:
    """The event a mutation became; None where the log has none (no `seq`, or nothing this table knows)."""
    if "event" in ack:  # a filter of the server changed what was sent
        return dict(ack["event"])
    content = CONTENTS.get(packet["type"])
    if content is None or "seq" not in ack:
        return None
    return {"seq": ack["seq"], "user": user, "time": ack.get("time", 0), **content(packet, ack, user)}


def _message(packet: Packet, ack: Mapping[str, Any], user: str) -> dict[str, Any]:
    event = {"kind": "message", "key": packet["key"], "body": packet["body"]}
    if "ordinal" in ack:
        event["ordinal"] = ack["ordinal"]
    composed = packet.get("composed_at", 0)
    if composed and abs(composed - ack.get("time", 0)) > COMPOSED_SLACK_MS:
        event["composed_at"] = composed
    return event


def _kept(kind: str, *names: str) -> Callable[[Packet, Mapping[str, Any], str], dict[str, Any]]:
    def content(packet: Packet, ack: Mapping[str, Any], user: str) -> dict[str, Any]:
        return {"kind": kind, **{name: packet[name] for name in names if name in packet}}

    return content


CONTENTS: dict[str, Callable[[Packet, Mapping[str, Any], str], dict[str, Any]]] = {
    "send": _message,
    "edit": _kept("edit", "target", "body"),
    "recall": _kept("recall", "target"),
    "react": _kept("reaction", "target", "emoji", "set"),
    "pin": _kept("pin", "target", "set"),
    "room.update": _kept("settings", "title", "avatar", "public", "data"),
}
"""The requests whose event follows from the request alone. Membership is not among them: the server leaves
out of the event who was a member already."""
