"""An echo behind the listener of the daemon that takes text and binary on one connection, as Autobahn sends both.

That a connection of chatd takes one kind only is tested in tests/hostile/framing.py.
"""

from typing import Any

from websockets.frames import Frame, Opcode

from chatd.http.listeners import Listener, ListenerOptions
from chatd.websocket.acceptor_config import AcceptorConfig
from chatd.websocket.connection import WebSocketConnection
from tests.kit.echo_server import Echo, EchoServer, echo_config, no_page

KINDS = {Opcode.TEXT: True, Opcode.BINARY: False}


class AnyKindConnection(WebSocketConnection):
    """A connection whose kind is that of the message that begins."""

    __slots__ = ()

    def _frame(self, frame: Frame) -> None:
        self.text = KINDS.get(frame.opcode, self.text)
        super()._frame(frame)


class AnyKindEchoServer(EchoServer):
    """An echo server whose connections take any kind of message."""

    def __init__(self) -> None:
        super().__init__(echo_config(), Echo, no_page)
        acceptor = self.acceptor_config()
        options = ListenerOptions(self.config.listen.request_deadline_s, self.config.listen.backlog)
        self.listener = Listener(self.config.listen.address, no_page, options, _connecting(acceptor))


def _connecting(acceptor: AcceptorConfig) -> Any:
    def connect(*, config: object, server_state: Any, app_state: object) -> AnyKindConnection:
        return AnyKindConnection(acceptor, server_state.connections)

    return connect
