"""The members of a room at any time: read from its log alone, independent of what the daemon kept in memory."""

from collections.abc import Iterable
from typing import Any

Event = dict[str, Any]

FOR_EVER = 1 << 53


# Of `history` "recent" in protocol.md "Policy".
RECENT = 200


class Members:
    """Intervals of `seq` in which each user was a member, both ends included; with `shows_past` from the first event
    on that the rules of the room showed them.
    """

    def __init__(self, events: Iterable[Event], *, shows_past: bool = False) -> None:
        self._intervals: dict[str, list[list[int]]] = {}
        past = "none"
        for event in events:
            if event["kind"] in ("created", "joined"):
                seen = {"none": 0, "recent": RECENT, "all": event["seq"]}[past] if shows_past else 0
                for user in event["users"]:
                    self._intervals.setdefault(user, []).append([event["seq"] - seen, FOR_EVER])
            elif event["kind"] == "settings":
                past = event.get("policy", {}).get("history", past)
            elif event["kind"] in ("left", "removed"):
                for user in event["users"]:
                    self._intervals[user][-1][1] = event["seq"]

    def saw(self, user: str, seq: int) -> bool:
        """Whether an event of this number was for `user`, when it was committed."""
        return any(low <= seq <= high for low, high in self._intervals.get(user, ()))

    def stayed(self, user: str, low: int, high: int) -> bool:
        """Whether `user` was a member all the time between two events."""
        return any(first <= low and high <= last for first, last in self._intervals.get(user, ()))
