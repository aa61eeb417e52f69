"""The facts of a session that others read, each kept by one of its parts."""

from chatd.auth.interface import Claims
from chatd.commands.context import SessionIdentity
from chatd.delivery.encoding import JSON
from chatd.session.keepalive import Keepalive
from chatd.websocket.wire import Wire


class SessionFacts:
    """The base of `Session`: its read-only properties."""

    __slots__ = ()

    identity: SessionIdentity
    encoding: int
    _wire: Wire | None
    _keepalive: Keepalive

    @property
    def user(self) -> str:
        return self.identity.user

    @property
    def device(self) -> str:
        return self.identity.device

    @property
    def claims(self) -> Claims:
        return self.identity.claims

    @property
    def turn(self) -> int:
        return self.identity.turn

    @property
    def text(self) -> bool:
        return self.encoding == JSON

    @property
    def since(self) -> float:
        """The time at which the connection was opened, monotonic seconds."""
        return self._keepalive.since

    @property
    def address(self) -> str:
        """The address of the client; "" once the connection is over."""
        return "" if self._wire is None else self._wire.address
