"""A room as one of its members sees it, from memory: for pushes and replies that follow a commit.

Whoever is told of a batch is told all of its events before the replies to what was asked in it. So a reply that
counts is filled in when everything is decided: a number from the middle of the batch would be older than messages the
connection has seen.
"""

from msgspec import UNSET, Raw

from chatd.core.room import Member, Room
from chatd.core.visibility import ShownTo, marks_shown
from chatd.core.write_set import RoomReply, WriteSet
from chatd.protocol.errors import Refused
from chatd.protocol.objects import ROLES, Receipt, RoomSummary
from chatd.protocol.replies import ReadOk


def complete_room_replies(writes: WriteSet, shown_to: ShownTo) -> None:
    """Fill in the replies that show a room, as it is after the batch. Call it once, when everything is decided."""
    for answer in writes.room_replies:
        member = answer.room.members.get(answer.user)  # another one than before when they left and came back
        if member is not None:
            fill_in(answer, member, shown_to)
        elif answer.origin is not None:
            answer.origin.reply = Refused("not_member", "not in this room any more")


def fill_in(answer: RoomReply, member: Member, shown_to: ShownTo) -> None:
    reply, room = answer.reply, answer.room
    if isinstance(reply, ReadOk):
        reply.read, reply.ordinal = member.read, room.ordinal
        reply.unread, reply.unread_mentions = member.unread(room.ordinal), member.mentions
    else:
        reply.summary = summary_of(room, member, shown_to)


def summary_of(room: Room, member: Member, shown_to: ShownTo) -> RoomSummary:
    """All keys of the summary but `preview` and `events`."""
    summary = RoomSummary(
        room=room.name,
        seq=room.seq,
        ordinal=room.ordinal,
        time=room.time,
        read=member.read,
        unread=member.unread(room.ordinal),
        unread_mentions=member.mentions,
        muted_until=member.muted_until,
        pinned=member.pinned,
        hidden=member.hidden,
        first_visible=member.first_visible,
        log_floor=room.log_floor,
    )
    if room.direct:
        show_peer(summary, room, member, shown_to)
    else:
        show_group(summary, room, member)
    return summary


def show_peer(summary: RoomSummary, room: Room, member: Member, shown_to: ShownTo) -> None:
    """The other user, and how far they got when both show receipts and may see them."""
    summary.peer = room.peer(member.user)
    peer = room.members[summary.peer]
    both_show = member.receipts and peer.receipts
    if both_show and marks_shown(shown_to, direct=True, written=room.written):
        summary.peer_read, summary.peer_delivered = peer.read_seen, peer.delivered_seen


def receipt_of(member: Member) -> Receipt:
    """How far a member got; a watermark that never moved is left out."""
    return Receipt(
        member.user, member.read_seen or UNSET, member.delivered_seen or UNSET, member.first_visible
    )


def show_group(summary: RoomSummary, room: Room, member: Member) -> None:
    summary.title = room.title or UNSET
    summary.avatar = room.avatar or UNSET
    summary.data = Raw(room.data) if room.data else UNSET
    summary.public = room.public
    summary.members = len(room.members)
    summary.role = ROLES[member.role]
