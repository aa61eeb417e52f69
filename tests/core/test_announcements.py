import pytest
from msgspec import UNSET

from chatd.core import removal
from chatd.core.policy import NO_DETAILS
from chatd.core.room_summary import summary_of
from chatd.protocol.codec import decode_event
from chatd.protocol.groups import Announce
from chatd.protocol.messages import Recall
from tests.kit.group_requests import add, key, last, outcome, rules, say
from tests.kit.memory_writer import MemoryWriter, direct, group


@pytest.fixture
def room():
    return group(ann="owner", bob="admin", cat="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


def announce(room, target):
    return Announce(room=room.name, key=key(), target=target)


def shown(room):
    return summary_of(room, room.members["cat"], "known").announcement


def test_an_announcement_is_logged_and_shown_and_taken_away(writer, room):
    seq = writer.ask("cat", say(room)).seq
    writer.ask("bob", announce(room, seq))
    event = last(writer, room)
    assert (event.kind, event.target, event.set, shown(room)) == ("announcement", seq, True, seq)
    assert writer.writes.refreshed == {(room.number, ""): room}
    assert writer.ask("ann", announce(room, seq)).duplicate
    reply = writer.ask("bob", announce(room, 0))
    assert decode_event(reply.event).target == seq
    event = last(writer, room)
    assert (event.target, event.set, shown(room), room.details) == (seq, False, 0, NO_DETAILS)
    assert writer.ask("ann", announce(room, 0)).duplicate


@pytest.mark.parametrize(
    ("lowest", "codes"), [("member", [None] * 3), ("owner", [None, "forbidden", "forbidden"])]
)
def test_who_may_change_the_title_may_announce(writer, room, lowest, codes):
    seqs = [writer.ask("cat", say(room)).seq for _ in range(3)]
    writer.ask("ann", rules(room, info=lowest))
    found = [outcome(writer, user, announce(room, seq)) for user, seq in zip(room.members, seqs, strict=True)]
    assert found == codes


def test_only_a_message_that_one_sees_is_announced(writer, room):
    seq = writer.ask("ann", say(room)).seq
    writer.ask("ann", add(room, "dan"))
    room.members["dan"].role = "admin"
    assert outcome(writer, "dan", announce(room, seq)) == "not_found"
    assert outcome(writer, "ann", announce(room, room.seq)) == "not_found"
    writer.ask("ann", Recall(room=room.name, key=key(), target=seq))
    assert outcome(writer, "ann", announce(room, seq)) == "conflict"
    assert (
        outcome(MemoryWriter(direct("ann", "bob")), "ann", announce(direct("ann", "bob"), 1)) == "forbidden"
    )


def test_a_message_that_is_recalled_takes_its_announcement_along(writer, room):
    other, seq = (writer.ask("cat", say(room)).seq for _ in range(2))
    writer.ask("bob", announce(room, seq))
    writer.ask("cat", Recall(room=room.name, key=key(), target=other))
    assert shown(room) == seq
    writer.ask("cat", Recall(room=room.name, key=key(), target=seq))
    assert (shown(room), (room.number, "") in writer.writes.refreshed) == (0, True)


def test_what_is_purged_takes_its_announcement_along(writer, room):
    seq = writer.ask("cat", say(room)).seq
    writer.ask("bob", announce(room, seq))
    removal.unannounce(room, 1, seq - 1, writer.writes)
    assert shown(room) == seq
    removal.unannounce(room, 1, seq, writer.writes)
    assert (shown(room), last(writer, room).title) == (0, UNSET)
