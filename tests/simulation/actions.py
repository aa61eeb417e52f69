"""The actions of users: a table from which a client draws. They only send; the checkers compare the outcome."""

from collections.abc import Callable
from typing import Any

from tests.simulation.channel_actions import CHANNEL_ACTIONS, RETENTION_ACTIONS
from tests.simulation.client import SimClient
from tests.simulation.comforts_actions import COMFORTS_ACTIONS
from tests.simulation.group_actions import GROUP_ACTIONS
from tests.simulation.history import Packet
from tests.simulation.media_actions import MEDIA_ACTIONS
from tests.simulation.people_actions import PEOPLE_ACTIONS
from tests.simulation.push_phones import PUSH_ACTIONS
from tests.simulation.scenario import Scenario
from tests.simulation.search import SEARCH_ACTIONS
from tests.simulation.sharing_actions import SHARING_ACTIONS

PACE_S = 0.01
# Up to 0.4 s pass between two actions.
PACES = 40
# The most sends at once.
BURST = 6
EMOJIS = ("👍", "🎉")
WORDS = ("hi", "words", "a longer sentence that somebody typed", "ö" * 40)
# This fills small outboxes.
LONG = "x" * 700


class Actor:
    """The user of one client: does `left` more actions in the rooms in `rooms`, which all users share."""

    def __init__(self, client: SimClient, rooms: list[str], users: list[str], plan: Scenario) -> None:
        self.client = client
        self._actions = (
            *ACTIONS,
            *(PEOPLE_ACTIONS if plan.people else ()),
            *(PUSH_ACTIONS if plan.push else ()),
            *(MEDIA_ACTIONS if plan.media else ()),
            *(GROUP_ACTIONS if plan.governed else ()),
            *(SHARING_ACTIONS if plan.conversations else ()),
            *(COMFORTS_ACTIONS if plan.conversations else ()),
            *(SEARCH_ACTIONS if plan.search else ()),
            *(RETENTION_ACTIONS if plan.retained else ()),
            *(CHANNEL_ACTIONS if plan.channels else ()),
            # Of those who are erased, too.
            *((react,) * 4 if plan.moderated else ()),
        )
        self.rooms = rooms
        self.users = users
        self.left = plan.actions
        # Other devices of the same user.
        self.siblings: list[SimClient] = []
        self._lane = client.lane
        self._made = 0

    def begin(self) -> None:
        self._next()

    def _next(self) -> None:
        loop = self.client.environment.loop
        loop.call_later(PACE_S * (1 + self._lane.pick(PACES)), self._do)

    def _do(self) -> None:
        if not self.left:
            return
        self.left -= 1
        action = self._actions[self._lane.pick(len(self._actions))]
        action(self)
        self._next()

    # The parts of actions.

    def key(self) -> str:
        self._made += 1
        return f"{self.client.device.rstrip('_')}-{self._made:06}"

    def room(self) -> str:
        """Return a room, mostly one that this user is in."""
        known = list(self.client.storage.timelines)
        if known and not self._lane.befalls(8):
            return known[self._lane.pick(len(known))]
        return self.rooms[self._lane.pick(len(self.rooms))]

    def someone(self) -> str:
        return self.users[self._lane.pick(len(self.users))]

    def target(self, room: str) -> int | None:
        """Return one of the last messages of the room."""
        timeline = self.client.storage.timelines.get(room)
        events = timeline.events[-12:] if timeline is not None else []
        messages = [event["seq"] for event in events if event["kind"] == "message"]
        return messages[self._lane.pick(len(messages))] if messages else None

    def post(self, kind: str, room: str, **fields: Any) -> None:
        self.client.post({"type": kind, "room": room, "key": self.key(), **fields})

    def ask(self, packet: Packet) -> None:
        """Send a request whose answer matters only to the checkers; without a connection it is not sent."""
        if self.client.ready:
            self.client.connection.ask(packet)  # type: ignore[union-attr]

    def send(self, packet: Packet) -> None:
        """Send a packet that has no answer."""
        if self.client.ready:
            self.client.connection.send([packet])  # type: ignore[union-attr]


def send(actor: Actor) -> None:
    text = WORDS[actor._lane.pick(len(WORDS))]
    body: Packet = {"text": text}
    if actor._lane.befalls(6):
        body["mentions"] = ["*"] if actor._lane.befalls(2) else [actor.someone()]
    fields: Packet = {"silent": True} if actor._lane.befalls(10) else {}
    actor.post("send", actor.room(), body=body, **fields)


def send_many(actor: Actor) -> None:
    """Send a batch, long messages among them."""
    room = actor.room()
    for _ in range(2 + actor._lane.pick(BURST)):
        text = LONG if actor._lane.befalls(2) else "quick"
        pending = {"type": "send", "room": room, "key": actor.key(), "body": {"text": text}}
        actor.client.keep(pending)
    actor.client.flush()


