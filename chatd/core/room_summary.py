"""A room as one of its members sees it (protocol.md "RoomSummary"), from memory or from rows of a store.

A connection gets all events of a batch before the replies to its requests in that batch. So replies with counters are
filled in after the last decision: a number from the middle of the batch would be older than the messages before it.
"""

from typing import Literal, NamedTuple

from msgspec import UNSET, Raw, Struct

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


class Membership(Struct, array_like=True, gc=False):
    """The beginning of a row: enough to subscribe a connection, and for the order and the totals of the list.

    `stamp`: of the last commit that changed what the member sees. `hidden`: 0 or 1.
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


class RoomRow(Membership, array_like=True, gc=False):
    """The part of a summary that comes from the row of the room and the row of its member, as a store reads them.

    `first_visible` is above what was purged. Flags are 0 or 1; `data_hex`, `extras` and `details_hex` are hexadecimal
    digits, as JSON carries them.
    """

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

    def bytes_max(self) -> int:
        """Return an upper bound of the encoded summary without preview and events."""
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
    numbers = (
        member.unread(room.ordinal, room.purged_ordinal),
        member.is_hidden(room.ordinal),
        room.seen_from(member),
    )
    peer = peer_of(room, member) if room.direct else None
    summary = summarise(room, member, numbers, peer, shown_to)
    if room.data and peer is None:
        summary.data = Raw(room.data)
    if room.details is not NO_DETAILS:
        show_details(summary, room.details, member.role)
    return summary


def summary_of_row(row: RoomRow, peer: Peer | None, shown_to: ShownTo) -> RoomSummary:
    """Return all keys of the summary but `preview` and `events`, from a store; `peer`: in a direct room."""
    summary = summarise(row, row, (row.unread, bool(row.hidden), row.first_visible), peer, shown_to)
    if row.data_hex and peer is None:
        summary.data = Raw(bytes.fromhex(row.data_hex))
    if row.details_hex:
        show_details(summary, details_of(bytes.fromhex(row.details_hex)), row.role)
    return summary


def peer_of(room: Room, member: Member) -> Peer:
    peer = room.members[room.peer(member.user)]
    both_show = peer is not member and member.receipts and peer.receipts and not room.keeps_marks
    return Peer(peer.user, peer.first_visible, peer.read, peer.delivered, both_show, peer.extras)


def summarise(
    room: Room | RoomRow,
    member: Member | RoomRow,
    numbers: tuple[int, bool, int],
    peer: Peer | None,
    shown_to: ShownTo,
) -> RoomSummary:
    """Return the keys that memory and a store have alike. `numbers`: `unread`, `hidden`, `first_visible`.

    What is as usual is tested, not set: that costs a third, and nearly all of it is as usual in nearly all rooms.
    """
    unread, hidden, first_visible = numbers
    summary = RoomSummary(
        room.name,
        room.seq,
        room.ordinal,
        room.time,
        member.read,
        unread,
        member.mentions,
        muted_until=member.muted_until,
        first_visible=first_visible,
        log_floor=room.log_floor,
    )
    if member.pinned:
        summary.pinned = True
    if hidden:
        summary.hidden = True
    if member.unread_mark:
        summary.unread_mark = True
    if member.folder:
        summary.folder = member.folder
    if member.standing != ACCEPTED:
        summary.request = member.standing == REQUEST
    if member.notify:
        summary.notify = member.notify
    if member.extras:
        show_extras(summary, member)
    if peer is None:
        show_group(summary, room, member)
    else:
        marks = peer.both_show and marks_shown(shown_to, direct=True, written=room.written)
        show_peer(summary, peer, marks=marks)
    return summary


def shows_marks(room: Room, member: Member, shown_to: ShownTo) -> bool:
    """Whether the other of a direct room sees how far `member` got, and what they heard."""
    return peer_of(room, member).both_show and marks_shown(shown_to, direct=True, written=room.written)


def show_group(summary: RoomSummary, room: Room | RoomRow, member: Member | RoomRow) -> None:
    """Show what only groups have; `data` and `details` are shown by those who know how they are kept."""
    summary.title = room.title or UNSET
    summary.members = room.size
    if room.avatar:
        summary.avatar = room.avatar
    if room.public:
        summary.public = True
    if room.kind == CHANNEL:
        summary.kind = CHANNEL
    if member.role != "member":
        summary.role = ROLES[member.role]


def show_extras(summary: RoomSummary, member: Member | RoomRow) -> None:
    """Show what few members have of a room."""
    summary.wallpaper = extra(member, WALLPAPER) or UNSET
    summary.played = extra(member, PLAYED) or UNSET
    summary.nickname = extra(member, NICKNAME) or UNSET
    summary.silenced_until = extra(member, SILENCED) or 0
    summary.deleted = extra(member, DELETED) or UNSET


def show_peer(summary: RoomSummary, peer: Peer, *, marks: bool) -> None:
    """Show the other user of a direct room. `marks`: also how far they got, and what they heard."""
    summary.peer = peer.user
    if marks:
        first = saw_from(peer)
        summary.peer_read, summary.peer_delivered = seen(peer.read, first), seen(peer.delivered, first)
    if peer.extras:
        summary.asked = extra(peer, ASKED) or 0
        summary.peer_played = (marks and extra(peer, PLAYED)) or UNSET


def show_details(summary: RoomSummary, details: RoomDetails, role: Role) -> None:
    """Show what few groups have: all of it to members, except the number of requests to join."""
    summary.about = details.about or UNSET
    summary.tags = list(details.tags) or UNSET
    summary.announcement = details.announcement
    summary.kept = details.kept
    summary.comments = details.comments or UNSET
    summary.channel = details.channel or UNSET
    if details.policy != NO_DETAILS.policy:
        summary.policy = details.policy
    # To those who decide.
    summary.joins = details.joins if role != "member" else 0


def receipt_of(member: Member) -> Receipt:
    """Return the watermarks of a member; one that never moved is left out."""
    first = saw_from(member)
    return Receipt(
        member.user, seen(member.read, first) or UNSET, seen(member.delivered, first) or UNSET, first
    )
