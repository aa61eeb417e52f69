"""A room as one of its members sees it, from memory: for pushes and replies that follow a commit."""

from msgspec import UNSET

from chatd.core.rooms import Member, Room
from chatd.protocol.codec import decode_tree
from chatd.protocol.objects import ROLES, RoomSummary


def summary_of(room: Room, member: Member) -> RoomSummary:
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
        show_peer(summary, room, member)
    else:
        show_group(summary, room, member)
    return summary


def show_peer(summary: RoomSummary, room: Room, member: Member) -> None:
    """The other user, and how far he got when both show receipts."""
    summary.peer = room.peer(member.user)
    peer = room.members[summary.peer]
    if member.receipts and peer.receipts:
        summary.peer_read, summary.peer_delivered = peer.read, peer.delivered


def show_group(summary: RoomSummary, room: Room, member: Member) -> None:
    summary.title = room.title or UNSET
    summary.avatar = room.avatar or UNSET
    summary.data = decode_tree(room.data) if room.data else UNSET
    summary.public = room.public
    summary.members = len(room.members)
    summary.role = ROLES[member.role]
