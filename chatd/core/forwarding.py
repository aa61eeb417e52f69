"""Forwarded messages (protocol.md "Sharing"). Synchronous and pure.

The server copies, so nobody puts words into the mouth of another: a copy has the text, the files, the card and the data
of its message, and an origin that only the server writes. What belongs to the place of the message stays there: the
message it answers, its thread, whom it mentions, its buttons. All copies are stored, one behind the other, or none.

Screening looks at the messages before the decision does (writer/screening.py). What it saw goes along: should a message
have changed since, nothing is stored, and the client asks again.
"""

from collections.abc import Mapping, Sequence

from msgspec import UNSET
from msgspec.structs import replace

from chatd.core.attachments import Resolved, check_leaves, check_space, resolve_files
from chatd.core.idempotency import acknowledgement, first_time, once, same
from chatd.core.may_post import check_may_say, is_bound, note_pace, since_written, slow_s
from chatd.core.message_requests import is_pending, note_sent
from chatd.core.messages import say
from chatd.core.own_view import view_of
from chatd.core.permissions import authorize
from chatd.core.push_preferences import stored_preferences
from chatd.core.read_set import ReadSet
from chatd.core.room import CHANNEL, Member, Room
from chatd.core.write_set import WriteSet
from chatd.protocol.cards import MessageOrigin
from chatd.protocol.errors import Refused, Unavailable
from chatd.protocol.media import Place
from chatd.protocol.messages import Body, Event, Forward, Send, WriteOk


class JudgedForward(Forward, tag="forward", frozen=True, kw_only=True):
    """A forward that was screened. `seen`: the content of its messages; `bodies`: it as it is to be stored.

    `flags`: by message, the filters that flag it.
    """

    seen: list[Body]
    bodies: list[Body]
    flags: Sequence[tuple[str, ...]] = ()


def keys_of(request: Forward) -> list[str]:
    """Return the keys of the copies: that of the request, and others, which no client can write."""
    return [request.key, *[f"{request.key}:{number}" for number in range(2, len(request.seqs) + 1)]]


def content_of(body: Body) -> Body:
    """Return as much of a message as a copy has of it."""
    return Body(text=body.text, attachments=body.attachments, card=body.card, data=body.data)


@once
def forward(user: str, request: Forward, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Copy messages that the user sees into a room where they may write."""
    digest = first_time(user, request, writes, reads)
    room, author = authorize(reads.rooms.get(request.room), user, "post")
    bound = is_bound(room, author)
    if bound:
        check_may_say(room, author, None, writes.now, since_written(room, author, writes, reads))
        if len(request.seqs) > 1 and slow_s(room, author):
            raise Refused("too_large", "one message at a time, in a slow room", field="seqs")
    source, sources = seen_by(user, request, reads)
    copies = copies_of(user, request, source, sources, writes, reads)
    reads.allowances.check("forwards", user, len(copies), writes, reads.now_s)
    check_space(user, room, all_of(copies), (), reads)
    if room.gates and len(copies) > 1 and is_pending(room, author):
        raise Refused("request_pending", "one message, until they accept", field="seqs")
    if bound:
        note_pace(room, author, writes)
    for key, copy in zip(keys_of(request), copies, strict=True):
        sent = Send(room=room.name, key=key, body=copy.body)  # type: ignore[arg-type]
        if room.gates:
            note_sent(room, author, copy.body, writes, reads)
        say(room, author, sent, digest, writes, reads, copy)
    writes.spend("forwards", user, len(copies))
    return acknowledgement(request, writes.keyed[room.number, user, request.key].event)


def seen_by(user: str, request: Forward, reads: ReadSet) -> tuple[Room, list[Event]]:
    """Return the room and the messages that are forwarded, of those that were read. Raises Refused."""
    room, member = source_of(user, request, reads.rooms.get(request.from_))
    events = {place: message.event for place, message in reads.messages.items()}
    return room, messages_of(request, room, member, events)


def all_of(copies: Sequence[Resolved]) -> Resolved:
    """Return the files of all copies together, as to the space they take."""
    files = [known for copy in copies for known in copy.files]
    return Resolved(Body(), files, [one for copy in copies for one in copy.forwarded])


def source_of(user: str, request: Forward, room: Room | None) -> tuple[Room, Member]:
    """Return the room out of which is forwarded, with the user in it. Raises Refused with `field`."""
    try:
        source, member = authorize(room, user, "view")
        check_leaves(source)
    except Refused as refused:
        refused.field = "from"
        raise
    return source, member


def messages_of(
    request: Forward, room: Room, member: Member, events: Mapping[tuple[int, int], Event]
) -> list[Event]:
    """Return the messages that are forwarded, of those that were read. Raises Refused("not_found") for one that the
    member does not see, or that has no content any more.
    """
    found: list[Event] = []
    view = view_of(member)
    for place, seq in enumerate(request.seqs):
        event = events.get((room.number, seq))
        if event is None or not view.shows(seq) or event.body is UNSET:
            raise Refused("not_found", "no such message", field=f"seqs[{place}]")
        found.append(event)
    return found


def copies_of(
    user: str,
    request: Forward,
    room: Room,
    sources: Sequence[Event],
    writes: WriteSet,
    reads: ReadSet,
) -> list[Resolved]:
    """Return the bodies of the copies with their files. It changes nothing."""
    copies: list[Resolved] = []
    for place, event in enumerate(sources):
        assert event.body is not UNSET
        body = content_of(event.body)
        if isinstance(request, JudgedForward):
            if not same(body, request.seen[place]):
                raise Unavailable("overloaded", "a message changed meanwhile", retry_after=0)
            body = request.bodies[place]
        body = replace(body, forwarded=origin_of(event, request, room, reads))
        try:
            copies.append(resolve_files(user, body, writes, reads, source=Place(room.name, event.seq)))
        except Refused as refused:
            refused.field = f"seqs[{place}]"
            raise
    return copies


def origin_of(event: Event, request: Forward, room: Room, reads: ReadSet) -> MessageOrigin:
    """Return the origin of a copy: the first one stays; of a channel it is the post, else with credit the author."""
    assert event.body is not UNSET
    if event.body.forwarded is not UNSET:
        return event.body.forwarded
    if room.kind == CHANNEL:
        return MessageOrigin(room=room.name, seq=event.seq)
    if request.credit and isinstance(event.user, str) and stored_preferences(event.user, reads).credit:
        return MessageOrigin(user=event.user, time=event.time)
    return MessageOrigin()
