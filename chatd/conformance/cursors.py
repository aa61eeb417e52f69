"""The cursors that a server gave a client, and the rooms that each stands for (protocol.md, "sync"); pure."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any


class Cursors:
    """All cursors of one client, by epoch."""

    def __init__(self) -> None:
        self._epoch = ""
        self._rooms: set[str] = set()
        self._given: dict[tuple[str, str], frozenset[str]] = {}
        self._in_full_round = False
        # After 4005 none may be sent.
        self._dropped = False

    def welcome(self, reply: Mapping[str, Any]) -> None:
        """Take the reply to `hello`."""
        self._dropped = self._in_full_round = False
        if reply.get("epoch", "") != self._epoch:
            self._rooms.clear()
        self._epoch = reply.get("epoch", "")
        self.page(reply.get("sync", {}))

    def page(self, page: Mapping[str, Any]) -> None:
        """Take a page of a sync."""
        if page.get("full") and not self._in_full_round:
            # Rooms that its pages do not name are forgotten.
            self._rooms.clear()
            self._in_full_round = True
        self._rooms |= {summary["room"] for summary in page.get("rooms", ())}
        self._rooms -= set(page.get("gone", ()))
        if "more" not in page:
            self._in_full_round = False
        self._take(page)

    def push(self, packet: Mapping[str, Any]) -> None:
        """Take a push: a `room`, a `gone`, or one that may carry a cursor."""
        kind = packet.get("type")
        if kind == "room":
            self._rooms.add(packet["summary"]["room"])
        elif kind == "gone":
            self._rooms.discard(packet["room"])
        elif kind in ("ping", "bye"):
            self._take(packet)

    def resync(self) -> None:
        """Take a close with 4005."""
        self._dropped = True

    def wrong_hello(self, packet: Mapping[str, Any]) -> Iterator[str]:
        """Yield what is wrong with the cursor of a `hello`."""
        if "cursor" not in packet:
            return
        if "epoch" not in packet:
            yield "a hello with a cursor names its epoch"
        elif packet["epoch"] != self._epoch:
            yield f"the epoch is {self._epoch}, and it says {packet['epoch']}"
        if self._dropped:
            yield "after 4005 it sends none"
        yield from self.wrong(packet["cursor"])

    def wrong(self, cursor: str) -> Iterator[str]:
        """Yield what is wrong with a cursor that the client sends."""
        if (self._epoch, cursor) not in self._given:
            yield f"{cursor!r} is no cursor of this epoch that stands for what was told"

    def wrong_store(self, cursor: str, rooms: Collection[str]) -> Iterator[str]:
        """Yield what is wrong with what a client has kept: rooms that its cursor stands for, and that it lacks."""
        missing = self._given.get((self._epoch, cursor), frozenset()) - set(rooms)
        if missing:
            yield f"it kept the cursor {cursor!r}, and not {', '.join(sorted(missing))}, which that stands for"

    def _take(self, packet: Mapping[str, Any]) -> None:
        if "cursor" in packet:
            self._given[self._epoch, packet["cursor"]] = frozenset(self._rooms)
