"""Who may write in a room with rules: silence, the role, slow mode, mentions of everybody."""

import pytest

from chatd.core.allowances import Allowances
from chatd.core.may_post import is_bound
from chatd.core.write_set import WriteSet
from chatd.protocol.groups import Announce, MembersSilence
from chatd.protocol.limits import SLOW_MAX_S
from chatd.protocol.messages import Edit, Pin, React, Recall, SentBody
from chatd.protocol.rooms import RoomUpdate
from tests.kit.group_requests import add, key, last, leave, outcome, rules, say
from tests.kit.memory_writer import MemoryWriter, direct, group

DAY_MS = 86_400_000


@pytest.fixture
def room():
    return group(ann="owner", bob="admin", cat="member", dan="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


def silence(room, until, *users):
    return MembersSilence(room=room.name, key=key(), users=[*users], until=until)


def refusal(writer, user, request):
    (reply,) = writer.batch([(user, request)])
    return reply


def operations(room, seq):
    return {
        "edit": Edit(room=room.name, key=key(), target=seq, body=SentBody(text="y")),
        "react": React(room=room.name, key=key(), target=seq, emoji="👍", set=True),
        "pin": Pin(room=room.name, key=key(), target=seq, set=True),
        "recall": Recall(room=room.name, key=key(), target=seq),
    }


def test_a_plain_room_asks_nothing(room):
    assert not any(is_bound(room, member) for member in room.members.values())
    assert not is_bound(direct("ann", "bob"), room.members["ann"])


# --- silence


def test_the_silenced_change_nothing_that_others_read_and_may_recall(writer, room):
    writer.ask("ann", rules(room, pin="member", info="member"))
    seq = writer.ask("cat", say(room)).seq
    writer.ask("bob", silence(room, writer.now + 60_000, "cat"))
    reply = refusal(writer, "cat", say(room))
    assert (reply.code, reply.scope, reply.retry_after) == ("muted", "room", 60_000)
    asked = {
        "title": RoomUpdate(room=room.name, key=key(), title="y"),
        "announce": Announce(room=room.name, key=key(), target=seq),
        **operations(room, seq),
    }
    codes = {name: outcome(writer, "cat", request) for name, request in asked.items()}
    assert codes.pop("recall") is None
    assert set(codes.values()) == {"muted"}


def test_a_silence_ends_by_itself_at_its_time(writer, room):
    writer.ask("bob", silence(room, writer.now + 60_000, "cat"))
    writer.now += 59_999
    assert outcome(writer, "cat", say(room)) == "muted"
    writer.now += 1
    assert outcome(writer, "cat", say(room)) is None


def test_a_silence_for_ever_is_forbidden_and_one_of_a_year_waits_a_day(writer, room):
    writer.ask("bob", silence(room, 1, "cat"))
    writer.ask("bob", silence(room, writer.now + 365 * DAY_MS, "dan"))
    assert outcome(writer, "cat", say(room)) == "forbidden"
    assert refusal(writer, "dan", say(room)).retry_after == DAY_MS


def test_a_silence_is_told_shown_and_taken_back(writer, room):
    until = writer.now + 60_000
    writer.ask("bob", silence(room, until, "cat", "eve"))
    assert (last(writer, room).kind, last(writer, room).users, last(writer, room).until) == (
        "silenced", ["cat"], until)  # fmt: skip
    assert writer.writes.refreshed == {(room.number, "cat"): room}
    assert writer.ask("bob", silence(room, until, "cat")).duplicate
    writer.ask("bob", silence(room, 0, "cat"))
    assert (last(writer, room).until, room.members["cat"].extras) == (0, b"")
    assert outcome(writer, "cat", say(room)) is None


def test_a_silence_survives_that_one_leaves_and_comes_back(writer, room):

    writer.ask("bob", silence(room, 1, "cat"))
    writer.ask("cat", leave(room))
    writer.ask("ann", add(room, "cat"))
    assert outcome(writer, "cat", say(room)) == "forbidden"


@pytest.mark.parametrize(
    ("user", "target", "code"),
    [("ann", "bob", None), ("bob", "cat", None), ("bob", "ann", "forbidden"), ("cat", "dan", "forbidden"),
     ("bob", "bob", "forbidden"), ("", "ann", None)],
)  # fmt: skip
def test_one_silences_whom_one_could_remove(writer, room, user, target, code):
    assert outcome(writer, user, silence(room, 1, target)) == code


def test_a_silence_that_is_over_is_none(writer, room):
    assert outcome(writer, "bob", silence(room, writer.now, "cat")) == "bad_request"


# --- all muted


def test_where_admins_write_a_member_edits_nothing_and_may_pin(writer, room):
    seq = writer.ask("cat", say(room)).seq
    writer.ask("ann", rules(room, post="admin", pin="member"))
    codes = {name: outcome(writer, "cat", request) for name, request in operations(room, seq).items()}
    assert codes == {"edit": "forbidden", "react": "forbidden", "pin": None, "recall": None}
    assert [outcome(writer, user, say(room)) for user in room.members] == [
        None,
        None,
        "forbidden",
        "forbidden",
    ]


# --- mentions of everybody


@pytest.mark.parametrize(
    ("role", "codes"), [("admin", [None, None, "forbidden"]), ("owner", [None, "forbidden", "forbidden"])]
)
def test_a_mention_of_everybody_is_refused_before_anything_is_stored(writer, room, role, codes):
    writer.ask("ann", rules(room, mention_all=role))
    found = [refusal(writer, user, say(room, mentions=("*",))) for user in ("ann", "bob", "cat")]
    assert [getattr(reply, "code", None) for reply in found] == codes
    assert found[-1].field == "body.mentions"
    assert outcome(writer, "cat", say(room, mentions=("dan",))) is None
    seq = writer.ask("cat", say(room)).seq
    edit = Edit(room=room.name, key=key(), target=seq, body=SentBody(text="y", mentions=["*"]))
    assert outcome(writer, "cat", edit) == "forbidden"


# --- slow mode


def test_a_plain_member_waits_between_two_messages_and_admins_do_not(writer, room):
    writer.ask("bob", rules(room, slow_s=10))
    seq = writer.ask("cat", say(room)).seq
    writer.now += 4_000
    reply = refusal(writer, "cat", say(room))
    assert (reply.code, reply.scope, reply.retry_after) == ("rate_limited", "slow", 6_000)
    assert outcome(writer, "cat", operations(room, seq)["edit"]) is None
    assert [outcome(writer, user, say(room)) for user in ("dan", "bob", "bob", "ann")] == [None] * 4
    writer.now += 6_000
    assert outcome(writer, "cat", say(room)) is None


def test_two_messages_of_one_batch_are_two(writer, room):
    writer.ask("bob", rules(room, slow_s=10))
    first, second = writer.batch([("cat", say(room)), ("cat", say(room))])
    assert (first.duplicate, second.code) == (False, "rate_limited")


def test_a_repeated_message_is_a_duplicate_and_does_not_wait(writer, room):
    writer.ask("bob", rules(room, slow_s=10))
    request = say(room)
    writer.ask("cat", request)
    assert writer.ask("cat", request).duplicate


def test_a_message_that_was_not_stored_makes_nobody_wait(writer, room):
    writer.ask("bob", rules(room, slow_s=10))
    writer.decide([("cat", say(room))])
    writer.writes.rollback()
    assert outcome(writer, "cat", say(room)) is None


def test_who_wrote_longer_ago_than_any_room_is_slow_is_forgotten():
    allowances, writes = Allowances(), WriteSet(now=0, stamp=1)
    writes.paced = frozenset({(1, "ann")})
    allowances.charge(writes, 0.0)
    writes.paced = frozenset({(1, "bob")})
    allowances.charge(writes, SLOW_MAX_S + 1.0)
    assert allowances.since_s((1, "ann"), SLOW_MAX_S + 1.0) == float("inf")
    assert allowances.since_s((1, "bob"), SLOW_MAX_S + 3.0) == 2.0
