"""The copy of one room at a reader, kept by the replay rule of protocol.md "Event" and by nothing else."""

from collections.abc import Iterable
from typing import Any

Event = dict[str, Any]


class Replica:
    """Messages by `seq`; applying any log any number of times must end in the current state of the server."""

    def __init__(self) -> None:
        self.messages: dict[int, Event] = {}

    def apply_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self.apply(event)

    def apply(self, event: Event) -> None:
        """Apply an event; an operation counts only when it is newer than the last change of its target."""
        if event["kind"] == "message":
            self._take(event)
            return
        if event["kind"] == "erased":
            self._erase(event)
            return
        target = self.messages.get(event.get("target", 0))
        if target is None or event["seq"] <= target.get("changed", 0):
            return
        target["changed"] = event["seq"]
        act = {
            "edit": self._edit,
            "recall": self._recall,
            "reaction": self._react,
            "reactions": self._replace_reactions,
            "pin": self._pin,
        }
        act[event["kind"]](target, event)

    def _take(self, message: Event) -> None:
        known = self.messages.get(message["seq"])
        if known is None or message.get("changed", 0) >= known.get("changed", 0):
            kept = {name: value for name, value in message.items() if name != "mine"}
            kept["reactions"] = {row["emoji"]: row["count"] for row in message.get("reactions", [])}
            self.messages[message["seq"]] = kept

    def _erase(self, event: Event) -> None:
        for seq, message in self.messages.items():
            is_between = event.get("from", 0) <= seq <= event.get("to", seq) and seq < event["seq"]
            if is_between and message["user"] == event["user"] and message.get("changed", 0) < event["seq"]:
                message["changed"] = event["seq"]
                self._recall(message, event)

    def _edit(self, target: Event, event: Event) -> None:
        target["edited"] = event["time"]
        if "body" in event:
            target["body"] = event["body"]

    def _recall(self, target: Event, event: Event) -> None:
        target.pop("body", None)
        target["recalled"] = True

    def _react(self, target: Event, event: Event) -> None:
        count = target["reactions"].get(event["emoji"], 0) + (1 if event["set"] else -1)
        target["reactions"][event["emoji"]] = count
        if count == 0:
            del target["reactions"][event["emoji"]]

    def _replace_reactions(self, target: Event, event: Event) -> None:
        target["reactions"] = {row["emoji"]: row["count"] for row in event["reactions"]}

    def _pin(self, target: Event, event: Event) -> None:
        target.pop("pinned", None)
        if event["set"]:
            target["pinned"] = True
