"""The limits of the server, as the hello reply names them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Limits:
    """The server's limits (protocol.md, "Size limits" and "Thresholds"); the hello reply names those that differ."""

    frame_bytes: int = 65536
    body_bytes: int = 16384
    batch: int = 64
    in_flight: int = 32
    focus: int = 8
    watch: int = 200
    page: int = 200
    request_texts: int = 3
    """Texts to somebody who has not accepted yet (protocol.md, "Direct rooms and message requests")."""

    @classmethod
    def from_packet(cls, packet: Mapping[str, int]) -> "Limits":
        """Return the defaults, changed by the keys that the server sent; unknown keys are ignored."""
        known = {entry.name for entry in fields(cls)}
        return cls(**{name: value for name, value in packet.items() if name in known})


HELLO_FRAME_BYTES = 8192
"""Largest frame before hello was answered (protocol.md, "Size limits")."""
