"""The limits of a server that a client keeps to: the defaults, and those that the reply to `hello` names (protocol.md,
"Size limits"); pure."""

from collections.abc import Mapping
from typing import Any

DEFAULTS: Mapping[str, int] = {"frame_bytes": 65536, "batch": 64, "focus": 8, "watch": 200, "page": 200}
HELLO_FRAME_BYTES = 8192
"""The largest frame until `hello` is answered."""

LISTED: Mapping[str, tuple[str, str]] = {
    "hello": ("focus", "focus"),
    "focus": ("rooms", "focus"),
    "watch": ("users", "watch"),
}
"""Packets with a list that a limit bounds: its key, and the limit."""

PAGED: Mapping[str, str] = {"sync": "rooms", "log": "limit", "readers": "limit", "members.list": "limit"}
"""Requests of a page, and the key that says how much of it."""


class LimitsInForce:
    """The limits of one connection."""

    def __init__(self) -> None:
        self._limits = dict(DEFAULTS)
        self._frame_bytes = HELLO_FRAME_BYTES

    def welcome(self, limits: Mapping[str, int]) -> None:
        """Take those of the reply to `hello`."""
        self._limits |= limits
        self._frame_bytes = self._limits["frame_bytes"]

    def wrong_with_frame(self, packets: int, size: int) -> str:
        """Return which limit a frame of so many packets and bytes is above, empty when it is above none."""
        if size > self._frame_bytes:
            return f"a frame of {size} bytes, {self._frame_bytes} is the most now"
        if packets > self._limits["batch"]:
            return f"a batch of {packets} packets, {self._limits['batch']} is the most"
        return ""

    def wrong_with_packet(self, packet: Mapping[str, Any]) -> str:
        """Return which limit a packet, whose form is right, is above."""
        kind = packet["type"]
        key, limit = LISTED.get(kind, ("", ""))
        if key and len(packet.get(key, ())) > self._limits[limit]:
            return f"{kind} names {len(packet[key])} {key}, {self._limits[limit]} is the most"
        if packet.get(PAGED.get(kind, ""), 0) > self._limits["page"]:
            return f"{kind} asks for {packet[PAGED[kind]]}, {self._limits['page']} is the most"
        return ""
