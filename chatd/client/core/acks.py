"""The event of an acknowledgement, which the connection of the author gets in its place; pure.

Source: protocol.md, "Positions, gaps and repair".
"""

from typing import cast

from .packets import Ack, Event, Packet

COMPOSED_SLACK_MS = 60_000
"""Milliseconds by which `composed_at` must differ from `time` to be stored (protocol.md, "send")."""

KEPT: dict[str, tuple[str, tuple[str, ...]]] = {
    "send": ("message", ("key", "body", "post")),
    "edit": ("edit", ("target", "body")),
    "recall": ("recall", ("target",)),
    "react": ("reaction", ("target", "emoji", "set")),
    "pin": ("pin", ("target", "set")),
    "room.update": (
        "settings",
        ("title", "avatar", "public", "data", "policy", "about", "tags", "comments"),
    ),
}
"""The requests whose event follows from the request alone: its kind, and the keys it takes over. Membership is not
among them: the server leaves users who were members already out of the event."""


def event_of(packet: Packet, ack: Ack, user: str) -> Event | None:
    """Return the event a mutation became; None where the log has none (no `seq`, or a type not in `KEPT`)."""
    # A filter of the server changed what was sent.
    if "event" in ack:
        return ack["event"]
    kind, names = KEPT.get(packet["type"], ("", ()))
    if not kind or "seq" not in ack:
        return None
    time = ack.get("time", 0)
    event = {"seq": ack["seq"], "kind": kind, "user": user, "time": time}
    event |= {name: packet[name] for name in names if name in packet}
    if kind == "message":
        composed = packet.get("composed_at", 0)
        if composed and abs(composed - time) > COMPOSED_SLACK_MS:
            event["composed_at"] = composed
        if "ordinal" in ack:
            event["ordinal"] = ack["ordinal"]
    return cast(Event, event)
