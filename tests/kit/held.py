"""A WebSocket connection held in the hand: its transport and its clock move when told, its session echoes."""

import struct
from typing import Any

from chatd.core.counters import Counters
from chatd.edge.admission import Admission
from chatd.edge.surroundings import surroundings
from chatd.edge.websocket import WebSocketConnection
from tests.kit.echo import Echo, echo_config, upgrade_request
from tests.kit.manual import ManualEnv, ManualTransport


class Held:
    """A connection on a manual transport, behind its handshake unless told otherwise."""

    def __init__(
        self, *, subprotocol: str = "chatd.v1.msgpack", handshake: bool = True, **sections: Any
    ) -> None:
        self.env = ManualEnv()
        self.session = Echo()
        self.counters = Counters()
        self.connections: set[Any] = set()
        config = echo_config(**sections)
        self.admission: Admission[Any] = Admission(config.limits)
        around = surroundings(
            config, lambda: self.session, env=self.env, admission=self.admission, counters=self.counters
        )
        self.connection = WebSocketConnection(around, self.connections)
        self.transport = ManualTransport(self.connection)
        self.connection.connection_made(self.transport)
        if handshake:
            self.receive(upgrade_request(subprotocol))
            assert self.transport.written.startswith(b"HTTP/1.1 101 ")
            self.transport.written = b""

    def receive(self, data: bytes) -> None:
        self.connection.data_received(data)

    def lose(self) -> None:
        self.connection.connection_lost(None)

    @property
    def close_code(self) -> int | None:
        """The code of the close frame at the end of what was written."""
        at = self.transport.written.rfind(b"\x88")
        return struct.unpack("!H", self.transport.written[at + 2 : at + 4])[0] if at >= 0 else None
