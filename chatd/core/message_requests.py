"""The gates of direct rooms, and the requests of those who may only ask there (protocol.md "Direct rooms and message
requests"). Synchronous and pure.

The gate of an author towards the other follows from contacts and privacy, which change seldom: it is worked out when
the room is loaded (`Room.gates`). The standing of the other follows from what is said in the room, and is looked at
with each message. A room where both may write and have accepted each other has no gates: a send there costs one look.

A request is silent: the room is not in the list of the one who is asked, and none of their connections is sent its
events. They are told of it seldom (`WriteSet.requests`), and the asker is never told whether they looked.
"""

from msgspec import UNSET

from chatd.core.contact_settings import set_contact
from chatd.core.extras import ASKED, extra, put_extra
from chatd.core.privacy import (
    Gate,
    HostBounds,
    RoomRelations,
    depends_on_groups,
    gates_of,
    mutually_allow,
)
from chatd.core.read_set import ReadSet
from chatd.core.room import ACCEPTED, POLICY, Member, Room, Standing
from chatd.core.standings import stand, tell_asked, turn_away
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.friends import ContactSet
from chatd.protocol.messages import Body
from chatd.protocol.rooms import RoomAccept, RoomDecline

# Enough to say who one is; no letter.
REQUEST_CHARACTERS_MAX = 1_000
NO_REQUEST = "no such request"
NOT_TAKEN = "they do not take this from you, or there is no such user"


def refuse_at(gate: Gate) -> None:
    """Raise Refused at a gate that no standing opens. The words do not say which of the reasons it is."""
    if gate == "blocked":
        raise Refused("blocked", "you block this user")
    if gate == "refused":
        raise Refused("refused", NOT_TAKEN)


def check_gate(room: Room, author: Member, action: str) -> None:
    """Raise Refused when `author` may not do `action` in this direct room, which has gates."""
    gate = room.gates.get(author.user, "open")
    if gate == "open":
        return
    refuse_at(gate)
    standing = room.members[room.peer(author.user)].standing
    if standing == ACCEPTED:
        return
    if gate == "no" and standing == POLICY:
        raise Refused("refused", NOT_TAKEN)
    if action != "post":
        raise Refused("request_pending", "they have not accepted yet: texts only")


def is_pending(room: Room, author: Member) -> bool:
    """Whether an author may write but texts in this direct room, since the other has not accepted them."""
    if room.gates.get(author.user, "open") == "open":
        return False
    return room.members[room.peer(author.user)].standing != ACCEPTED


def note_sent(room: Room, author: Member, body: Body, writes: WriteSet, reads: ReadSet) -> None:
    """Note a message that `author` adds to a direct room with gates, which `check_gate` has admitted.

    It is an answer, and it may be a request. Raises Refused("request_pending") before it changes anything.
    """
    other = room.members[room.peer(author.user)]
    if is_pending(room, author):
        spend_text(room, other, body, writes, reads)
    elif other.standing > ACCEPTED:
        # Asked, or declined.
        stand(room, other.user, Standing.POLICY, writes)
    elif not room.is_listed(other):
        writes.list_room(room, other.user)
    if author.standing != ACCEPTED:
        stand(room, author.user, Standing.ACCEPTED, writes)


def spend_text(room: Room, other: Member, body: Body, writes: WriteSet, reads: ReadSet) -> None:
    """Take a text of those that an author may write before `other` has accepted."""
    author = room.peer(other.user)
    spent = extra(other, ASKED) or 0
    if spent >= reads.rules.people.request_texts:
        raise Refused(
            "request_pending", f"at most {reads.rules.people.request_texts} texts until they accept"
        )
    if body.attachments is not UNSET or body.card is not UNSET or body.data is not UNSET:
        raise Refused("request_pending", "texts only, until they accept", field="body")
    if isinstance(body.text, str) and len(body.text) > REQUEST_CHARACTERS_MAX:
        limit = f"at most {REQUEST_CHARACTERS_MAX} characters until they accept"
        raise Refused("request_pending", limit, field="body.text")
    if other.standing == Standing.POLICY:
        reads.allowances.check("strangers", author, 1, writes, reads.now_s)
        writes.spend("strangers", author, 1)
        writes.new_requests += ((room, other.user),)
        stand(room, other.user, Standing.REQUEST, writes)
    put_extra(writes.touch_member(room, other.user), ASKED, spent + 1)
    tell_asked(room, writes)


def accept(user: str, request: RoomAccept, writes: WriteSet, reads: ReadSet) -> Ok:
    """Accept the other user of a direct room: it comes into the list, and they may write there."""
    room = requested_room(reads.rooms.get(request.room), user)
    if room.members[user].standing != Standing.ACCEPTED:
        stand(room, user, Standing.ACCEPTED, writes)
    return Ok()


def decline(user: str, request: RoomDecline, writes: WriteSet, reads: ReadSet) -> Ok:
    """Decline a request: it goes from the user's devices, and the asker is told nothing."""
    room = requested_room(reads.rooms.get(request.room), user)
    if room.members[user].standing == Standing.ACCEPTED:
        raise Refused("not_found", NO_REQUEST, field="room")
    if request.block:
        set_contact(user, ContactSet(user=room.peer(user), blocked=True), writes, reads)
    turn_away(room, user, writes)
    return Ok()


def requested_room(room: Room | None, user: str) -> Room:
    """Return a direct room of `user` in which the other asked; Refused("not_found") where nobody did."""
    member = None if room is None else room.members.get(user)
    if room is None or member is None or not room.direct or member.standing == Standing.POLICY:
        raise Refused("not_found", NO_REQUEST, field="room")
    return room


def relate(room: Room, people: RoomRelations, changes: int, bounds: HostBounds) -> None:
    """Keep in memory what was read of the people of a room when it had seen so many `changes`."""
    if changes < room.people_read:
        return
    room.people_read = changes
    room.ignored_by, room.closed = people.ignored_by, people.closed
    if people.pair is not None:
        one, other, acquainted, _ = people.pair
        gates = gates_of(one, other, acquainted=acquainted, bounds=bounds)
        accepted = len(room.standing_at(Standing.ACCEPTED)) == room.size
        room.gates = {} if accepted and {*gates.values()} == {"open"} else gates
        room.marks_kept = not mutually_allow(one, other, "receipts", acquainted=acquainted, bounds=bounds)
        room.by_groups = depends_on_groups(one.rules, bounds) or depends_on_groups(other.rules, bounds)
