"""Decisions on messages that are sent later (protocol.md "Drafts, scheduled messages, folders"). Synchronous and pure.

A scheduled message is a row of its section, under the key that the message will have; a second row says when to look at
it, and holds no content. Sending adds the message to the log and takes the rows away in one commit, so a message is
sent once, whatever ends the process. One that is refused then keeps its row, with the code; a month later it goes.
Everything that may refuse a send is asked when it is due: screening, membership, restrictions, files.

Its own files are held from the start: nobody collects them while the message waits. What is forwarded cannot be held,
because it is not the author's.
"""

from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, Struct, msgpack
from msgspec.structs import replace

from chatd.core.attachments import resolve
from chatd.core.drafts import is_sent
from chatd.core.held_files import hold_all, scheduled_holder
from chatd.core.messages import check_content, post
from chatd.core.permissions import authorize
from chatd.core.read_set import DAY_MS, ReadSet
from chatd.core.restrictions import check_account
from chatd.core.sections import SCHEDULED, ChangedRow, store, stored
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import decode_tree, encode
from chatd.protocol.drafts import Schedule, ScheduledRow, StampOk
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.limits import SCHEDULED_DAYS, SCHEDULED_MAX
from chatd.protocol.messages import Send, SentBody

# Of a message that could not be sent.
KEPT_MS = 30 * DAY_MS


@dataclass(slots=True, frozen=True)
class LookAt:
    """A record: when to look at a scheduled message, Unix ms; 0 for never."""

    user: str
    key: str
    at: int


class Scheduled(Struct, frozen=True):
    """A row of the section as the server reads it."""

    room: str
    at: int
    body: SentBody
    error: str = ""


class SendScheduled(Send, tag="send", frozen=True, kw_only=True):
    """Send a message that is due. `row`: of its section, as it was read; should it have changed, nothing is sent."""

    row: bytes


@dataclass(slots=True, frozen=True)
class EndScheduled:
    """Note that a scheduled message was not sent: the code why, or so many ms to wait; neither forgets it."""

    room: str
    key: str
    row: bytes
    error: str = ""
    wait_ms: int = 0


_row = msgpack.Decoder(Scheduled).decode


def scheduled_of(row: bytes) -> Scheduled:
    """Return a row with the host data of its body."""
    found = _row(row)
    data = found.body.data
    if data is UNSET:
        return found
    return replace(found, body=replace(found.body, data=decode_tree(bytes(data))))


def plain(request: Any) -> Any:
    """Return a message that is due as its author would have sent it: its key stands for that."""
    if not isinstance(request, SendScheduled):
        return request
    return Send(room=request.room, key=request.key, body=request.body)


def schedule(user: str, request: Schedule, writes: WriteSet, reads: ReadSet) -> StampOk:
    """Have a message sent later, in place of one with the same key; without a body cancel it."""
    before = stored(user, SCHEDULED, request.key, reads)
    if before is not None and _row(before).room != request.room:
        raise Refused("conflict", "this key has a message for another room", field="key")
    room = reads.rooms.get(request.room)
    if room is not None and is_sent(room, user, request.key, writes, reads):
        raise Refused("conflict", "it was sent", field="key")
    if request.body is UNSET:
        if before is None:
            return StampOk()
        forget(user, request.key, writes, reads)
        return StampOk(stamp=writes.stamp)
    check_content(user, request.body, room, reads)
    room, _ = authorize(room, user, "post")
    check_bounds(user, request, is_new=before is None, writes=writes, reads=reads)
    found = resolve(user, request.body, room, writes, reads)
    if found.forwarded:
        raise Refused("bad_request", "what is forwarded is not sent later", field="body.attachments")
    hold_all(scheduled_holder(user, request.key), [known.file.file for known in found.files], writes, reads)
    row = encode(ScheduledRow(room.name, request.at, request.body))
    store(ChangedRow(user, SCHEDULED, request.key, row), writes, reads)
    writes.add(LookAt(user, request.key, max(request.at, 1)))
    return StampOk(stamp=writes.stamp)


def check_bounds(user: str, request: Schedule, *, is_new: bool, writes: WriteSet, reads: ReadSet) -> None:
    """Refuse a time too far away, and more messages than may wait."""
    if request.at > writes.now + SCHEDULED_DAYS * DAY_MS:
        raise Refused("too_large", f"at most {SCHEDULED_DAYS} days from now", field="at")
    rows = reads.records_of(ChangedRow).values()
    waiting = sum(row.section == SCHEDULED and row.user == user and row.value is not None for row in rows)
    if is_new and waiting >= SCHEDULED_MAX:
        raise Refused("too_large", f"at most {SCHEDULED_MAX} messages wait", field="key")


def forget(user: str, key: str, writes: WriteSet, reads: ReadSet) -> None:
    """Take a scheduled message away, and what it holds."""
    hold_all(scheduled_holder(user, key), (), writes, reads)
    store(ChangedRow(user, SCHEDULED, key, None), writes, reads)
    writes.add(LookAt(user, key, 0))


def send_scheduled(user: str, request: SendScheduled, writes: WriteSet, reads: ReadSet) -> Ok:
    """Send a message that is due, and take its row away in the same commit; nothing if it was changed or sent."""
    if stored(user, SCHEDULED, request.key, reads) != request.row:
        return Ok()
    room = reads.rooms.get(request.room)
    if room is not None and is_sent(room, user, request.key, writes, reads):
        forget(user, request.key, writes, reads)
        return Ok()
    check_sender(user, request, writes, reads)
    came, writes.sent = writes.sent, plain(writes.sent)
    try:
        reply = post(user, plain(request), writes, reads)
    finally:
        writes.sent = came
    forget(user, request.key, writes, reads)
    return reply


def check_sender(user: str, request: SendScheduled, writes: WriteSet, reads: ReadSet) -> None:
    """Raise Refused when the moderators keep the author of a message that is due from sending it."""
    account = reads.accounts.get(user)
    if account is not None:
        check_account(account, request, writes.now)


def end_scheduled(user: str, request: EndScheduled, writes: WriteSet, reads: ReadSet) -> Ok:
    """Keep a message that was refused with its error, or look at it again later, or forget it."""
    if stored(user, SCHEDULED, request.key, reads) != request.row:
        return Ok()
    room = reads.rooms.get(request.room)
    if request.wait_ms:
        writes.add(LookAt(user, request.key, writes.now + request.wait_ms))
    elif not request.error or (room is not None and is_sent(room, user, request.key, writes, reads)):
        forget(user, request.key, writes, reads)
    else:
        found = scheduled_of(request.row)
        row = encode(ScheduledRow(found.room, found.at, found.body, request.error))
        store(ChangedRow(user, SCHEDULED, request.key, row), writes, reads)
        writes.add(LookAt(user, request.key, writes.now + KEPT_MS))
    return Ok()
