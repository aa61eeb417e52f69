"""A client that reconnects, synchronises, repairs gaps, and delivers its outbox, as protocol.md asks.

The actions of its user are in actions.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.choices import Lane
from tests.simulation.connection import Connection, connector
from tests.simulation.environment import Environment, Quirks
from tests.simulation.history import Conversation, Packet, Slice
from tests.simulation.outbox import FRAME_BYTES, Pending, first_frame, own_event
from tests.simulation.rounds import Rounds
from tests.simulation.timelines import JUMP_PAGE, ClientStorage, Timeline, repairs

ADDRESS = "192.0.2.2:443"
BACKOFF_TICK_S = 0.05
# Up to a second: a rude client, so that much happens.
BACKOFF_TICKS = 20
# Tokens have whole seconds: one of the second of its revocation counts as older.
LOGIN_S = 1.0
# The pause before asking again when the daemon names no time.
RETRY_S = 0.2
# Entries of the outbox behind a hello, whose frame has at most 8192 bytes.
EAGER_MAX = 4


@dataclass(slots=True, eq=False)
class SimClient:
    """One installation of the app on one device of a user."""

    environment: Environment
    name: str
    user: str
    lane: Lane
    network_lane: Lane
    quirks: Quirks
    device: str = ""
    storage: ClientStorage = field(default_factory=ClientStorage)
    outbox: dict[str, Pending] = field(default_factory=dict)
    # Acknowledged, for late repetitions.
    done: list[Packet] = field(default_factory=list)
    connection: Connection | None = None
    # Whether it wants no connection.
    resting: bool = False
    # Whether its user was erased.
    gone: bool = False
    installs: int = 0
    wait_s: float = 0.0
    waiting: Any = None
    # The replies that only the checkers read, with their requests.
    answers: list[tuple[Packet, Packet]] = field(default_factory=list)
    rounds: Rounds = field(init=False)
    _token: str = ""
    _frame_bytes: int = FRAME_BYTES
    # Events of rooms that were not named yet.
    _early: dict[str, list[Packet]] = field(default_factory=dict)
    # Refused for now, with the time of the next attempt.
    _put_off: list[tuple[float, Packet]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rounds = Rounds(self)
        self.new_device()

    # lifecycle

    def new_device(self) -> None:
        """Become a new device, as after a new installation: another id, and no state."""
        self.put_away()
        self.installs += 1
        self.device = f"{self.name}-{self.installs}".replace(" ", "-").ljust(22, "_")
        self.storage = ClientStorage()
        self.outbox = {}
        self.done = []

    def connect(self) -> None:
        """Connect, unless a connection is there or none is wanted."""
        self.waiting = None
        if self.connection is not None or self.resting or self.gone:
            return
        environment = self.environment
        token, issued = environment.token(self.user, self.device)
        said = Conversation(
            self.name,
            self.user,
            self.device,
            self.quirks.text,
            environment.loop.time(),
            self.storage.heads(),
            issued,
            epoch=self.storage.epoch,
        )
        environment.conversations.append(said)
        self.wait_s = 0.0
        dial = connector(
            environment.network.dial, ADDRESS, self.network_lane, environment.conditions(self.network_lane)
        )
        self._token = token
        self.connection = Connection(environment.loop, self, said, dial, environment.trace)
        self.connection.link.note = lambda text: environment.note(self.name, text)

    def rest(self) -> None:
        """Close the app."""
        self.resting = True
        if self.connection is not None:
            self.connection.hang_up()

    def wake(self) -> None:
        self.resting = False
        self.connect()

    @property
    def ready(self) -> bool:
        return self.connection is not None and self.connection.ready

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do: all sent, all repaired."""
        complete = all(timeline.complete for timeline in self.storage.timelines.values())
        waits = (
            self.outbox
            or self._put_off
            or self.rounds.again
            or self.connection is None
            or self.connection.unanswered
        )
        return self.ready and complete and not waits

    # ConnectionOwner

    def connected_to_server(self) -> None:
        if self.connection is not None and self.quirks.eager:
            self._hello(self.connection)

    def upgraded(self) -> None:
        if self.connection is not None and not self.quirks.eager:
            self._hello(self.connection)

    def connection_lost(self) -> None:
        self.connection = None
        self._early.clear()
        self._put_off.clear()
        self.rounds.lost()
        for timeline in self.storage.timelines.values():
            timeline.asking = False
        if self.waiting is None:
            delay_s = self.wait_s + BACKOFF_TICK_S * (1 + self.lane.pick(BACKOFF_TICKS))
            self.waiting = self.environment.loop.call_later(delay_s, self.connect)

    def reply(self, request: Packet, packet: Packet) -> None:
        handler = REPLIES.get(request["type"])
        if packet["type"] == "error":
            self._refused(request, packet)
        elif handler is not None:
            handler(self, request, packet)
        elif "key" in request:
            self._acknowledged(request, packet)
        else:
            self.answers.append((request, packet))
        if "key" in request and self.connection is not None and not self.connection.open_keys:
            self.flush()

    def push(self, packet: Packet) -> None:
        handler = PUSHES.get(packet["type"])
        if handler is not None:
            handler(self, packet)

    # hello and sync

    def _hello(self, connection: Connection) -> None:
        storage, quirks = self.storage, self.quirks
        packet = {"type": "hello", "version": 1, "token": self._token, "device": self.device}
        packet["features"] = [*quirks.words, *(["deflate"] if quirks.deflate and not quirks.text else [])]
        self.rounds.begin()
        if storage.epoch:
            stale = quirks.stale and storage.old_cursor and self.lane.befalls(3)
            connection.said.had_cursor = storage.old_cursor if stale else storage.cursor
            packet |= {"epoch": storage.epoch, "cursor": connection.said.had_cursor}
        packet |= {"rooms": quirks.page, "events": quirks.inline}
        packets = [connection.numbered(packet)]
        if quirks.eager and storage.epoch:
            packets += [
                connection.numbered(pending.packet, again=pending.asked)
                for pending in self._due(connection, 0.0)[:EAGER_MAX]
            ]
        connection.send(packets)

    def _welcomed(self, request: Packet, reply: Packet) -> None:
        assert self.connection is not None
        self.connection.said.boot = self.environment.boot()
        self._frame_bytes = reply["limits"].get("frame_bytes", FRAME_BYTES)
        if reply["epoch"] != self.storage.epoch:
            self.put_away()
            self.storage.begin_epoch(reply["epoch"])
            self.connection.said.epoch = reply["epoch"]
        self.rounds.welcomed(reply["sync"])
        for pending in self.outbox.values():
            pending.due = 0.0
        self._later()

    # rooms

    def summary(self, summary: Packet) -> None:
        # This includes a room that was made between two pages.
        if self.rounds.rooms is not None:
            self.rounds.rooms.add(summary["room"])
        ended = self.storage.summarise(summary)
        if ended is not None:
            self._keep(ended)
        if summary.get("kind") == "channel" and summary["room"] not in self.environment.channels:
            self.environment.channels.append(summary["room"])
        timeline = self.storage.timelines[summary["room"]]
        for event in self._early.pop(summary["room"], ()):
            timeline.take(event)
        self._repair(timeline)

    def forget(self, room: str) -> None:
        self._early.pop(room, None)
        self.storage.requests.discard(room)
        timeline = self.storage.timelines.pop(room, None)
        if timeline is not None:
            self._keep(timeline)

    def _keep(self, timeline: Timeline) -> None:
        if timeline.events:
            self.environment.slices.append(
                Slice(self.name, self.user, self.storage.epoch, timeline.room, timeline.events)
            )

    def put_away(self) -> None:
        """Move the applied events to the record of the run; the room begins anew."""
        for timeline in self.storage.timelines.values():
            self._keep(timeline)

    def _take(self, room: str, event: Packet) -> None:
        timeline = self.storage.timelines.get(room)
        # Perhaps the room is on a page still to come.
        if timeline is None:
            self._early.setdefault(room, []).append(event)
        else:
            timeline.take(event)

    def _repair(self, timeline: Timeline) -> None:
        if not timeline.complete and not timeline.asking and self.ready:
            self._ask_for(timeline, {"type": "log", "from": timeline.applied + 1})

    def _ask_for(self, timeline: Timeline, missing: Packet) -> None:
        assert self.connection is not None
        timeline.asking = True
        self.connection.ask({**missing, "room": timeline.room})

    def _logged(self, request: Packet, reply: Packet) -> None:
        timeline = self.storage.timelines.get(request["room"])
        if timeline is None:
            return
        timeline.asking = False
        if reply.get("reset"):
            self._keep(timeline)
            fresh = Timeline(timeline.room, reply.get("first_visible", 1))
            fresh.hear_of(reply["seq"])
            self.storage.timelines[timeline.room] = timeline = fresh
            # Only messages are left of what was folded away.
            if request["from"] >= fresh.first_visible:
                self._ask_for(fresh, {"type": "history", "limit": JUMP_PAGE})
        for event in reply["events"]:
            timeline.take(event)
        self._repair(timeline)

    def _leafed(self, request: Packet, reply: Packet) -> None:
        timeline = self.storage.timelines.get(request["room"])
        if timeline is None or not repairs(request):
            self.answers.append((request, reply))
            return
        timeline.asking = False
        timeline.jump(reply["seq"])
        self._repair(timeline)

    # outbox

    def post(self, packet: Packet) -> None:
        """Put a mutation into the outbox; it is sent now, or as soon as there is a connection."""
        self.keep(packet)
        self.flush()

    def keep(self, packet: Packet) -> None:
        """Put a mutation into the outbox, to be sent with the next ones."""
        self.outbox[packet["key"]] = Pending(packet)

    def flush(self) -> None:
        """Send what is due, as much as one frame holds; the answers bring the next one."""
        connection = self.connection
        if connection is None or not connection.ready:
            return
        waiting = self._due(connection, self.environment.loop.time())
        due = first_frame(waiting, connection.said.text, self._frame_bytes)
        if due:
            connection.send([connection.numbered(pending.packet, again=pending.asked) for pending in due])
            for pending in due:
                pending.asked = True

    def _due(self, connection: Connection, now: float) -> list[Pending]:
        open_keys = connection.open_keys
        return [p for key, p in self.outbox.items() if key not in open_keys and p.due <= now]

    def _acknowledged(self, request: Packet, reply: Packet) -> None:
        if self.outbox.pop(request["key"], None) is not None:
            self.done.append({name: value for name, value in request.items() if name != "id"})
        if "seq" in reply and "duplicate" not in reply and "room" in request:
            self._own_event(request, reply)
        elif "seq" in reply and "room" in request and request["room"] in self.storage.timelines:
            self.storage.timelines[request["room"]].hear_of(reply["seq"])
            self._repair(self.storage.timelines[request["room"]])
        if "summary" in reply:
            self.summary(reply["summary"])

    def _own_event(self, request: Packet, reply: Packet) -> None:
        self._take(request["room"], own_event(self.user, request, reply))
        timeline = self.storage.timelines.get(request["room"])
        if timeline is not None:
            self._repair(timeline)

    def _refused(self, request: Packet, error: Packet) -> None:
        if request["type"] == "hello":
            # A bye follows.
            return
        if repairs(request) and request["room"] in self.storage.timelines:
            self.storage.timelines[request["room"]].asking = False
        key = request.get("key")
        if error.get("retry", "never") == "never":
            self.outbox.pop(key or "", None)
            if repairs(request) and error["code"] in ("not_member", "gone", "not_found"):
                self.forget(request["room"])
            return
        delay_s = error.get("retry_after", 0) / 1000 or RETRY_S
        due = self.environment.loop.time() + delay_s
        if key in self.outbox:
            self.outbox[key].due = due
        elif key is None and not repairs(request):
            # What is missing of a log is known by its timeline.
            self._put_off.append((due, request))
        self.environment.loop.call_later(delay_s + 0.001, self._later)

    def _later(self) -> None:
        self.flush()
        for timeline in list(self.storage.timelines.values()):
            self._repair(timeline)
        due = [request for at, request in self._put_off if at <= self.environment.loop.time()]
        self._put_off = [(at, request) for at, request in self._put_off if request not in due]
        for request in due:
            self.connection.ask(request)  # type: ignore[union-attr]

    # pushes

    def _events(self, packet: Packet) -> None:
        for event in packet["events"]:
            self._take(packet["room"], event)
        timeline = self.storage.timelines.get(packet["room"])
        if timeline is not None:
            self._repair(timeline)

    def _heads(self, packet: Packet) -> None:
        for head in packet["rooms"]:
            timeline = self.storage.timelines.get(head["room"])
            if timeline is not None:
                timeline.hear_of(head["seq"])
                self._repair(timeline)

    def _pinged(self, packet: Packet) -> None:
        if "cursor" in packet:
            self.rounds.store(packet["cursor"])

    def _bye(self, packet: Packet) -> None:
        self._pinged(packet)
        self.wait_s = packet.get("retry_after", 0) / 1000
        # A user who logs in again begins anew.
        if packet["reason"] == "revoked":
            self.new_device()
            self.wait_s = LOGIN_S


REPLIES: dict[str, Callable[[SimClient, Packet, Packet], None]] = {
    "hello": SimClient._welcomed,
    "sync": lambda client, request, reply: client.rounds.synchronised(request, reply),
    "room.direct": lambda client, request, reply: client.storage.note_direct(request["user"], reply),
    "log": SimClient._logged,
    "history": SimClient._leafed,
}

PUSHES: dict[str, Callable[[SimClient, Packet], None]] = {
    "event": SimClient._events,
    "head": SimClient._heads,
    "room": lambda client, packet: client.summary(packet["summary"]),
    "gone": lambda client, packet: client.forget(packet["room"]),
    "account": lambda client, packet: client.rounds.account(packet),
    "ping": SimClient._pinged,
    "bye": SimClient._bye,
}
