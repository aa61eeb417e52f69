"""An acknowledgement as the event it stands for, which the author's own connection gets it instead of; pure.

Source: protocol.md, "Positions, gaps and repair".
"""

from typing import cast

from .packets import Ack, Event, Packet

COMPOSED_SLACK_MS = 60_000
"""`composed_at` is stored only where it differs from `time` by more (protocol.md, "send")."""

KEPT: dict[str, tuple[str, tuple[str, ...]]] = {
    "send": ("message", ("key", "body")),
    "edit": ("edit", ("target", "body")),
    "recall": ("recall", ("target",)),
    "react": ("reaction", ("target", "emoji", "set")),
    "pin": ("pin", ("target", "set")),
    "room.update": ("settings", ("title", "avatar", "public", "data")),
}
"""The requests whose event follows from the request alone: its kind, and the keys it takes over. Membership is not
among them: the server leaves out of the event who was a member already."""


def event_of(packet: Packet, ack: Ack, user: str) -> Event | None:
    """Return the event a mutation became; None where the log has none (no `seq`, or a type not in `KEPT`)."""
    if "event" in ack:  # a filter of the server changed what was sent
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