def act_on(kind: str, **fields: Any) -> Callable[[Actor], None]:
    """Return an action on a message."""

    def act(actor: Actor) -> None:
        room = actor.room()
        target = actor.target(room)
        if target is not None:
            actor.post(kind, room, target=target, **fields)

    return act


def react(actor: Actor) -> None:
    emoji = EMOJIS[actor._lane.pick(len(EMOJIS))]
    act_on("react", emoji=emoji, set=not actor._lane.befalls(3))(actor)


def repeat(actor: Actor) -> None:
    """Send again a mutation that was answered long ago, as after a lost acknowledgement."""
    done = actor.client.done
    if done and actor.client.ready:
        packet = done[actor._lane.pick(len(done))]
        actor.client.connection.ask(packet, again=True)  # type: ignore[union-attr]


def copy(actor: Actor) -> None:
    """Send a copy of a mutation that another device of the same user is sending."""
    for sibling in actor.siblings:
        if sibling.outbox and actor.client.ready:
            pending = next(iter(sibling.outbox.values()))
            actor.client.connection.ask(pending.packet, again=True)  # type: ignore[union-attr]


def read(actor: Actor) -> None:
    room = actor.room()
    timeline = actor.client.storage.timelines.get(room)
    if timeline is not None:
        actor.ask({"type": "read", "room": room, "seq": max(0, timeline.applied - actor._lane.pick(3))})


def deliver(actor: Actor) -> None:
    rows = [
        {"room": t.room, "seq": t.applied} for t in actor.client.storage.timelines.values() if t.applied > 0
    ]
    if rows:
        actor.send({"type": "delivered", "rooms": rows})


def join(actor: Actor) -> None:
    actor.post("room.join", actor.rooms[actor._lane.pick(len(actor.rooms))])


def leave(actor: Actor) -> None:
    actor.post("room.leave", actor.room())


def add(actor: Actor) -> None:
    actor.post("members.add", actor.room(), users=[actor.someone()])


def remove(actor: Actor) -> None:
    actor.post("members.remove", actor.room(), users=[actor.someone()])


def promote(actor: Actor) -> None:
    role = ("member", "admin", "owner")[actor._lane.pick(3)]
    actor.post("members.role", actor.room(), users=[{"user": actor.someone(), "role": role}])


def rename(actor: Actor) -> None:
    actor.post("room.update", actor.room(), title=f"t{actor._lane.pick(9)}")


def prefer(actor: Actor) -> None:
    choice = ({"pinned": True}, {"pinned": False}, {"hidden": True}, {"muted_until": 1}, {"muted_until": 0})
    actor.ask({"type": "preferences", "room": actor.room(), **choice[actor._lane.pick(len(choice))]})


def choose(actor: Actor) -> None:
    actor.ask({"type": "preferences", "receipts": actor._lane.befalls(2)})


def look(actor: Actor) -> None:
    room = actor.room()
    page = (
        {"type": "history", "room": room, "limit": 1 + actor._lane.pick(20)},
        {"type": "changes", "room": room, "low": 1, "high": 50, "since": actor._lane.pick(20)},
        {"type": "room.get", "room": room},
        {"type": "members.list", "room": room, "limit": 2},
        {"type": "readers", "room": room, "seq": 1 + actor._lane.pick(10)},
        {"type": "messages", "room": room, "seqs": [1, 2, 3]},
        {"type": "devices.list"},
        {"type": "users.get", "users": actor.users},
        {"type": "sync"},
        {"type": "ping"},
    )
    packet = page[actor._lane.pick(len(page))]
    if packet["type"] == "sync":
        actor.client.rounds.synchronise()
    else:
        actor.ask(packet)


def focus(actor: Actor) -> None:
    actor.ask({"type": "focus", "rooms": [actor.room()]})


def type_away(actor: Actor) -> None:
    actor.send({"type": "typing", "room": actor.room()})


def watch(actor: Actor) -> None:
    actor.ask({"type": "watch", "users": actor.users})


ACTIONS: tuple[Callable[[Actor], None], ...] = (
    *(send,) * 8,
    *(send_many,) * 3,
    *(repeat,) * 2,
    *(react,) * 2,
    *(read,) * 3,
    *(look,) * 3,
    copy,
    act_on("edit", body={"text": "other words"}),
    act_on("edit", body={"text": "again other words"}),
    act_on("recall"),
    act_on("pin", set=True),
    deliver,
    join,
    join,
    leave,
    add,
    remove,
    promote,
    rename,
    prefer,
    choose,
    choose,
    focus,
    type_away,
    watch,
)
