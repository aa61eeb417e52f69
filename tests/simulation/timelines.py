"""The copy of a room at a client, as protocol.md "Positions, gaps and repair" has it. It survives a restart."""

from typing import Any

Event = dict[str, Any]

# Messages to go on from when the log was folded; no action asks for as many.
JUMP_PAGE = 50


def repairs(request: Event) -> bool:
    """Whether a request closes a gap, rather than being an action of a user."""
    return request["type"] == "log" or request.get("limit") == JUMP_PAGE


class Timeline:
    """One room: everything up to `applied` is known, `head` is the highest known number."""

    __slots__ = ("applied", "asking", "events", "first_visible", "head", "room", "waiting")

    def __init__(self, room: str, first_visible: int) -> None:
        self.room = room
        self.first_visible = first_visible
        self.applied = self.head = first_visible - 1
        self.events: list[Event] = []
        self.waiting: dict[int, Event] = {}
        # Whether a `log` is under way.
        self.asking = False

    def hear_of(self, seq: int) -> None:
        """Note that the room is at `seq`."""
        self.head = max(self.head, seq)

    def take(self, event: Event) -> None:
        """Take one event, wherever it came from."""
        seq = event["seq"]
        self.hear_of(seq)
        if seq > self.applied:
            self.waiting[seq] = event
        while self.applied + 1 in self.waiting:
            self.applied += 1
            self.events.append(self.waiting.pop(self.applied))

    def jump(self, seq: int) -> None:
        """Continue behind `seq`, unless the room is there already: everything up to it is known otherwise."""
        if self.events:
            return
        self.applied = seq
        self.hear_of(seq)
        self.waiting = {later: event for later, event in self.waiting.items() if later > seq}

    @property
    def complete(self) -> bool:
        return self.applied >= self.head


class ClientStorage:
    """The state that survives a restart of a client: its positions, its rooms, its outbox."""

    def __init__(self) -> None:
        self.epoch = ""
        self.cursor = ""
        self.old_cursor = ""
        self.timelines: dict[str, Timeline] = {}
        # Account rows: stamp and value, None: deleted.
        self.rows: dict[str, dict[str, tuple[int, Any]]] = {}
        self.muted: set[str] = set()
        # Ranges of events that the user deleted for themself.
        self.deleted: dict[str, list[Any]] = {}
        # Rooms in which the user was asked and has not answered.
        self.requests: set[str] = set()
        # The direct rooms that this client asked for, by the other user.
        self.directs: dict[str, str] = {}

    def begin_epoch(self, epoch: str) -> None:
        """Forget what is of another history."""
        self.timelines, self.rows, self.deleted, self.requests = {}, {}, {}, set()
        self.cursor = self.old_cursor = ""
        self.epoch = epoch

    def heads(self) -> dict[str, int]:
        return {name: timeline.head for name, timeline in self.timelines.items()}

    def views(self) -> dict[str, tuple[int, list[Any]]]:
        """Return, by room, the first event that is seen, and what was deleted."""
        return {
            room: (timeline.first_visible, self.deleted.get(room, []))
            for room, timeline in self.timelines.items()
            if room not in self.requests
        }

    def note_direct(self, user: str, reply: dict[str, Any]) -> None:
        """Note a direct room. It is in the list when a push says so, which may be never."""
        self.directs[user] = reply["summary"]["room"]

    def take_rows(self, sections: dict[str, list[dict[str, Any]]]) -> None:
        """Take account rows: the higher stamp is valid."""
        for section, rows in sections.items():
            held = self.rows.setdefault(section, {})
            for row in rows:
                if row["stamp"] > held.get(row["name"], (0, None))[0]:
                    held[row["name"]] = (row["stamp"], row.get("value"))

    def summarise(self, summary: dict[str, Any]) -> Timeline | None:
        """Take a summary; return the timeline that it ended when the user had left and come back."""
        room, first = summary["room"], summary.get("first_visible", 1)
        known = self.timelines.get(room)
        ended = known if known is not None and known.first_visible != first else None
        if known is None or ended is not None:
            known = self.timelines[room] = Timeline(room, first)
        known.hear_of(summary["seq"])
        (self.muted.add if summary.get("muted_until") else self.muted.discard)(room)
        self.deleted[room] = summary.get("deleted", [])
        (self.requests.add if summary.get("request") else self.requests.discard)(room)
        for event in summary.get("events", ()):
            known.take(event)
        return ended
