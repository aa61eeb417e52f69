"""The recorder: a relay that writes down what a client and a server say to each other, tokens blanked."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, TextIO

from .codec import Packet, bytes_as_json, read
from .relay import Relay

BLANK = "<token>"
SECRET_KEYS = {"hello": ("token",), "auth": ("token",), "devices.push": ("token",)}
"""What would let a reader in, by type of packet."""


class Recorder:
    """Writes a transcript: a JSON line with `t`, `connection`, `dir` and `packets` for each frame."""

    def __init__(self, out: TextIO, tell: Callable[[str], None] = lambda text: None) -> None:
        self._out = out
        self._tell = tell
        self._begun = time.monotonic()
        self.frames = 0

    def frame(self, number: int, side: str, frame: bytes | str) -> None:
        """Write a frame down."""
        self.frames += 1
        entry: Packet = {"connection": number, "dir": side}
        try:
            entry["packets"] = [blanked(packet) for packet in read(frame)]
        except Exception as error:
            # What cannot be read may hold a token in any place.
            entry |= {"unreadable": type(error).__name__, "bytes": len(frame)}
        self._write(entry)

    def event(self, number: int, what: str, code: int) -> None:
        """Write down that a connection began, was refused, or ended."""
        self._write({"connection": number, "dir": what, "code": code})
        self._tell(f"{what} {code}")

    def _write(self, entry: Packet) -> None:
        line = {"t": round(1000 * (time.monotonic() - self._begun), 1), **entry}
        self._out.write(json.dumps(line, ensure_ascii=False, default=bytes_as_json) + "\n")
        self._out.flush()


def blanked(packet: Any) -> Any:
    """Return a packet without its secrets."""
    if not isinstance(packet, dict):
        return packet
    secret = SECRET_KEYS.get(str(packet.get("type")), ())
    return {key: BLANK if key in secret else value for key, value in packet.items()}


async def record(upstream: str, host: str, port: int, out: TextIO, tell: Callable[[str], None]) -> None:
    """Relay between clients and `upstream` until it is cancelled."""
    recorder = Recorder(out, tell)
    async with Relay(upstream, recorder.frame, recorder.event).running(host, port) as relay:
        tell(f"let the client connect to {relay.url}; everything goes on to {upstream}")
        await asyncio.get_running_loop().create_future()
