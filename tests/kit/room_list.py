"""The room list of a client, kept by sync pages and pushes alone (protocol.md "SyncPage", "room", "gone")."""

from typing import Any

from tests.kit.client_socket import Packet

# Sent on request, not kept.
FLEETING = {"preview", "events"}


class RoomList:
    """Rooms by name, as a client would show them, and the cursor it would send in its next hello."""

    def __init__(self) -> None:
        self.rooms: dict[str, dict[str, Any]] = {}
        self.position: dict[str, str] = {}
        # The rooms named by the pages of the current full round.
        self._mentioned: set[str] = set()

    def take_hello(self, hello: Packet) -> None:
        self.position["epoch"] = hello["epoch"]
        self.take_page(hello["sync"])

    def take_page(self, page: Packet) -> None:
        """Apply a page; the last one of a full round forgets every room that no page named."""
        for summary in page["rooms"]:
            self.take_summary(summary)
            self._mentioned.add(summary["room"])
        for room in page.get("gone", []):
            self.rooms.pop(room, None)
        if "cursor" in page:
            if "full" in page:
                self.rooms = {name: room for name, room in self.rooms.items() if name in self._mentioned}
            self.position["cursor"] = page["cursor"]
            self._mentioned.clear()

    def take_summary(self, summary: Packet) -> None:
        self.rooms[summary["room"]] = {key: summary[key] for key in summary.keys() - FLEETING}

    def take_push(self, push: Packet) -> None:
        """Apply `room`, `gone`, `position`, `event` or `head`; others do not concern the list."""
        take = {
            "room": self._take_room,
            "gone": self._take_gone,
            "position": self._take_position,
            "event": self._take_event,
            "head": self._take_head,
        }.get(push["type"])
        if take:
            take(push)

    def _take_room(self, push: Packet) -> None:
        self.take_summary(push["summary"])

    def _take_gone(self, push: Packet) -> None:
        self.rooms.pop(push["room"], None)

    def _take_position(self, push: Packet) -> None:
        if room := self.rooms.get(push["room"]):
            room |= {key: push[key] for key in ("read", "unread", "unread_mentions")}

    def _take_event(self, push: Packet) -> None:
        self._advance(push["room"], push["events"][-1]["seq"])

    def _take_head(self, push: Packet) -> None:
        for head in push["rooms"]:
            self._advance(head["room"], head["seq"])

    def _advance(self, name: str, seq: int) -> None:
        if room := self.rooms.get(name):
            room["seq"] = max(room["seq"], seq)
