"""A WebSocket connection under the control of a test: its transport and its clock move on command, its session
echoes."""

import struct
from typing import Any

from uvicorn.server import ServerState

from chatd.http.http_protocol import HttpProtocol
from chatd.http.listeners import ListenerOptions, _uvicorn_config
from chatd.telemetry.counters import Counters
from chatd.websocket.acceptor_config import AcceptorConfig, acceptor_config
from chatd.websocket.admission import Admission
from chatd.websocket.connection import connection_class
from tests.kit.echo_server import Echo, echo_config, no_page
from tests.kit.env import ManualEnv
from tests.kit.frames import upgrade_request
from tests.kit.manual_transport import ManualTransport


class ManualConnection:
    """A connection on a manual transport, behind its handshake unless the test asks for less.

    As on a socket, the HTTP protocol gets the bytes first; `connection` is the protocol that has the transport now.
    """

    def __init__(
        self, *, subprotocol: str = "chatd.v1.msgpack", handshake: bool = True, **sections: Any
    ) -> None:
        self.env = ManualEnv()
        self.session = Echo()
        self.counters = Counters()
        self.state = ServerState()
        config = echo_config(**sections)
        self.admission: Admission[Any] = Admission(config.limits)
        self.acceptor = acceptor_config(
            config, lambda: self.session, env=self.env, admission=self.admission, counters=self.counters
        )
        front = front_of(self.acceptor, self.state, self.env)
        self.transport = ManualTransport(front)
        front.connection_made(self.transport)
        if handshake:
            self.receive(upgrade_request(subprotocol))
            assert self.transport.written.startswith(b"HTTP/1.1 101 ")
            self.transport.written = b""

    @property
    def connection(self) -> Any:
        return self.transport.protocol

    @property
    def connections(self) -> set[Any]:
        """The connections that the server would close if it stopped."""
        return self.state.connections

    def receive(self, data: bytes) -> None:
        self.connection.data_received(data)

    def lose(self) -> None:
        self.connection.connection_lost(None)

    @property
    def close_code(self) -> int | None:
        """The code of the close frame at the end of what was written."""
        at = self.transport.written.rfind(b"\x88")
        return struct.unpack("!H", self.transport.written[at + 2 : at + 4])[0] if at >= 0 else None


def front_of(acceptor: AcceptorConfig, state: ServerState, timers: Any) -> HttpProtocol:
    """Return a fresh HTTP protocol as a listener makes it, whose upgrades go to `acceptor`; `timers` has
    `call_later`."""
    config = _uvicorn_config(no_page, ListenerOptions(10.0, 16), connection_class(acceptor))
    config.load()
    make: Any = config.http_protocol_class
    front: HttpProtocol = make(config=config, server_state=state, app_state={}, _loop=timers)
    return front
