"""The reports of a store: the order of the queue, flags of filters, and how the rows are found."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.moderation import Filed, ForgottenReports, Place, Target, evidence_of, flag
from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.messages import Event
from chatd.server.capability import Capability
from chatd.storage.sqlite import moderation, schema
from tests.kit.inprocess import in_process

steps = st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), st.booleans())


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.up(connection, schema.shipped(), Path("x"))
    return connection


def filed(number: int, reporter: str, user: str, state: str = "open") -> Filed:
    return Filed(
        number,
        state,  # type: ignore[arg-type]
        reporter,
        f"key-{number}",
        "spam",
        "",
        Target(user),
        number,
        number,
        evidence=b"\x80",
    )


def paged(connection: sqlite3.Connection, limit: int) -> Iterator[Filed]:
    """Yield the whole queue, page by page."""
    after: Place | None = None
    while rows := moderation.queue(connection, "open", after, limit):
        yield from (row for row, _ in rows)
        after = rows[-1][1]


@given(st.lists(steps, max_size=25), st.integers(1, 4))
def test_the_queue_is_in_order_of_different_reporters_and_has_each_report_once(
    path: list[tuple[str, str, bool]], limit: int
) -> None:
    with closing(database()) as connection:
        waiting: dict[int, tuple[str, str]] = {}
        subjects: list[str] = []
        for number, (reporter, user, closes) in enumerate(path, 1):
            moderation.write_reports(connection, [filed(number, reporter, user)], 1)
            subjects += [user] if user not in subjects else []
            waiting[number] = (reporter, user)
            if closes:
                oldest = min(waiting)
                moderation.write_reports(connection, [filed(oldest, *waiting.pop(oldest), "closed")], 1)
        reporters = defaultdict(set)
        for reporter, user in waiting.values():
            reporters[user].add(reporter)

        def place(number: int) -> tuple[int, int, int]:
            user = waiting[number][1]
            return (-len(reporters[user]), subjects.index(user), number)

        found = list(paged(connection, limit))
        assert [row.number for row in found] == sorted(waiting, key=place)
        assert [row.reporters for row in found] == [-place(row.number)[0] for row in found]
        moderation.forget_reports(connection, [ForgottenReports(1000)], 1)
        for table in ("reports", "report_subjects"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        assert moderation.last_number(connection) == len(path)


@pytest.mark.parametrize(
    "statement",
    [
        "BY_NUMBER",
        "BY_KEY",
        "OPEN",
        "QUEUE",
        "CLOSED",
        "OLDEST",
        "COUNT",
        "SUBJECT",
        "BEFORE",
        "BEHIND",
        "FORGET_SUBJECT",
    ],
)
def test_every_search_is_by_an_index_in_the_order_of_the_answer(statement: str) -> None:
    with closing(database()) as connection:
        connection.execute("PRAGMA optimize")
        text = getattr(moderation, statement)
        names = dict.fromkeys(("state", "reporters", "subject", "number", "limit"), 1)
        values = names if ":" in text else (1,) * text.count("?")
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]
        # The queue itself is walked, by an index that has only what waits.
        wrong = [line for line in plan if "SCAN" in line or "TEMP B-TREE" in line]
        assert [line for line in wrong if "INDEX" not in line and "count(DISTINCT)" not in line] == []


@dataclass(frozen=True)
class FlagIt:
    room: str
    seq: int


def flag_it(user: str, request: FlagIt, writes: WriteSet, reads: ReadSet) -> Ok:
    flag(reads.rooms[request.room], Event(seq=request.seq, kind="message", user=user), "links", writes, reads)
    return Ok()


async def test_a_filter_files_one_report_of_a_message_with_its_evidence(tmp_path: Path) -> None:
    flags = Capability(decisions={FlagIt: flag_it})
    async with in_process(tmp_path, flags, moderation={"enabled": True}) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("bob")
        seq = [(await ann.send(room, f"text {number}"))["seq"] for number in range(3)][-1]
        await bob.request(type="report", key="key-00000001", reason="spam", user="eve")
        for _ in range(2):
            await server.app.writer.submit_and_wait("ann", FlagIt(room, seq))
        one, two, *rest = await server.store.moderation.at([1, 2, 3])
        assert rest == []
        assert (two.reporter, two.text, two.target) == ("", "links", Target("ann", room, seq))
        texts = [event.body.text for event in evidence_of(two.evidence or b"").messages if event.body]
        assert texts == ["text 0", "text 1", "text 2"]
        reply = await bob.request(type="report", key="key-00000002", reason="spam", user="mal")
        assert (one.name, reply["report"]) == ("r1", "r3")
