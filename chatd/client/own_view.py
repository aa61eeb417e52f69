"""The part of a room that is the user's own: forwards, drafts, messages of later, folders, delete (protocol.md,
"Sharing", "Drafts, scheduled messages, folders" and "The inbox").
"""

from collections.abc import Iterable
from typing import Any

from .core.conversations import Draft, UnreadMessages, ranges_of
from .core.packets import Body, Decoded
from .room_calls import RoomCalls, body_of, given
from .sender import Receipt


class OwnView(RoomCalls):
    """The part of a room that is the user's own."""

    __slots__ = ()

    async def forward(self, source: RoomCalls | str, seqs: Iterable[int], *, credit: bool = False) -> Receipt:
        """Copy messages of another room, at most 100, into this one; return the receipt of the first. With `credit`
        their authors are named, where those agree."""
        origin = source if isinstance(source, str) else source.id
        return await self._write("forward", **{"from": origin, "seqs": list(seqs), **given(credit=credit)})

    # Drafts and messages of later.

    @property
    def draft(self) -> Draft | None:
        """What is being written, on whatever device; None when a message with its key is here."""
        row: Any = self._engine.account.rows.section("drafts").get(self.id)
        if row is None:
            return None
        draft = Draft.from_packet(row)
        is_sent = any(message.key == draft.key for message in self._seen.timeline.messages.values())
        return None if is_sent else draft

    async def set_draft(self, content: str | Body, *, key: str = "") -> str:
        """Keep what is being written for the other devices; an empty text drops it. Returns the `key`, which the next
        draft of the same message has, too."""
        key = key or self._engine.settings.env.key()
        body = body_of(content)
        is_kept = body.get("text") or body.get("reply_to")
        await self._call("draft", key=key, **({"body": body} if is_kept else {}))
        return key

    async def schedule(self, content: str | Body, at: int, *, key: str = "") -> str:
        """Have a message sent at a time in ms, and return its key; with the `key` of one that waits, it takes its
        place."""
        key = key or self._engine.settings.env.key()
        await self._call("schedule", key=key, at=at, body=body_of(content))
        return key

    async def cancel_scheduled(self, key: str) -> None:
        """Cancel a message that waits, or was refused."""
        await self._call("schedule", key=key)

    # The own view.

    async def move(self, folder: int) -> None:
        """Put the room into a folder: 0 none, 1 the archive."""
        await self._call("preferences", folder=folder)

    async def mark_unread(self, marked: bool = True) -> None:
        """Mark the room as unread, until it is read."""
        await self._call("preferences", unread_mark=marked)

    async def delete_for_me(self, seqs: Iterable[int]) -> None:
        """Take messages out of the own view, on all devices; nothing takes it back. They are read with that."""
        ranges = ranges_of(seqs)
        if not ranges:
            return
        last = ranges[-1][1]
        if last > self._seen.summary.read:
            self._replica.take_position(await self._call("read", seq=last))
        await self._call("delete", ranges=ranges)
        await self._fetch_summary()

    async def clear(self, seq: int | None = None) -> None:
        """Take everything up to `seq`, or all that was applied, out of the own view."""
        await self._call("clear", seq=self._seen.timeline.applied if seq is None else seq)
        await self._fetch_summary()

    async def fetch_unread(self) -> UnreadMessages:
        """Return the messages that the unread number counts."""
        seqs: list[int] = []
        mentions: list[int] = []
        more = ""
        while True:
            reply = await self._call("unread", **given(more=more))
            seqs += reply["seqs"]
            mentions += reply["mentions"]
            more = reply.get("more", "")
            if not more:
                return UnreadMessages(seqs, mentions)

    async def _fetch_summary(self) -> Decoded:
        reply = await self._call("room.get")
        return self._engine.account.take_summary(reply["summary"])
