"""Decisions on heard voice notes (protocol.md "Voice notes"). Synchronous and pure.

The numbers of the newest notes that a member heard stand in their row, so they are synchronised as their read position
is. In a direct room they are part of what the author sees, as far as the two show each other receipts.
"""

from collections.abc import Sequence

from msgspec import UNSET

from chatd.core.extras import PLAYED, extra, put_extra
from chatd.core.own_view import view_of
from chatd.core.permissions import authorize
from chatd.core.read_set import ReadSet
from chatd.core.room import Member, Room
from chatd.core.room_summary import shows_marks
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.limits import PLAYED_MAX
from chatd.protocol.media import Played
from chatd.protocol.messages import Event


def played(user: str, request: Played, writes: WriteSet, reads: ReadSet) -> Ok:
    """Note that a voice note was heard. Once is enough; own ones, and what is none, are passed over."""
    room, member = authorize(reads.rooms.get(request.room), user, "view")
    message = reads.messages.get((room.number, request.seq))
    if message is None or not view_of(member).shows(request.seq):
        raise Refused("not_found", "no such message", field="seq")
    heard: Sequence[int] = extra(member, PLAYED) or ()
    newest = sorted({*heard, request.seq})[-PLAYED_MAX:]
    if message.event.user == user or not is_voice(message.event) or newest == [*heard]:
        return Ok()
    put_extra(writes.touch_member(room, user), PLAYED, newest)
    writes.refreshed[room.number, user] = room
    if room.direct:
        tell_author(room, member, writes, reads)
    return Ok()


def is_voice(event: Event) -> bool:
    attachments = event.body.attachments if event.body is not UNSET else UNSET
    return attachments is not UNSET and any(one.kind == "voice" for one in attachments)


def tell_author(room: Room, member: Member, writes: WriteSet, reads: ReadSet) -> None:
    """Change the room for the other of a direct room, if they see what the user has heard."""
    if shows_marks(room, member, reads.rules.shown_to):
        writes.touch(room)
        writes.refreshed[room.number, room.peer(member.user)] = room
