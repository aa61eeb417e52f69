"""A phone's copy of a room, as protocol.md "Positions, gaps and repair" has it. Kept in its flash memory."""

from typing import Any

Event = dict[str, Any]

JUMP_PAGE = 50  # messages to go on from when the log was folded; no action asks for as many


def repairs(request: Event) -> bool:
    """Whether a request closes a gap, and is not somebody's curiosity."""
    return request["type"] == "log" or request.get("limit") == JUMP_PAGE


class Timeline:
    """One room: `applied` up to where nothing is missing, `head` the highest number heard of."""

    __slots__ = ("applied", "asking", "events", "first_visible", "head", "room", "waiting")

    def __init__(self, room: str, first_visible: int) -> None:
        self.room = room
        self.first_visible = first_visible
        self.applied = self.head = first_visible - 1
        self.events: list[Event] = []
        self.waiting: dict[int, Event] = {}
        self.asking = False  # a `log` is under way

    def hear_of(self, seq: int) -> None:
        """The room is at `seq` by now."""
        self.head = max(self.head, seq)

    def take(self, event: Event) -> None:
        """One event, wherever it came from."""
        seq = event["seq"]
        self.hear_of(seq)
        if seq > self.applied:
            self.waiting[seq] = event
        while self.applied + 1 in self.waiting:
            self.applied += 1
            self.events.append(self.waiting.pop(self.applied))

    def jump(self, seq: int) -> None:
        """Everything up to `seq` is known otherwise: go on behind it, unless it goes on already."""
        if self.events:
            return
        self.applied = seq
        self.hear_of(seq)
        self.waiting = {later: event for later, event in self.waiting.items() if later > seq}

    @property
    def complete(self) -> bool:
        return self.applied >= self.head


class ClientStorage:
    """What survives a phone's restart: where it stands, what it knows, what it has not got through yet."""

    def __init__(self) -> None:
        self.epoch = ""
        self.cursor = ""
        self.old_cursor = ""
        self.timelines: dict[str, Timeline] = {}
        self.rows: dict[str, dict[str, tuple[int, Any]]] = {}  # of the account: stamp and value, None: gone
        self.muted: set[str] = set()

    def heads(self) -> dict[str, int]:
        return {name: timeline.head for name, timeline in self.timelines.items()}

    def take_rows(self, sections: dict[str, list[dict[str, Any]]]) -> None:
        """Account rows: the higher stamp holds."""
        for section, rows in sections.items():
            held = self.rows.setdefault(section, {})
            for row in rows:
                if row["stamp"] > held.get(row["name"], (0, None))[0]:
                    held[row["name"]] = (row["stamp"], row.get("value"))

    def summarise(self, summary: dict[str, Any]) -> Timeline | None:
        """Take a summary in; the timeline it ended when the user had left and come back."""
        room, first = summary["room"], summary.get("first_visible", 1)
        known = self.timelines.get(room)
        ended = known if known is not None and known.first_visible != first else None
        if known is None or ended is not None:
            known = self.timelines[room] = Timeline(room, first)
        known.hear_of(summary["seq"])
        (self.muted.add if summary.get("muted_until") else self.muted.discard)(room)
        for event in summary.get("events", ()):
            known.take(event)
        return ended
