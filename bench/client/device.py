"""One connection of a load: dials, upgrades, says hello; its bytes come from a poller."""

from bench import frames
from bench.client.dialogue import Address, Dialogue
from bench.client.poller import Connection
from bench.codec import ENCODINGS, Packet
from bench.engine.run_state import RunState


class Device(Connection, Dialogue):
    """A connection that enters with the given hello, or is in once it is upgraded; subclasses hear its packets."""

    def __init__(self, state: RunState, hello: Packet | None = None) -> None:
        Connection.__init__(self, state.poller)
        Dialogue.__init__(self, Address.of(state.access.url), ENCODINGS[state.access.encoding])
        self.state = state
        self._hello = hello

    def enter(self, number: int) -> None:
        """Dial; everything else follows by itself. Raises OSError."""
        self.dial(self.address.host, self.address.port, self.state.access.source(number))

    def welcome(self, reply: Packet) -> None:
        """The hello was answered."""

    def push(self, packet: Packet) -> None:
        """A packet that is no reply and no ping."""

    def gone(self, reason: str) -> None:
        """The connection is lost, before or after the hello."""

    def connected(self) -> None:
        self.ask_upgrade()

    def upgraded(self) -> None:
        if self._hello is not None:
            self.ask(self._hello, self._greeted)
        else:
            self._greeted({"type": "ok"})

    def closing(self, payload: bytes) -> None:
        self.end(f"close {frames.close_code(payload)}")

    def lost(self, reason: str) -> None:
        self.state.failures[reason] += 1
        self.gone(reason)

    def _greeted(self, reply: Packet) -> None:
        if reply["type"] != "ok":
            self.end(f"hello: {reply['code']}")
            return
        self.state.entered += 1
        self.welcome(reply)
