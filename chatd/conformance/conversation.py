"""All that passes between the kit and a client in one scenario: what came and waits, what is answered by the way."""

import asyncio
from collections.abc import Sequence
from typing import Any

from .checks import Checks
from .clock import RealClock, VirtualClock
from .packets import TIME_MS, Packet, ok
from .script import Scenario
from .scripted_server import Arrival, Refusal, ScriptedServer
from .served_room import ANSWERS, ServedRoom
from .steps import CLOSE, CONNECT, PASSED, TOKEN
from .testee import Testee

Clock = RealClock | VirtualClock


class Conversation:
    """One scenario as it is played. `inbox` holds what nobody has taken yet, `arrivals` everything that came."""

    def __init__(self, scenario: Scenario, encoding: str, testee: Testee) -> None:
        virtual = testee.hello.virtual
        self.clock: Clock = VirtualClock() if virtual else RealClock()
        self.checks = Checks(virtual=virtual)
        self.server = ScriptedServer(encoding, self.clock.now, self.take, self.checks, self.note)
        self.transcript: list[Packet] = []
        self.inbox: list[Arrival] = []
        self.arrivals: list[Arrival] = []
        self.passed = {*PASSED, CONNECT, TOKEN} - scenario.named
        self.rooms: dict[str, ServedRoom] = {}
        # Tokens that the client waits for, by the number of its `ask`.
        self.asks: list[int] = []
        self.token = ""
        # Whether the app was told to go: it may close its connection then.
        self.going = False
        self.over = False
        self._named = scenario.named
        self._testee: Testee | None = None
        self._tokens = 0
        self._heads: dict[str, tuple[int, int]] = {}
        self._tasks: set[asyncio.Future[None]] = set()
        self.attach(testee)

    def attach(self, testee: Testee | None) -> None:
        """Speak with this testee from now on; None: the app is killed."""
        if self._testee is not None:
            self._testee.on_ask = lambda number: None
        self._testee = testee
        if testee is not None:
            testee.on_ask = self._asked
        self.clock.server = self.server
        if isinstance(self.clock, VirtualClock):
            self.clock.testee = testee

    # What comes.

    def take(self, arrival: Arrival) -> None:
        """Take what came: answer it, pass it over, or let it wait."""
        if self.over:
            return
        self.arrivals.append(arrival)
        packet, kind = arrival.packet, arrival.packet.get("type")
        room = self.rooms.get(packet.get("room", "")) if kind in ANSWERS and kind not in self._named else None
        if kind in self.passed:
            self._answer(packet)
        elif room is not None and self.server.can_send:
            self.send([ok(packet["id"], **room.answer(packet))])
        elif kind != CLOSE or not self.going or CLOSE in self._named:
            self.inbox.append(arrival)
        self.clock.wake()

    def _answer(self, packet: Packet) -> None:
        """Answer a packet that was passed over, when it is a request."""
        reply = BY_THE_WAY.get(packet["type"])
        if "id" in packet and reply is not None and self.server.can_send:
            self.send([ok(packet["id"], **reply(self, packet))])

    def _asked(self, number: int) -> None:
        self.server.activity += 1
        self.asks.append(number)
        if TOKEN not in self._named:
            self._tokens += 1
            self.give(f"token-{self._tokens}")
        self.take(Arrival(self.clock.now(), {"type": TOKEN}))

    def give(self, token: str | None) -> None:
        """Answer the first `ask`; None: the app has no token."""
        self.token = self.token if token is None else token
        if self.asks and self._testee is not None:
            self.server.activity += 1
            task = asyncio.ensure_future(self._testee.give_token(self.asks.pop(0), token))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # What is sent.

    def send(self, packets: Sequence[Packet], *, deflate: bool = False) -> None:
        """Send packets in one frame. Raises ConnectionError when there is no connection."""
        for packet in packets:
            self._learn(packet)
        self.server.send(packets, deflate=deflate)

    def refuse(self, status: int, retry_after: int | None, times: int) -> None:
        """Refuse the next attempts to connect."""
        self.server.refusal = Refusal(status, retry_after, times)

    def _learn(self, packet: Packet) -> None:
        """Note how far the server has told of each room, for the answers that it gives by the way."""
        summaries = [
            *packet.get("rooms", ()),
            *packet.get("sync", {}).get("rooms", ()),
            packet.get("summary", {}),
        ]
        if packet.get("type") == "event":
            summaries += [{**event, "room": packet.get("room")} for event in packet.get("events", ())]
        for told in summaries:
            room = told.get("room") if isinstance(told, dict) else None
            if isinstance(room, str):
                seq, ordinal = self._heads.get(room, (0, 0))
                self._heads[room] = (max(seq, told.get("seq", 0)), max(ordinal, told.get("ordinal", 0)))

    def read_reply(self, packet: Packet) -> Packet:
        """Return the keys of the `ok` to a `read`."""
        ordinal = self._heads.get(packet["room"], (0, 0))[1]
        return {"read": packet["seq"], "unread": 0, "unread_mentions": 0, "ordinal": ordinal}

    def focus_reply(self, packet: Packet) -> Packet:
        """Return the keys of the `ok` to a `focus`."""
        rooms = [room for room in packet["rooms"] if room in self._heads]
        return {"rooms": [{"room": room, "seq": self._heads[room][0]} for room in rooms]}

    def note(
        self, direction: str, packets: Sequence[Packet] = (), frame: bytes | str = b"", **more: Any
    ) -> None:
        """Add a line to the transcript."""
        raw = frame.encode() if isinstance(frame, str) else frame
        entry: Packet = {"t": round(1000 * self.clock.now(), 1), "dir": direction, **more}
        entry |= {"packets": list(packets)} if packets else {}
        entry |= {"hex": raw.hex()} if raw else {}
        self.transcript.append(entry)


def _mode_reply(_: Conversation, packet: Packet) -> Packet:
    return {"heartbeat": 30 if packet["mode"] == "foreground" else 240}


def _users_reply(_: Conversation, packet: Packet) -> Packet:
    users = [{"user": user, "name": user} for user in packet.get("users", ())]
    return {"users": users, **({"stamp": packet["since"]} if "since" in packet else {})}


def _watch_reply(_: Conversation, packet: Packet) -> Packet:
    return {"users": [{"user": user} for user in packet["users"]]}


def _bare(_: Conversation, __: Packet) -> Packet:
    return {}


BY_THE_WAY = {
    "ping": lambda _, __: {"time": TIME_MS},
    "delivered": _bare,
    "typing": _bare,
    "read": Conversation.read_reply,
    "focus": Conversation.focus_reply,
    "watch": _watch_reply,
    "mode": _mode_reply,
    "users.get": _users_reply,
}
"""The replies to packets that a scenario passes over."""
