"""What people do with their phones: a table of deeds, drawn from the phone's lane. Only asked, never judged here."""

from collections.abc import Callable
from typing import Any

from tests.simulation.history import Packet
from tests.simulation.phones import Phone

PACE_S = 0.01
PACES = 40  # up to 0.4 s between two deeds
BURST = 6  # sends at once
EMOJIS = ("👍", "🎉")
WORDS = ("hi", "words", "a longer sentence that somebody typed", "ö" * 40)
LONG = "x" * 700  # so that small outboxes fill


class Person:
    """Who holds one phone: does `left` more things to the rooms in `rooms`, which all people share."""

    def __init__(self, phone: Phone, rooms: list[str], users: list[str], deeds: int) -> None:
        self.phone = phone
        self.rooms = rooms
        self.users = users
        self.left = deeds
        self.siblings: list[Phone] = []  # other devices of the same user
        self._lane = phone.lane
        self._made = 0

    def begin(self) -> None:
        self._next()

    def _next(self) -> None:
        loop = self.phone.streets.loop
        loop.call_later(PACE_S * (1 + self._lane.pick(PACES)), self._do)

    def _do(self) -> None:
        if not self.left:
            return
        self.left -= 1
        deed = DEEDS[self._lane.pick(len(DEEDS))]
        deed(self)
        self._next()

    # what deeds are made of

    def key(self) -> str:
        self._made += 1
        return f"{self.phone.device.rstrip('_')}-{self._made:06}"

    def room(self) -> str:
        """Mostly a room this person is in."""
        known = list(self.phone.flash.timelines)
        if known and not self._lane.befalls(8):
            return known[self._lane.pick(len(known))]
        return self.rooms[self._lane.pick(len(self.rooms))]

    def someone(self) -> str:
        return self.users[self._lane.pick(len(self.users))]

    def target(self, room: str) -> int | None:
        """A message of the room, one of the last."""
        timeline = self.phone.flash.timelines.get(room)
        events = timeline.events[-12:] if timeline is not None else []
        messages = [event["seq"] for event in events if event["kind"] == "message"]
        return messages[self._lane.pick(len(messages))] if messages else None

    def post(self, kind: str, room: str, **fields: Any) -> None:
        self.phone.post({"type": kind, "room": room, "key": self.key(), **fields})

    def ask(self, packet: Packet) -> None:
        """Something whose answer matters only to the checkers; without a connection nobody asks."""
        if self.phone.ready:
            self.phone.line.ask(packet)  # type: ignore[union-attr]

    def tell(self, packet: Packet) -> None:
        """Something nobody answers."""
        if self.phone.ready:
            self.phone.line.send([packet])  # type: ignore[union-attr]


def send(person: Person) -> None:
    text = WORDS[person._lane.pick(len(WORDS))]
    body: Packet = {"text": text}
    if person._lane.befalls(6):
        body["mentions"] = ["*"] if person._lane.befalls(2) else [person.someone()]
    fields: Packet = {"silent": True} if person._lane.befalls(10) else {}
    person.post("send", person.room(), body=body, **fields)


def send_many(person: Person) -> None:
    """A batch, long messages among them."""
    room = person.room()
    for _ in range(2 + person._lane.pick(BURST)):
        text = LONG if person._lane.befalls(2) else "quick"
        pending = {"type": "send", "room": room, "key": person.key(), "body": {"text": text}}
        person.phone.keep(pending)
    person.phone.flush()


def act_on(kind: str, **fields: Any) -> Callable[[Person], None]:
    """A deed done to a message."""

    def act(person: Person) -> None:
        room = person.room()
        target = person.target(room)
        if target is not None:
            person.post(kind, room, target=target, **fields)

    return act


def react(person: Person) -> None:
    emoji = EMOJIS[person._lane.pick(len(EMOJIS))]
    act_on("react", emoji=emoji, set=not person._lane.befalls(3))(person)


def repeat(person: Person) -> None:
    """Send something again that was answered long ago, as after a lost acknowledgement."""
    done = person.phone.done
    if done and person.phone.ready:
        packet = done[person._lane.pick(len(done))]
        person.phone.line.ask(packet, again=True)  # type: ignore[union-attr]


def copy(person: Person) -> None:
    """Send what another device of the same user is just sending."""
    for sibling in person.siblings:
        if sibling.outbox and person.phone.ready:
            pending = next(iter(sibling.outbox.values()))
            person.phone.line.ask(pending.packet, again=True)  # type: ignore[union-attr]


def read(person: Person) -> None:
    room = person.room()
    timeline = person.phone.flash.timelines.get(room)
    if timeline is not None:
        person.ask({"type": "read", "room": room, "seq": max(0, timeline.applied - person._lane.pick(3))})


def deliver(person: Person) -> None:
    rows = [
        {"room": t.room, "seq": t.applied} for t in person.phone.flash.timelines.values() if t.applied > 0
    ]
    if rows:
        person.tell({"type": "delivered", "rooms": rows})


def join(person: Person) -> None:
    person.post("room.join", person.rooms[person._lane.pick(len(person.rooms))])


def leave(person: Person) -> None:
    person.post("room.leave", person.room())


def add(person: Person) -> None:
    person.post("members.add", person.room(), users=[person.someone()])


def remove(person: Person) -> None:
    person.post("members.remove", person.room(), users=[person.someone()])


def promote(person: Person) -> None:
    role = ("member", "admin", "owner")[person._lane.pick(3)]
    person.post("members.role", person.room(), users=[{"user": person.someone(), "role": role}])


def rename(person: Person) -> None:
    person.post("room.update", person.room(), title=f"t{person._lane.pick(9)}")


def prefer(person: Person) -> None:
    choice = ({"pinned": True}, {"pinned": False}, {"hidden": True}, {"muted_until": 1}, {"muted_until": 0})
    person.ask({"type": "preferences", "room": person.room(), **choice[person._lane.pick(len(choice))]})


def look(person: Person) -> None:
    room = person.room()
    page = (
        {"type": "history", "room": room, "limit": 1 + person._lane.pick(20)},
        {"type": "changes", "room": room, "low": 1, "high": 50, "since": person._lane.pick(20)},
        {"type": "room.get", "room": room},
        {"type": "members.list", "room": room, "limit": 2},
        {"type": "readers", "room": room, "seq": 1 + person._lane.pick(10)},
        {"type": "messages", "room": room, "seqs": [1, 2, 3]},
        {"type": "devices.list"},
        {"type": "users.get", "users": person.users},
        {"type": "sync"},
        {"type": "ping"},
    )
    packet = page[person._lane.pick(len(page))]
    if packet["type"] == "sync":
        person.phone.synchronise()
    else:
        person.ask(packet)


def focus(person: Person) -> None:
    person.ask({"type": "focus", "rooms": [person.room()]})


def type_away(person: Person) -> None:
    person.tell({"type": "typing", "room": person.room()})


def watch(person: Person) -> None:
    person.ask({"type": "watch", "users": person.users})


DEEDS: tuple[Callable[[Person], None], ...] = (
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
    focus,
    type_away,
    watch,
)
