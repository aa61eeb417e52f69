"""One hostile connection to a daemon: it sends any bytes, and names the outcome in a word."""

import asyncio
import contextlib
import json
import struct
from typing import Any

import msgpack

from tests.hostile.case import ASKED, Case
from tests.hostile.client_bytes import packet_frame
from tests.kit.client_socket import SUBPROTOCOLS
from tests.kit.frames import CLOSE, PONG, read_frame, upgrade_request
from tests.kit.tokens import token_for

# The wait for an outcome that comes at once; only a defect takes that long.
TIMEOUT_S = 30.0
# Ids of requests that belong to no case.
HELLO, PROBE = 900, 901
DEVICE = "mallorys-device-000001"

# protocol.md "Close codes": nothing more can be delivered.
WITHOUT_BYE = {4001, 4002}


class Attacker:
    """A TCP connection of mallory."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.encoding = "msgpack"
        self._bye = 0

    @classmethod
    async def connect(cls, host: str, port: int) -> "Attacker":
        return cls(*await asyncio.open_connection(host, port))

    async def upgrade(self, encoding: str) -> None:
        """Upgrade to a WebSocket of this encoding."""
        self.encoding = encoding
        self.send(upgrade_request(SUBPROTOCOLS[encoding]))
        assert await self.status() == "status 101"

    async def say_hello(self, user: str = "mallory", token: str = "") -> None:
        """Say hello and wait until it is accepted; with a fresh token when none is given."""
        token = token or token_for(user)
        self.send_packet({"type": "hello", "id": HELLO, "version": 1, "token": token, "device": DEVICE})
        while HELLO not in {packet.get("id") for packet in await self.packets()}:
            pass

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def send_packet(self, packet: Any) -> None:
        self.send(packet_frame(packet, self.encoding))

    async def attempt(self, case: Case, sent: bytes) -> str:
        """Send the bytes of a case; return its outcome."""
        self.send(sent)
        if case.outcome == "waits":
            return "waits"
        if case.when == "connect":
            return await self.status()
        if case.outcome == "ignored":
            self.send_packet({"type": "ping", "id": PROBE})
        found = await self.outcome()
        if case.when == "first" and found.startswith("error "):
            # A refused hello is the end: protocol.md "hello".
            return f"{found} then {await self.outcome()}"
        return found

    async def status(self) -> str:
        """Return the status of the next HTTP answer, or `cut`."""
        try:
            head = await self.head()
        except (asyncio.IncompleteReadError, ConnectionError):
            return "cut"
        return f"status {int(head.split()[1])}"

    async def head(self) -> bytes:
        """Return the head of the next HTTP answer; raises IncompleteReadError or ConnectionError when there is none."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def outcome(self) -> str:
        """Return what comes first: the answer to the case, the answer to the probe, or the end."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while True:
                    first, payload = await read_frame(self.reader)
                    found = self._closed(payload) if first == CLOSE else self._said(first, payload)
                    if found:
                        return found
        except (asyncio.IncompleteReadError, ConnectionError):
            return "cut"
        except TimeoutError:
            return "silence"

    async def expect(self, *outcomes: str) -> None:
        """Check that the outcome is one of these."""
        found = await self.outcome()
        assert found in outcomes, f"expected {' or '.join(outcomes)}, met {found}"

    async def packets(self) -> list[dict[str, Any]]:
        """Return the packets of the next data frame; raises IncompleteReadError or ConnectionError at the end."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                first, payload = await read_frame(self.reader)
                assert first != CLOSE, self._closed(payload)
                if first != PONG:
                    return self._decoded(payload)

    async def leave(self) -> None:
        """Reset the connection."""
        self.writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    def _said(self, first: int, payload: bytes) -> str | None:
        if first == PONG:
            return None
        for packet in self._decoded(payload):
            if packet["type"] == "bye":
                self._bye = packet["close"]
            elif packet.get("id") == ASKED:
                return "ok" if packet["type"] == "ok" else f"error {packet['code']}"
            elif packet.get("id") == PROBE:
                return "ignored"
        return None

    def _closed(self, payload: bytes) -> str:
        if not payload:
            return "close 1005"
        (code,) = struct.unpack("!H", payload[:2])
        if code >= 4000 and code not in WITHOUT_BYE and self._bye not in (0, code):
            return f"close {code} behind a bye of {self._bye}"
        if code >= 4000 and code not in WITHOUT_BYE and not self._bye and not _is_echo(code):
            return f"close {code} without a bye"
        return f"close {code}"

    def _decoded(self, payload: bytes) -> list[dict[str, Any]]:
        content = json.loads(payload) if self.encoding == "json" else msgpack.unpackb(payload)
        return content if isinstance(content, list) else [content]


def _is_echo(code: int) -> bool:
    """Whether only a client uses this code: the server repeats it."""
    return code >= 4300
