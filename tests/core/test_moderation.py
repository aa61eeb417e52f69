"""Reports: what is one, what is kept as evidence, and how many a user may make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.allowances import Allowances
from chatd.core.moderation import (
    EVIDENCE_BYTES_MAX,
    Filed,
    Neighbourhood,
    evidence_of,
    fitting,
    flag,
    nearest,
)
from chatd.core.read_set import ReadSet, Rules
from chatd.core.report_actions import AmendReport
from chatd.protocol.codec import encode
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Body, Event, Send
from chatd.protocol.moderation import Report
from tests.kit.memory_writer import group
from tests.kit.moderators import Moderators

KEYS = [f"key-{number:08}" for number in range(100)]


def about(user: str, key: str = KEYS[0], **fields: object) -> Report:
    return Report(key=key, reason="spam", user=user, **fields)  # type: ignore[arg-type]


def message(seq: int, size: int) -> bytes:
    return encode(Event(seq=seq, kind="message", user="ann", body=Body(text="x" * size)))


@given(
    st.integers(1, 80_000),
    st.lists(st.integers(1, 20_000), max_size=5),
    st.lists(st.integers(1, 20_000), max_size=5),
)
def test_the_evidence_is_bounded_in_order_and_of_one_piece(
    size: int, before: list[int], behind: list[int]
) -> None:
    around = Neighbourhood(
        message(100, size),
        [message(99 - place, one) for place, one in enumerate(before)],
        [message(101 + place, one) for place, one in enumerate(behind)],
    )
    kept = [event.seq for event in fitting(around)]
    assert kept == sorted(kept)
    assert 100 in kept
    # Nothing is left out between two that are kept.
    assert kept == list(range(kept[0], kept[-1] + 1))
    bytes_kept = sum(len(encode(event)) for event in fitting(around))
    assert bytes_kept <= EVIDENCE_BYTES_MAX or kept == [100]
    whole = len(before) + len(behind) + 1
    if sum(map(len, (around.message, *around.before, *around.behind))) <= EVIDENCE_BYTES_MAX:
        assert len(kept) == whole


def test_the_nearest_of_both_sides_come_first() -> None:
    around = Neighbourhood(b"5", [b"4", b"3"], [b"6"])
    assert list(nearest(around)) == [b"4", b"6", b"3"]


def test_a_key_and_a_target_are_each_filed_once() -> None:
    writer = Moderators()
    first = writer.ask("ann", about("eve"))
    assert (first.report, first.duplicate) == ("r1", False)
    for again in (about("eve"), about("eve", KEYS[1])):
        reply = writer.ask("ann", again)
        assert (reply.report, reply.duplicate) == ("r1", True)
    with pytest.raises(Refused) as refused:
        writer.ask("ann", about("bob"))
    assert (refused.value.code, refused.value.field) == ("conflict", "key")
    assert writer.ask("ben", about("eve")).report == "r2"
    writer.ask("", AmendReport(1, "", "socket", "system", state="closed"))
    # The key stands for its request for ever, the target is free again.
    assert writer.ask("ann", about("eve")).report == "r1"
    assert writer.ask("ann", about("eve", KEYS[2])).report == "r3"


def test_two_reports_of_one_batch_know_of_each_other() -> None:
    writer = Moderators()
    first, second, other = writer.batch(
        [("ann", about("eve")), ("ann", about("eve", KEYS[1])), ("ben", about("eve"))]
    )
    assert [first.report, second.report, other.report] == ["r1", "r1", "r2"]  # type: ignore[union-attr]
    assert len(writer.filed) == 2


def test_a_user_makes_so_many_a_day_and_what_was_filed_costs_nothing() -> None:
    writer = Moderators()
    allowances = Allowances()
    allowances.become({"reports": 2})
    gather = writer.gather

    def gathered(asked):  # type: ignore[no-untyped-def]
        reads = gather(asked)
        reads.allowances = allowances
        return reads

    writer.gather = gathered  # type: ignore[method-assign]
    for number in (0, 1):
        writer.ask("ann", about(f"u{number}", KEYS[number]))
        allowances.charge(writer.writes, 0.0)
        assert writer.ask("ann", about(f"u{number}", KEYS[number])).duplicate
    with pytest.raises(Refused) as refused:
        writer.ask("ann", about("u3", KEYS[3]))
    assert (refused.value.code, refused.value.scope) == ("rate_limited", "user")
    assert len(writer.filed) == 2
    writer.ask("ben", about("u3", KEYS[3]))


def test_evidence_is_what_the_message_was() -> None:
    writer = Moderators(room := group(ann="owner", bob="member"))
    room.title = "Bikes"
    sent = writer.ask("ann", Send(room=room.name, key=KEYS[0], body=Body(text="words")))
    writer.ask("bob", Report(key=KEYS[0], reason="abuse", room=room.name, seq=sent.seq))
    evidence = evidence_of(writer.filed[1].evidence or b"")
    assert [event.body.text for event in evidence.messages if event.body] == ["words"]
    assert (evidence.title, writer.filed[1].target) == ("Bikes", ("ann", room.name, sent.seq))


def reads_of(**allowed: int) -> ReadSet:
    allowances = Allowances()
    allowances.become(allowed)  # type: ignore[arg-type]
    return ReadSet(Rules(), {}, allowances=allowances)


def test_a_flag_names_its_filter_and_no_reporter() -> None:
    writer, reads = Moderators(), reads_of()
    writer.decide([])
    room = group(eve="owner")
    flag(room, Event(seq=7, kind="message", user="eve"), "links", writer.writes, reads)
    flag(room, Event(seq=9, kind="edit", user="eve", target=7), "links", writer.writes, reads)
    one, other = writer.writes.records_of(Filed)
    assert (one.reporter, one.text, one.target, one.number) == ("", "links", ("eve", room.name, 7), 0)
    assert one.key == other.key


def test_filters_file_so_many_reports_a_day_about_one_author() -> None:
    writer, reads, room = Moderators(), reads_of(flags=2), group(eve="owner", mal="member")
    writer.decide([])
    for seq in range(2, 6):
        flag(room, Event(seq=seq, kind="message", user="eve"), "links", writer.writes, reads)
    flag(room, Event(seq=6, kind="message", user="mal"), "links", writer.writes, reads)
    assert [filed.target.seq for filed in writer.writes.records_of(Filed)] == [2, 3, 6]
