"""What a purge does to a room in memory (protocol.md "Retention"); stores are compared in tests/contracts."""

import pytest

from chatd.core.read_set import ReadSet, Rules
from chatd.core.removal import FoldedLog, PurgedStretch
from chatd.core.retention import OldMessages, PurgeOld, purge_old
from chatd.core.write_set import NewEvent, WriteSet
from chatd.protocol.groups import Policy
from chatd.protocol.messages import Event, Send, SentBody
from chatd.protocol.rooms import RoomUpdate
from tests.kit.group_requests import key
from tests.kit.memory_writer import MemoryWriter, direct, group

HOUR, DAY = 3600, 86_400


def said(room, authors):
    """A writer in whose room these users wrote, from event 2 on."""
    writer = MemoryWriter(room)
    for author in authors:
        writer.ask(author, Send(room=room.name, key=key(), body=SentBody(text="hello")))
    return writer


def purge(room, authors, low, high, *, retain_s=DAY, of_room=False, found=None):
    """Purge a stretch of what `authors` wrote; return the write set."""
    countable = [
        NewEvent(room, Event(seq, "message", user=author, ordinal=seq - 1), b"")
        for seq, author in enumerate(authors, 2)
        if low <= seq <= high
    ]
    reads = ReadSet(Rules(), {room.name: room})
    reads.records_of(OldMessages)[room.number] = OldMessages(*(found or (low, high)), countable)
    writes = WriteSet(now=DAY * 1000, stamp=9)
    purge_old("", PurgeOld(room.name, low, high, retain_s, of_room), writes, reads)
    return writes


def unread(room):
    return {user: room.members[user].unread(room.ordinal, room.purged_ordinal) for user in room.users}


def test_who_is_behind_in_a_group_has_what_is_left_and_no_row_is_written_for_them():
    room, authors = group(ann="owner", bob="member", eve="member"), ["ann", "ann", "bob", "ann"]
    said(room, authors)
    writes = purge(room, authors, 1, 3)
    assert unread(room) == {"ann": 1, "bob": 1, "eve": 2}
    assert (room.purged, room.purged_ordinal, room.floor, room.log_floor) == (3, 2, 3, 4)
    assert {user for _, user in writes.members} == {"ann"}
    assert {user for _, user in writes.refreshed} == {"ann", "bob", "eve"}
    assert writes.records_of(FoldedLog) == [FoldedLog(room.number, 1, 4)]
    (stretch,) = writes.records_of(PurgedStretch)
    assert (stretch.low, stretch.high) == (1, 3)


def test_in_a_direct_room_a_part_of_the_middle_goes():
    room, authors = direct("ann", "bob"), ["ann", "ann", "bob", "ann"]
    said(room, authors)
    purge(room, authors, 3, 4)
    assert unread(room) == {"ann": 0, "bob": 2}
    assert (room.purged, room.purged_ordinal, room.floor) == (4, 0, 0)


@pytest.mark.parametrize(
    ("retain_s", "kept", "found"), [(2 * DAY, 0, None), (DAY, 2, None), (DAY, 0, (2, 3))]
)
def test_nothing_goes_when_the_rule_or_the_log_is_another_by_now(retain_s, kept, found):
    room, authors = direct("ann", "bob"), ["ann"]
    writer = said(room, authors)
    writer.ask("ann", RoomUpdate(room=room.name, key=key(), policy=Policy(retain_s=retain_s)))
    room.details = type(room.details)(policy=room.details.policy, kept=kept)
    writes = purge(room, authors, 2, 2, of_room=True, found=found)
    assert room.purged == 0
    assert writes.empty


def test_messages_from_before_somebody_chose_are_kept_in_a_direct_room_until_nobody_chooses():
    room = direct("ann", "bob")
    writer = said(room, ["ann", "bob"])

    def choose(seconds):
        writer.ask("bob", RoomUpdate(room=room.name, key=key(), policy=Policy(retain_s=seconds)))
        return room.details.kept

    assert choose(DAY) == 3
    assert choose(HOUR) == 3
    assert choose(0) == 0
    assert choose(DAY) == 6
    other = group(ann="owner")
    MemoryWriter(other).ask("ann", RoomUpdate(room=other.name, key=key(), policy=Policy(retain_s=DAY)))
    assert (other.retain_s, other.details.kept) == (DAY, 0)
