import pytest
from msgspec import UNSET

from chatd.core.maintenance import Barrier, CompactLog, PostNotice, SummariseReactions
from chatd.core.removal import FoldedLog
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Body, Recall, Send
from chatd.protocol.rooms import RoomDelete
from tests.kit.group_requests import key
from tests.kit.memory_writer import MemoryWriter, group


@pytest.fixture
def room():
    return group(ann="owner", bob="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


def test_a_notice_has_no_author_and_counts_nowhere(writer, room):
    reply = writer.ask("", PostNotice(room=room.name, key=key(), body=Body(text="hi")))
    (event,) = writer.events(room)
    assert (event.kind, event.user, event.ordinal, event.body.text) == ("notice", UNSET, UNSET, "hi")
    assert (reply.seq, room.ordinal, room.members["bob"].unread(room.ordinal)) == (2, 0, 0)


@pytest.mark.parametrize("body", [Body(), Body(text="x" * 20_000)])
def test_a_notice_obeys_the_rules_of_bodies(writer, room, body):
    with pytest.raises(Refused):
        writer.ask("", PostNotice(room=room.name, key=key(), body=body))


def test_a_notice_needs_a_room(writer, room):
    writer.ask("ann", RoomDelete(room=room.name, key="key-00000001"))
    for name, code in ((room.name, "gone"), ("g00000000000", "not_found")):
        with pytest.raises(Refused, match=code):
            writer.ask("", PostNotice(room=name, key=key(), body=Body(text="x")))


def test_folding_raises_the_floor_and_never_lowers_it(writer, room):
    writer.ask("", CompactLog(room.name, 7))
    assert room.log_floor == 7
    assert writer.writes.records_of(FoldedLog) == [FoldedLog(room.number, 1, 7)]
    writer.ask("", CompactLog(room.name, 5))
    assert (room.log_floor, writer.writes.empty) == (7, True)
    writer.ask("", CompactLog("g00000000000", 5))


def test_reactions_of_what_is_not_there_are_not_summarised(writer, room):
    writer.ask("ann", Send(room=room.name, key="key-00000001", body=Body(text="x")))
    writer.ask("ann", Recall(room=room.name, key="key-00000002", target=2))
    for name, target in ((room.name, 2), (room.name, 9), ("g00000000000", 2)):
        writer.ask("", SummariseReactions(name, target))
        assert writer.writes.empty


def test_settling_changes_nothing(writer):
    writer.ask("", Barrier())
    assert writer.writes.empty
