"""One room as this client knows it: summary, unread numbers, receipts, and the timeline; pure.

The server is the authority for `unread`. Between two of its values the client adds one for each countable message of
somebody else that was applied without a hole (protocol.md, "Unread"); `counted` is the `seq`, and `as_of` the
ordinal, up to which `unread` is right.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple, NotRequired, TypedDict

from .changes import Change, MessageAdded, MessageChanged, ReceiptsChanged, RoomChanged, RoomMoved
from .messages import Message, with_own_reaction
from .packets import Event, PositionReply, ReceiptEntry, RoomSummary
from .summary import Summary, shown_in
from .timeline import Timeline

EVERYBODY_MEMBERS_MAX = 500
"""Members up to which a mention of `*` counts (protocol.md, "Thresholds"), unless the hello reply gives another
number."""


@dataclass(slots=True)
class Owner:
    """The user of the account, as their rooms know them.

    `everybody_max`: members up to which a mention of `*` counts. `blocked`: whom they block; messages of those count
    nothing (protocol.md, "Blocks and groups").
    """

    user: str = ""
    everybody_max: int = EVERYBODY_MEMBERS_MAX
    blocked: set[str] = field(default_factory=set)


class MemberReceipt(NamedTuple):
    """The positions up to which one member has read and received the room, which they see from `first_visible` on."""

    read: int = 0
    delivered: int = 0
    first_visible: int = 1


def receipt_from(entry: ReceiptEntry) -> MemberReceipt:
    """Return the positions an entry names; the others never moved."""
    return MemberReceipt(entry.get("read", 0), entry.get("delivered", 0), entry.get("first_visible", 1))


class RoomRecord(TypedDict):
    """The part of a room that survives a restart; `applied` only if the room was ever opened.

    `read` is above that of the summary until the server has it.
    """

    summary: RoomSummary
    read: NotRequired[int]
    counted: int
    as_of: int
    applied: NotRequired[int]


class Replica:
    """The local copy of one room."""

    __slots__ = (
        "as_of",
        "counted",
        "early",
        "owner",
        "read",
        "receipts",
        "room",
        "summary",
        "timeline",
        "unread",
        "unread_mentions",
    )

    def __init__(self, room: str, owner: Owner) -> None:
        self.room = room
        self.owner = owner
        self.summary = Summary(room)
        self.timeline = Timeline(room, owner)
        self.receipts: dict[str, MemberReceipt] = {}
        # By ordinal: whether a message that came too early to be applied counts nothing.
        self.early: dict[int, bool] = {}
        self.reset()

    def reset(self) -> None:
        """Forget every position, as a new epoch demands (protocol.md, "Unread")."""
        self.timeline.reset()
        self.receipts.clear()
        self.early.clear()
        self.summary = replace(self.summary, preview=None)
        self.read = self.unread = self.unread_mentions = self.counted = self.as_of = 0

    def take_summary(self, packet: RoomSummary) -> list[Change]:
        """Replace the summary and apply the `events` it brought (protocol.md, "RoomSummary" and "Positions, gaps
        and repair")."""
        summary = Summary.from_packet(packet)
        preview = self.summary.preview
        if summary.preview is None and preview is not None and preview["seq"] >= summary.first_visible:
            summary = replace(summary, preview=preview)
        self.summary = summary
        self.timeline.bounds(summary.first_visible, summary.log_floor)
        self.timeline.heard(summary.seq, summary.ordinal)
        self.as_of = summary.ordinal
        self._count_from(summary.seq, summary.unread, summary.unread_mentions)
        self.read = max(self.read, summary.read)
        if summary.peer:
            self._receive(summary.peer, MemberReceipt(summary.peer_read, summary.peer_delivered))
        return [RoomChanged(self.room), *self.feed(packet.get("events", ()))]

    def feed(self, events: Iterable[Event]) -> list[Change]:
        """Apply events by the gap rules and count what is unread."""
        events = list(events)
        changes = self.counted_in(self.timeline.feed(events))
        if not self.timeline.behind:
            self.early.clear()
        for event in events:
            ordinal = event.get("ordinal", 0)
            if ordinal and event["seq"] > self.timeline.applied:
                self.early[ordinal] = self._is_uncounted(event.get("user", ""), ordinal)
        return changes

    def counted_in(self, changes: list[Change]) -> list[Change]:
        """Count the messages among `changes`, which the timeline has just applied."""
        for change in changes:
            if isinstance(change, MessageAdded) and change.message.seq > self.counted:
                self._count(change.message)
        self.counted = max(self.counted, self.timeline.applied)
        self._show_again()
        return changes

    def take_head(self, seq: int, ordinal: int, preview: Event | None = None) -> list[Change]:
        """Take a new head; the content is fetched on request (protocol.md, "Positions, gaps and repair").

        The newest post of a channel, or a change of its settings, comes with it (protocol.md, "How posts arrive").
        """
        known = self.timeline.head
        self.timeline.heard(seq, ordinal)
        self._show_again()
        if preview is None or preview["seq"] <= known:
            return [RoomMoved(self.room, seq, ordinal)] if seq > known else []
        self.summary = shown_in(self.summary, preview)
        return [RoomMoved(self.room, seq, ordinal), RoomChanged(self.room)]

    def take_position(self, packet: PositionReply) -> list[Change]:
        """Take the own read position, moved here or on another device (protocol.md, "Positions, gaps and repair" and
        "read")."""
        self.read = max(self.read, packet.get("read", 0))
        self.summary = replace(self.summary, read=packet.get("read", 0))
        self.as_of = packet.get("ordinal", self.timeline.ordinal)
        self.timeline.heard(self.timeline.head, self.as_of)
        self._count_from(self.timeline.head, packet.get("unread", 0), packet.get("unread_mentions", 0))
        return [RoomChanged(self.room)]

    def take_receipts(self, receipts: Iterable[ReceiptEntry]) -> list[Change]:
        """Take positions of members who have read, or received, more (protocol.md, "receipts")."""
        moved = [entry["user"] for entry in receipts if self._receive(entry["user"], receipt_from(entry))]
        return [ReceiptsChanged(self.room, tuple(moved))] if moved else []

    def take_own_reaction(self, target: int, emoji: str, *, present: bool) -> list[Change]:
        """Take an own reaction that is stored though no event carries it (protocol.md, "react", large rooms)."""
        message = self.timeline.messages.get(target)
        if message is not None:
            self.timeline.messages[target] = with_own_reaction(message, emoji, present=present)
        return []

    def mark_read(self, seq: int) -> bool:
        """Raise the own read position; False if it is there already."""
        if seq <= self.read:
            return False
        self.read = seq
        if seq >= self.timeline.head:
            self.unread = self.unread_mentions = 0
            self.as_of = self.timeline.ordinal
        return True

    @property
    def badge(self) -> int:
        """The number of unread messages, with those known only by a head or by a later number (protocol.md,
        "Unread")."""
        skipped = sum(uncounted for ordinal, uncounted in self.early.items() if ordinal > self.as_of)
        return self.unread + max(0, self.timeline.ordinal - self.as_of - skipped)

    @property
    def proof(self) -> tuple[str | int, ...]:
        """The words of this room in the digest of a list (protocol.md, "verify")."""
        timeline, summary = self.timeline, self.summary
        numbers = (timeline.head, timeline.ordinal, self.read, self.badge, self.unread_mentions)
        return (self.room, *numbers, summary.first_visible, summary.muted_until)

    def is_deleted(self, seq: int) -> bool:
        """Whether the user deleted a message for themself."""
        return any(low <= seq <= high for low, high in self.summary.deleted)

    def is_shown(self, message: Message, now_ms: int) -> bool:
        """Whether a message is young enough for the rules of the room (protocol.md, "Retention")."""
        retain_s = (self.summary.policy or {}).get("retain_s", 0)
        if not isinstance(retain_s, int) or not retain_s or message.seq <= self.summary.kept:
            return True
        return message.time >= now_ms - 1000 * retain_s

    def without_deleted(self, changes: Iterable[Change]) -> list[Change]:
        """Forget the messages that the user deleted for themself, and leave them out of changes (protocol.md,
        "delete")."""
        if not self.summary.deleted:
            return list(changes)
        messages = self.timeline.messages
        for seq in [seq for seq in messages if self.is_deleted(seq)]:
            del messages[seq]
        of_messages = (MessageAdded, MessageChanged)
        return [
            change
            for change in changes
            if not (isinstance(change, of_messages) and self.is_deleted(change.message.seq))
        ]

    def trim(self, kept: int) -> None:
        """Bound the cache, in steps of some events."""
        # Sorting the numbers once per so many events costs next to nothing.
        slack = kept // 4 + 32
        if len(self.timeline.messages) + len(self.timeline.notes) > kept + slack:
            self.timeline.trim(kept)

    # Storage.

    def record(self) -> RoomRecord:
        """Return everything to be stored; messages are not."""
        timeline = self.timeline
        summary = replace(
            self.summary,
            seq=timeline.head,
            ordinal=timeline.ordinal,
            unread=self.unread,
            unread_mentions=self.unread_mentions,
        )
        record: RoomRecord = {
            "summary": summary.packet(),
            "read": self.read,
            "counted": self.counted,
            "as_of": self.as_of,
        }
        if timeline.started:
            record["applied"] = timeline.applied
        return record

    def restore(self, record: RoomRecord) -> None:
        """Load what `record` returned."""
        self.take_summary(record["summary"])
        self.read = record.get("read", self.read)
        self.counted = record.get("counted", self.counted)
        self.as_of = record.get("as_of", self.as_of)
        if "applied" in record:
            self.timeline.resume(record["applied"])

    def _show_again(self) -> None:
        """End that the room is hidden, with its next message that counts (protocol.md, "preferences")."""
        if self.summary.hidden and self.timeline.ordinal > self.summary.ordinal:
            self.summary = replace(self.summary, hidden=False)

    # Unread numbers.

    def _count(self, message: Message) -> None:
        self.counted = message.seq
        # It is silent, or in the number of the server already.
        if message.ordinal <= self.as_of:
            return
        self.as_of = message.ordinal
        if self._is_uncounted(message.user, message.ordinal) or message.seq <= self.read:
            return
        self.unread += 1
        mentions = (message.body or {}).get("mentions", ())
        everybody = "*" in mentions and self.summary.members <= self.owner.everybody_max
        if self.owner.user in mentions or everybody:
            self.unread_mentions += 1

    def _is_uncounted(self, user: str, ordinal: int) -> bool:
        """Whether a message counts nothing: as things were when it came."""
        known = self.early.get(ordinal)
        return (user == self.owner.user or user in self.owner.blocked) if known is None else known

    def _count_from(self, seq: int, unread: int, mentions: int) -> None:
        """Take the numbers of the server, right at `seq`; messages applied beyond it are added."""
        self.unread, self.unread_mentions, self.counted = unread, mentions, seq
        messages = self.timeline.messages
        if seq < self.timeline.applied:
            for later in sorted(number for number in messages if number > seq):
                self._count(messages[later])
            self.counted = self.timeline.applied

    def _receive(self, user: str, named: MemberReceipt) -> bool:
        old = self.receipts.get(user, MemberReceipt())
        new = MemberReceipt(*map(max, old, named))
        self.receipts[user] = new
        return new != old
