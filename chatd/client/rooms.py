"""A room as the app holds it: its state, and everything one can do in it."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace

from .core.bots import Button
from .core.conversations import Member, member_from
from .core.emoji import normal_emoji
from .core.files import Attachment, UploadedFile, with_files
from .core.messages import Message, message_from
from .core.packets import (
    Body,
    ChangesReply,
    Event,
    HistoryReply,
    LogReply,
    MembersReply,
    MessagesReply,
    Packet,
    ReadersReply,
    SummaryReply,
)
from .core.replica import MemberReceipt, Replica
from .core.summary import Summary
from .core.timeline import Page
from .groups import Group
from .own_view import OwnView
from .room_calls import body_of, given, named
from .sender import Receipt

HISTORY_MAX = 100
"""Most messages of a page of history (protocol.md, "history")."""

HISTORY_PAGE = 50
"""Messages of a page of history (protocol.md, "history")."""


@dataclass(frozen=True, slots=True)
class Readers:
    """The number of users who read a message, and the first of them with their positions; `more` continues."""

    count: int
    readers: Mapping[str, int]
    more: str = ""


class Room(Group, OwnView):
    """One room of one client.

    Methods that write return when the server has stored the change durably, or raise its `ChatError`; they survive
    reconnects, and the change is made even if the caller stops waiting. `content` is a text or a whole body
    (protocol.md, "Body").
    """

    __slots__ = ()

    # State.

    @property
    def summary(self) -> Summary:
        """Title, peer, role and the rest, as the server sent them last; `unread` counts on from there."""
        return self._seen.summary

    @property
    def head(self) -> int:
        """The highest known `seq`."""
        return self._seen.timeline.head

    @property
    def applied(self) -> int:
        """The `seq` up to which every event was applied here."""
        return self._seen.timeline.applied

    @property
    def unread(self) -> int:
        """The number of unread messages, also of those whose content was not fetched."""
        return self._seen.badge

    @property
    def unread_mentions(self) -> int:
        """The number of unread mentions."""
        return self._seen.unread_mentions

    @property
    def read_to(self) -> int:
        """The own read position."""
        return self._seen.read

    @property
    def receipts(self) -> Mapping[str, MemberReceipt]:
        """The positions up to which other members have read and received the room, as far as the server tells
        (protocol.md, "receipts")."""
        return self._seen.receipts

    @property
    def typists(self) -> list[str]:
        """The users who are typing right now."""
        return self._engine.typing_state.in_room(self.id)

    @property
    def speakers(self) -> list[str]:
        """Those of the `typists` who speak a voice note."""
        return self._engine.typing_state.in_room(self.id, "voice")

    @property
    def live_notes(self) -> Mapping[str, str]:
        """The voice notes that are spoken now: by their speakers, the files that can be heard (protocol.md, "Live
        notes")."""
        return self._engine.live_notes.in_room(self.id)

    @property
    def messages(self) -> Mapping[int, Message]:
        """The cached messages by `seq`, in no particular order, each in its current state. Read only."""
        messages = self._seen.timeline.messages
        if not self.policy.get("retain_s"):
            return messages
        return {message.seq: message for message in self._shown(messages.values())}

    def cached(self) -> tuple[Message, ...]:
        """Return the newest messages cached without a hole, ascending."""
        timeline = self._seen.timeline
        low = timeline.cached.covered_down_from(timeline.applied)
        return self._shown(timeline.between(low, timeline.applied))

    # Writing.

    async def send(
        self,
        content: str | Body,
        *,
        files: Iterable[UploadedFile | Attachment] = (),
        silent: bool = False,
        composed_at: int | None = None,
        key: str = "",
        comments_on: int = 0,
    ) -> Receipt:
        """Send a message and wait for the durable acknowledgement (protocol.md, "send"). `files`: those that
        `client.upload` returned, at most 10. `key`: of the draft that it was. `comments_on`: a post of the channel
        whose comments are in this group."""
        message = self._message(with_files(content, files), silent, composed_at, key)
        return await self._engine.deliver({**message, **given(post=comments_on)})

    async def post(
        self,
        content: str | Body,
        *,
        files: Iterable[UploadedFile | Attachment] = (),
        silent: bool = False,
        composed_at: int | None = None,
        key: str = "",
        comments_on: int = 0,
    ) -> str:
        """Put a message into the outbox and return its key, once it is stored here. `files`, `key` and `comments_on` as
        of `send`.

        Its outcome comes as `SendDone`, `SendDelayed` or `SendFailed`.
        """
        message = self._message(with_files(content, files), silent, composed_at, key)
        return await self._engine.sender.post({**message, **given(post=comments_on)})

    async def press(self, seq: int, button: Button) -> Receipt:
        """Press a button below a message, which sends its label and data (protocol.md, "Button").

        To put it into the outbox: `post(button.pressed(seq))`. Raises ValueError for a button with a `url`.
        """
        return await self.send(button.pressed(seq))

    async def edit(self, seq: int, content: str | Body) -> Receipt:
        """Replace the body of an own message."""
        return await self._write("edit", target=seq, body=body_of(content))

    async def recall(self, seq: int) -> Receipt:
        """Recall a message for everybody."""
        return await self._write("recall", target=seq)

    async def react(self, seq: int, emoji: str, *, present: bool = True) -> Receipt:
        """Set, or with `present=False` clear, an own reaction: one emoji, or a word between colons, as in `:yes:`.

        The presentation of an emoji makes no difference (protocol.md, "react"). Raises `BadRequest` for anything
        else.
        """
        message = self._seen.timeline.messages.get(seq)
        if present or message is None or emoji not in message.mine:
            emoji = normal_emoji(emoji)
        return await self._write("react", target=seq, emoji=emoji, set=present)

    async def pin(self, seq: int, *, pinned: bool = True) -> Receipt:
        """Pin a message, or unpin it."""
        return await self._write("pin", target=seq, set=pinned)

    # Reading.

    async def timeline(self, limit: int = HISTORY_PAGE) -> tuple[Message, ...]:
        """Return the newest `limit` messages, ascending and up to date; fetches exactly what is missing."""
        await self._engine.repairer.repair(self._seen)
        before = self.applied + 1
        messages: tuple[Message, ...] = ()
        while len(messages) < limit:
            page = await self.history(before=before, limit=min(HISTORY_MAX, limit - len(messages)))
            messages, before = page.messages + messages, page.low
            if page.end or page.low <= 1:
                break
        return messages

    async def history(
        self,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        limit: int = HISTORY_PAGE,
    ) -> Page:
        """Return a page of messages in their current state, ascending (protocol.md, "history").

        Give one of `before` (below this `seq`), `after`, `around`; none means the newest. `limit` is at most 100. A
        page `before` a message comes from the cache if it is there without a hole. The page says which numbers it
        covers.
        """
        if before is not None:
            kept = await self._page_kept(before, limit)
            if kept is not None:
                return kept
        places = {"before": before, "after": after, "around": around}
        reply: HistoryReply = await self._call("history", limit=limit, **named(places))
        replica = self._seen
        changes = replica.without_deleted(replica.timeline.take_page(reply))
        # Before the cache is trimmed.
        page = self._page(replica, reply)
        self._engine.account.publish(replica, changes)
        return page

    async def comments(self, post: int, *, before: int | None = None, limit: int = HISTORY_PAGE) -> Page:
        """Return the newest comments on a post of the channel of this group, or those below `before`, ascending
        (protocol.md, "Comments"). The page says which numbers it covers, and is not kept."""
        reply: HistoryReply = await self._call("history", post=post, limit=limit, **named({"before": before}))
        messages = self._shown(self._fresh(reply["events"]))
        return Page(messages, reply["low"], reply["high"], reply["seq"], reply.get("end", False))

    async def comment_counts(self, posts: Iterable[int]) -> Mapping[int, int]:
        """Return how many comments there are on these posts of a channel, at most 50; 1000 is 1000 or more."""
        reply = await self._call("comments", seqs=list(posts))
        return {entry["seq"]: entry["count"] for entry in reply["counts"]}

    async def log(self, first: int, last: int | None = None, limit: int | None = None) -> LogReply:
        """Return the raw reply of `log` from number `first` on (protocol.md, "log"); it is not applied to the room."""
        asked = {"from": first, "to": last, "limit": limit}
        reply: LogReply = await self._call("log", **named(asked))
        return reply

    async def changes(self, low: int, high: int, since: int) -> ChangesReply:
        """Return the raw reply of `changes`: messages in `low` to `high` changed after `since` (protocol.md,
        "changes"); it is not applied."""
        reply: ChangesReply = await self._call("changes", low=low, high=high, since=since)
        return reply

    async def fetch(self, seqs: Iterable[int]) -> tuple[Message, ...]:
        """Return these messages, at most 100, in their current state (protocol.md, "messages")."""
        reply: MessagesReply = await self._call("messages", seqs=list(seqs))
        return self._fresh(reply["events"])

    def read(self, seq: int | None = None) -> None:
        """Mark everything up to `seq`, or all that was applied, as read; sent at most every 2 s (protocol.md,
        "read")."""
        self._engine.signals.read(self._seen, self.applied if seq is None else seq)
        self._engine.note_soon()

    def typing(self, what: str = "text") -> None:
        """Show the others that the user is typing, or speaks a `voice` note; call it on every key, it is sent at most
        every 3 s (protocol.md, "typing")."""
        self._engine.signals.typing(self.id, what)

    async def played(self, seq: int) -> None:
        """Note that the voice note of message `seq` was heard (protocol.md, "played")."""
        await self._call("played", seq=seq)

    async def readers(
        self, seq: int, *, unread: bool = False, more: str = "", limit: int | None = None
    ) -> Readers:
        """Return the users who read the message `seq`, or with `unread` those who did not (protocol.md, "readers")."""
        asked = given(unread=unread, more=more, limit=limit)
        reply: ReadersReply = await self._call("readers", seq=seq, **asked)
        readers = {entry["user"]: entry["read"] for entry in reply.get("readers", ())}
        return Readers(reply.get("count", len(readers)), readers, reply.get("more", ""))

    # The room itself.

    async def refresh(self) -> Summary:
        """Fetch the summary."""
        reply: SummaryReply = await self._call("room.get")
        return self._engine.account.take_summary(reply["summary"]).summary

    async def update(self, **settings: object) -> None:
        """Change `title`, `avatar`, `public`, `about`, `tags` or `data`, or of a channel `comments`: the group of its
        comments (protocol.md, "room.update")."""
        await self._mutate("room.update", **settings)

    async def delete(self) -> None:
        """Delete the room; only its owner may."""
        await self._mutate("room.delete")
        self._engine.account.lose(self.id, "deleted")

    async def leave(self) -> None:
        """Leave the room, take a request to enter it back, or decline an offer."""
        await self._engine.mutate({"type": "room.leave", "room": self.id}, logged=False)
        self._engine.account.lose(self.id, "left")

    async def members(self, *, prefix: str = "", role: str = "") -> AsyncIterator[Member]:
        """Yield all members, page by page: `async for member in room.members()`; those with a role, or `banned`."""
        more = ""
        while True:
            reply: MembersReply = await self._call(
                "members.list", **given(prefix=prefix, role=role, more=more)
            )
            for entry in reply.get("members", ()):
                yield member_from(entry)
            more = reply.get("more", "")
            if not more:
                return

    async def preferences(
        self,
        *,
        muted_until: int | None = None,
        pinned: bool | None = None,
        hidden: bool | None = None,
        wallpaper: str | None = None,
        notify: str | None = None,
    ) -> None:
        """Change the own view of the room (protocol.md, "preferences"): mute until a time in ms (1 for ever, 0 not),
        pin to the top, hide, set its wallpaper, and be told of `all` messages, `mentions`, `none` or what is the
        `default` of the account."""
        asked = {"muted_until": muted_until, "pinned": pinned, "hidden": hidden, "wallpaper": wallpaper}
        asked["notify"] = notify
        await self._call("preferences", **named(asked))

    # Internal.

    async def _page_kept(self, before: int, limit: int) -> Page | None:
        timeline = self._seen.timeline
        low = timeline.cached.covered_down_from(before - 1)
        if low < before:
            await self._engine.repairer.refresh(self._seen, low, before - 1)
        page = timeline.page_before(before, limit)
        return page and replace(page, messages=self._shown(page.messages))

    def _shown(self, messages: Iterable[Message]) -> tuple[Message, ...]:
        """Return those of the messages that are not too old for the room."""
        now = self._engine.settings.env.time_ms()
        return tuple(message for message in messages if self._seen.is_shown(message, now))

    def _fresh(self, events: Iterable[Event]) -> tuple[Message, ...]:
        """Return single messages that a reply brought, which update those that are kept."""
        replica = self._seen
        self._engine.account.publish(replica, replica.timeline.take_messages(events))
        return tuple(message_from(self.id, event) for event in events if not replica.is_deleted(event["seq"]))

    def _page(self, replica: Replica, reply: HistoryReply) -> Page:
        low, high = reply["low"], reply["high"]
        messages = self._shown(replica.timeline.between(low, high))
        return Page(messages, low, high, reply["seq"], reply.get("end", False))

    def _message(self, content: str | Body, silent: bool, composed_at: int | None, key: str) -> Packet:
        env = self._engine.settings.env
        key = key or env.key()
        packet: Packet = {"type": "send", "room": self.id, "key": key, "body": body_of(content)}
        packet["composed_at"] = env.time_ms() if composed_at is None else composed_at
        if silent:
            packet["silent"] = True
        return packet
