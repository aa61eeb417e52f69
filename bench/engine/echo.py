"""The clients of an echo: they send a message as a client of the daemon would, and wait until it is back."""

import time
from collections import deque
from collections.abc import Iterable

from bench import frames
from bench.client.device import Device
from bench.engine.pacing import Speaker, pace
from bench.engine.role import Moves, Role
from bench.engine.run_state import Report, RunState
from bench.engine.script import MessageId


class EchoClient(Device, Speaker):
    """One client; everything comes back in order."""

    def __init__(self, state: RunState, number: int) -> None:
        super().__init__(state)
        self.sent = 0
        self.acked = 0
        self._number = number
        self._flying: deque[tuple[MessageId, bytes]] = deque()

    @property
    def done(self) -> bool:
        return not self._flying

    def due(self, due_ns: int) -> None:
        state = self.state
        message = MessageId(self._number, self.sent, due_ns, time.perf_counter_ns())
        self.sent += 1
        send = {"type": "send", "id": self.sent, "room": "d00000000000", "key": state.script.key(message)}
        payload = self.encoding.pack({**send, "body": {"text": state.texts.of(self._number, message.number)}})
        self._flying.append((message, payload))
        state.record.sent(message)
        self.send(frames.client_frame(self.encoding.opcode, payload))

    def take(self, payload: bytes) -> None:
        now_ns = time.perf_counter_ns()
        if not self._flying:
            self.state.tally.add("duplicated", f"{self._number} got back what they did not send")
            return
        message, sent = self._flying.popleft()
        if payload != sent:
            text = f"message {message.number} of {message.author} came back otherwise"
            self.state.tally.add("altered", text)
        self.acked += 1
        self.state.record.acked(message, now_ns)
        if self.state.goes_on(now_ns):
            self.due(now_ns)


class Echoing(Role):
    def __init__(self, state: RunState, clients: int) -> None:
        super().__init__(state)
        self._clients = {number: EchoClient(state, number) for number in state.mine(range(clients))}
        self._count = clients

    def devices(self) -> Iterable[Device]:
        return self._clients.values()

    def begin(self, start_ns: int) -> None:
        pace(self.state, [self._clients.get(number) for number in range(self._count)], start_ns)

    def answered(self) -> bool:
        return all(client.done for client in self._clients.values())

    def moves(self) -> Moves:
        clients = self._clients.values()
        return sum(client.sent for client in clients), sum(client.acked for client in clients), 0

    def report(self) -> Report:
        for number, client in self._clients.items():
            if missing := client.sent - client.acked:
                text = f"{missing} of client {number} did not come back"
                self.state.tally.add("unacked", text, missing)
        return self.state.report()
