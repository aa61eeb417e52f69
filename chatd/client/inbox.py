"""The list of rooms of a client, and what leads into others (protocol.md, "Conversations")."""

from collections.abc import Iterable, Mapping
from typing import Any

from .core.conversations import (
    CountingRoom,
    Draft,
    Found,
    FoundRooms,
    Hit,
    Join,
    RoomCard,
    Scheduled,
    digest_of,
    join_from,
)
from .core.packets import Packet
from .engine import Engine
from .room_calls import given, named

READS_MAX = 200
"""Rooms of one request (protocol.md, "reads")."""


class Inbox:
    """The part of a client that is about its list of rooms."""

    _engine: Engine

    # The local state.

    @property
    def joins(self) -> Mapping[str, Join]:
        """Own requests to enter rooms, and offers to this user, by room."""
        return {room: join_from(row) for room, row in self._rows("joins").items()}

    @property
    def drafts(self) -> Mapping[str, Draft]:
        """What is being written, on whatever device, by room; `room.draft` leaves out what was sent."""
        return {room: Draft.from_packet(row) for room, row in self._rows("drafts").items()}

    @property
    def scheduled(self) -> Mapping[str, Scheduled]:
        """The messages that are sent later, and those that were refused then, by key."""
        return {key: Scheduled.from_packet(row) for key, row in self._rows("scheduled").items()}

    @property
    def folders(self) -> list[Mapping[str, Any]]:
        """The folders of the account, in their order: `id` 2 to 20, and `name`."""
        return list(self._rows("account").get("preferences", {}).get("folders", ()))

    # Entering.

    async def look_at(self, invite: str) -> RoomCard:
        """Return the room into which an invite leads. Raises `NotFound` where it does not work, whatever the reason."""
        return RoomCard.from_packet(
            (await self._engine.call({"type": "invites.look", "invite": invite}))["card"]
        )

    async def use_invite(self, invite: str, text: str = "") -> str:
        """Enter the room of an invite and return its id; empty: an admin decides, to whom `text` goes."""
        packet: Packet = {"type": "invites.use", "invite": invite, **given(text=text)}
        reply = await self._engine.mutate(packet, logged=False)
        if "summary" not in reply:
            return ""
        return self._engine.account.take_summary(reply["summary"]).room

    # What the user keeps.

    async def set_folders(self, folders: Iterable[Mapping[str, Any]]) -> None:
        """Replace the folders; a room in one that is gone is in none."""
        await self._engine.call({"type": "preferences", "folders": [dict(folder) for folder in folders]})

    async def set_credit(self, credit: bool) -> None:
        """Set whether others who forward messages of this user may name them."""
        await self._engine.call({"type": "preferences", "credit": credit})

    # The numbers.

    async def fetch_badge(self) -> tuple[int, list[CountingRoom]]:
        """Return the number on the icon of the app, and the rooms that it is the sum of."""
        rooms: list[CountingRoom] = []
        more = ""
        while True:
            reply = await self._engine.call({"type": "unread", **given(more=more)})
            rooms += map(CountingRoom.from_packet, reply["rooms"])
            more = reply.get("more", "")
            if not more:
                return reply["badge"], rooms

    async def read_all(self, rooms: Iterable[str] | None = None) -> None:
        """Mark rooms, or all, as read up to what is known of them here."""
        account = self._engine.account
        known = account.replicas if rooms is None else [room for room in rooms if room in account.replicas]
        reads = [{"room": room, "seq": account.replicas[room].timeline.head} for room in known]
        for at in range(0, len(reads), READS_MAX):
            reply = await self._engine.call({"type": "reads", "rooms": reads[at : at + READS_MAX]})
            for row in reply["rooms"]:
                account.take_push({**row, "type": "position"})

    async def verify(self) -> bool:
        """Return whether the list of rooms is that of the server; if not, it is fetched anew. Call it when all that was
        sent is applied, once a day at most (protocol.md, "verify")."""
        # What was under way at the first time came before its answer.
        for _ in range(2):
            if (await self._engine.call(self._proof()))["equal"]:
                return True
        self._engine.account.drop_cursor()
        await self._engine.sync()
        return False

    def _proof(self) -> Packet:
        replicas = self._engine.account.replicas.values()
        rooms = [replica.proof for replica in replicas if not replica.summary.request]
        return {"type": "verify", "rooms": len(rooms), "digest": digest_of(rooms)}

    # Search.

    async def search(
        self,
        text: str = "",
        *,
        room: str = "",
        author: str = "",
        has: Iterable[str] = (),
        period: tuple[int | None, int | None] = (None, None),
        more: str = "",
    ) -> Found:
        """Return messages by what they say (protocol.md, "search"): of one room, or the newest hit of each.
        `period`: first and last time in ms. Raises `NotSupported` where search is off."""
        since, until = period
        asked = given(text=text, room=room, has=list(has), more=more)
        asked |= named({"since": since, "until": until})
        asked |= {"from": author} if author else {}
        reply = await self._engine.call({"type": "search", **asked})
        hits = [Hit.from_packet(hit) for hit in reply["hits"]]
        return Found(hits, reply.get("more", ""), reply.get("behind", 0))

    # Discovery.

    async def find_rooms(self, text: str = "", *, tag: str = "", more: str = "") -> FoundRooms:
        """Return listed groups and channels by the beginning of a word of their title, by a tag, or both, the largest
        first (protocol.md, "Discovery"). Raises `NotSupported` where discovery is off."""
        reply = await self._engine.call({"type": "rooms.find", **given(text=text, tag=tag, more=more)})
        return FoundRooms([RoomCard.from_packet(card) for card in reply["rooms"]], reply.get("more", ""))

    def _rows(self, section: str) -> Mapping[str, Any]:
        return self._engine.account.rows.section(section)
