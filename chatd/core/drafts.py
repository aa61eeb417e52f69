"""Decisions on drafts (protocol.md "Drafts, scheduled messages, folders"). Synchronous and pure.

A draft has the key of the message that it becomes. It is over on all devices when that message is stored, and nothing
is written for that, so that a send costs nothing more: whoever keeps drafts compares keys, and the store leaves out
what was sent (storage/sqlite/section_rows.py). Of the drafts of a user those beyond a bound give way, the oldest first.
"""

from msgspec import UNSET, UnsetType, msgpack

from chatd.core.permissions import authorize
from chatd.core.read_set import ReadSet
from chatd.core.room import Room
from chatd.core.sections import DRAFTS, ChangedRow, store, stored
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.drafts import Draft, DraftBody, DraftRow, StampOk
from chatd.protocol.errors import Refused
from chatd.protocol.limits import DRAFT_BYTES_MAX, DRAFTS_MAX

draft_of = msgpack.Decoder(DraftRow).decode


def draft(user: str, request: Draft, writes: WriteSet, reads: ReadSet) -> StampOk:
    """Keep what the user has typed in a room, in place of what was there; nothing, and what was sent, drops it."""
    body, known = request.body, stored(user, DRAFTS, request.room, reads) is not None
    if is_empty(body) and known:
        # Also when the user has left the room since.
        return drop(user, request.room, writes, reads)
    room, _ = authorize(reads.rooms.get(request.room), user, "view")
    if is_empty(body) or is_sent(room, user, request.key, writes, reads):
        return drop(user, room.name, writes, reads) if known else StampOk()
    assert body is not UNSET
    if len(encode(body)) > DRAFT_BYTES_MAX:
        raise Refused("too_large", f"a draft is at most {DRAFT_BYTES_MAX} bytes", field="body")
    row = encode(DraftRow(request.key, body, writes.now))
    store(ChangedRow(user, DRAFTS, room.name, row), writes, reads)
    drop_oldest(user, writes, reads)
    return StampOk(stamp=writes.stamp)


def drop(user: str, room: str, writes: WriteSet, reads: ReadSet) -> StampOk:
    store(ChangedRow(user, DRAFTS, room, None), writes, reads)
    return StampOk(stamp=writes.stamp)


def is_empty(body: DraftBody | UnsetType) -> bool:
    return body is UNSET or (not body.text and body.reply_to is UNSET)


def is_sent(room: Room, user: str, key: str, writes: WriteSet, reads: ReadSet) -> bool:
    """Whether a message of the user has this key."""
    place = (room.number, user, key)
    return place in reads.keyed or place in writes.keyed


def drop_oldest(user: str, writes: WriteSet, reads: ReadSet) -> None:
    """Drop the drafts of a user beyond DRAFTS_MAX, those that were written first."""
    rows = reads.records_of(ChangedRow).values()
    times = {
        row.name: draft_of(row.value).time
        for row in rows
        if row.section == DRAFTS and row.user == user and row.value is not None
    }
    for name in sorted(times, key=lambda name: (times[name], name))[: max(0, len(times) - DRAFTS_MAX)]:
        store(ChangedRow(user, DRAFTS, name, None), writes, reads)
