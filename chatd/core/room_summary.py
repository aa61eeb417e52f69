"""A room as one of its members sees it (protocol.md "RoomSummary"), from memory or from rows of a store.

A connection gets all events of a batch before the replies to its requests in that batch. So replies with counters are
filled in after the last decision: a number from the middle of the batch would be older than the messages before it.
"""

from typing import Literal, NamedTuple

from msgspec import UNSET, Raw

from chatd.core.extras import ASKED, DELETED, NICKNAME, PLAYED, SILENCED, WALLPAPER, extra
from chatd.core.own_view import saw_from
from chatd.core.policy import NO_DETAILS, RoomDetails, details_of
from chatd.core.room import ACCEPTED, CHANNEL, DIRECT, REQUEST, Member, Room
from chatd.core.visibility import ShownTo, marks_shown, seen
from chatd.core.write_set import RoomReply, WriteSet
from chatd.protocol.errors import Refused
from chatd.protocol.limits import PLAYED_MAX
from chatd.protocol.members import ROLES, Role
from chatd.protocol.push import Level
from chatd.protocol.read_state import ReadOk, Receipt
from chatd.protocol.rooms import RoomSummary

# More than a summary takes besides its texts and data: the names of all its keys, its numbers, a room, a peer.
SUMMARY_BYTES = 400
# The numbers of voice notes that a peer heard, which are none of the texts of a row.
PEER_PLAYED_BYTES = 5 * PLAYED_MAX
UTF8_BYTES_MAX = 4  # of a character


def complete_room_replies(writes: WriteSet, shown_to: ShownTo) -> None:
    """Fill in the replies that show a room, as it is after the batch. Call it once, when everything is decided."""
    for answer in writes.room_replies:
        # Looked up again: a user who left and came back within the batch is a new member.
        member = answer.room.members.get(answer.user)
        if member is not None:
            fill_in(answer, member, shown_to)
        elif answer.origin is not None:
            answer.origin.reject(Refused("not_member", "not in this room any more"))


def fill_in(answer: RoomReply, member: Member, shown_to: ShownTo) -> None:
    reply, room = answer.reply, answer.room
    if isinstance(reply, ReadOk):
        reply.read, reply.ordinal = member.read, room.ordinal
        reply.unread, reply.unread_mentions = (
            member.unread(room.ordinal, room.purged_ordinal),
            member.mentions,
        )
    else:
        reply.summary = summary_of(room, member, shown_to)


class RoomRow(NamedTuple):
    """The part of a summary that comes from the row of the room and the row of its member, as a store reads them.

    Flags are 0 or 1, and `data_hex` and `extras` are hexadecimal digits, as JSON carries them. `stamp`: of the last
    commit that changed what the member sees.
    """

    number: int
    name: str
    size: int
    muted_until: int
    pinned: int
    time: int
    stamp: int
    unread: int
    mentions: int
    hidden: int
    seq: int
    ordinal: int
    read: int
    first_visible: int
    log_floor: int
    last_message: int
    title: str
    avatar: str
    data_hex: str
    public: int
    role: Role
    kind: str
    written: int
    standing: int = ACCEPTED
    extras: str = ""
    notify: Level | Literal[""] = ""
    details_hex: str = ""
    folder: int = 0
    unread_mark: int = 0

    def is_hidden(self, _ordinal: int) -> bool:
        return bool(self.hidden)

    @property
    def details(self) -> RoomDetails:
        return details_of(bytes.fromhex(self.details_hex)) if self.details_hex else NO_DETAILS

    @property
    def data(self) -> bytes:
        return bytes.fromhex(self.data_hex) if self.data_hex else b""

    @property
    def floor(self) -> int:
        """Nothing: `first_visible` of a row is above the floor of its room."""
        return 0

    @property
    def bytes_max(self) -> int:
        """An upper bound of the encoded summary without preview and events."""
        texts = UTF8_BYTES_MAX * (len(self.title) + len(self.avatar))
        packed = (len(self.data_hex) + len(self.extras) + len(self.details_hex)) // 2
        return SUMMARY_BYTES + texts + packed + (PEER_PLAYED_BYTES if self.kind == DIRECT else 0)


class Peer(NamedTuple):
    """The other user of a direct room, how far they got, and whether both show receipts.

    `extras`: theirs, which say how many texts they were asked with, in hexadecimal digits from a store.
    """

    user: str
    first_visible: int
    read: int
    delivered: int
    both_show: bool
    extras: bytes | str = b""


def summary_of(room: Room, member: Member, shown_to: ShownTo) -> RoomSummary:
    """Return all keys of the summary but `preview` and `events`, from memory."""
    peer = peer_of(room, member) if room.direct else None
    return summarise(room, member, member.unread(room.ordinal, room.purged_ordinal), peer, shown_to)


def peer_of(room: Room, member: Member) -> Peer:
    peer = room.members[room.peer(member.user)]
    both_show = peer is not member and member.receipts and peer.receipts and not room.keeps_marks
    return Peer(peer.user, peer.first_visible, peer.read, peer.delivered, both_show, peer.extras)


def summarise(
    room: Room | RoomRow, member: Member | RoomRow, unread: int, peer: Peer | None, shown_to: ShownTo
) -> RoomSummary:
    """Return the summary of a room, from memory or from a store; `peer`: in a direct room."""
    summary = RoomSummary(
        room.name,
        room.seq,
        room.ordinal,
        room.time,
        member.read,
        unread,
        member.mentions,
        muted_until=member.muted_until,
        pinned=bool(member.pinned),
        hidden=member.is_hidden(room.ordinal),
        first_visible=max(member.first_visible, room.floor + 1),
        log_floor=room.log_floor,
    )
    if member.standing != ACCEPTED:
        summary.request = member.standing == REQUEST
    summary.folder, summary.unread_mark = member.folder, bool(member.unread_mark)
    if member.notify:
        summary.notify = member.notify
    if member.extras:
        summary.wallpaper = extra(member, WALLPAPER) or UNSET
        summary.played = extra(member, PLAYED) or UNSET
        summary.nickname = extra(member, NICKNAME) or UNSET
        summary.silenced_until = extra(member, SILENCED) or 0
        summary.deleted = extra(member, DELETED) or UNSET
    if room.details is not NO_DETAILS:
        show_details(summary, room.details)
        # To those who decide.
        summary.joins = room.details.joins if member.role != "member" else 0
    if peer is None:
        show_group(summary, room, member)
    else:
        summary.peer = peer.user
        if peer.extras:
            summary.asked = extra(peer, ASKED) or 0
        if peer.both_show and marks_shown(shown_to, direct=True, written=room.written):
            first = saw_from(peer)
            summary.peer_read, summary.peer_delivered = seen(peer.read, first), seen(peer.delivered, first)
            if peer.extras:
                summary.peer_played = extra(peer, PLAYED) or UNSET
    return summary


def shows_marks(room: Room, member: Member, shown_to: ShownTo) -> bool:
    """Whether the other of a direct room sees how far `member` got, and what they heard."""
    return peer_of(room, member).both_show and marks_shown(shown_to, direct=True, written=room.written)


def show_group(summary: RoomSummary, room: Room | RoomRow, member: Member | RoomRow) -> None:
    summary.title = room.title or UNSET
    summary.avatar = room.avatar or UNSET
    data = room.data
    summary.data = Raw(data) if data else UNSET
    summary.public = bool(room.public)
    summary.members = room.size
    if room.kind == CHANNEL:
        summary.kind = CHANNEL
    summary.role = ROLES[member.role]


def show_details(summary: RoomSummary, details: RoomDetails) -> None:
    """Show what few groups have, and all members see."""
    summary.about = details.about or UNSET
    summary.tags = list(details.tags) or UNSET
    summary.announcement = details.announcement
    summary.kept = details.kept
    if details.policy != NO_DETAILS.policy:
        summary.policy = details.policy


def receipt_of(member: Member) -> Receipt:
    """Return the watermarks of a member; one that never moved is left out."""
    first = saw_from(member)
    return Receipt(
        member.user, seen(member.read, first) or UNSET, seen(member.delivered, first) or UNSET, first
    )
