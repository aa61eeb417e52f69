"""Messages that are sent later: what is kept of them, when they go, and what becomes of those that cannot."""

from typing import Any

import pytest

from chatd.core.read_set import DAY_MS
from chatd.core.room import Room
from chatd.core.scheduled import KEPT_MS, EndScheduled, LookAt, Scheduled, SendScheduled, scheduled_of
from chatd.core.sections import SCHEDULED
from chatd.core.users import FOR_EVER, Account, Restriction
from chatd.protocol.drafts import Schedule
from chatd.protocol.errors import ChatError, Refused
from chatd.protocol.limits import SCHEDULED_MAX
from chatd.protocol.members import MembersRemove
from chatd.protocol.messages import Body, Send, SentBody
from tests.kit.memory_writer import START_MS, MemoryWriter, group

KEY = "key-of-message"
LATER = START_MS + DAY_MS


@pytest.fixture
def room() -> Room:
    return group(ann="owner", bob="member")


@pytest.fixture
def writer(room: Room) -> MemoryWriter:
    return MemoryWriter(room)


def schedule(room: Room, text: str = "", at: int = LATER, key: str = KEY, **fields: Any) -> Schedule:
    body = {"body": SentBody(text=text, **fields)} if text else {}
    return Schedule(room=room.name, key=key, at=at, **body)


def row_of(writer: MemoryWriter, key: str = KEY) -> bytes | None:
    row = writer.rows.get(("bob", SCHEDULED, key))
    return None if row is None else row.value


def waiting(writer: MemoryWriter, key: str = KEY) -> Scheduled | None:
    row = row_of(writer, key)
    return None if row is None else scheduled_of(row)


def due(writer: MemoryWriter, room: Room, row: bytes | None = None) -> SendScheduled:
    """Return what the job asks when it finds a row."""
    row = row or row_of(writer)
    assert row is not None
    return SendScheduled(room=room.name, key=KEY, body=scheduled_of(row).body, row=row)


def ended(room: Room, row: bytes | None, error: str = "", wait_ms: int = 0) -> EndScheduled:
    assert row is not None
    return EndScheduled(room.name, KEY, row, error, wait_ms)


def looks(writer: MemoryWriter) -> list[LookAt]:
    return [*writer.writes.records_of(LookAt)]


def test_it_waits_and_is_sent_with_its_key(writer: MemoryWriter, room: Room) -> None:
    reply = writer.ask("bob", schedule(room, "Happy birthday", data={"x": [1, b"y"]}))
    assert (reply.stamp, looks(writer), room.seq) == (writer.stamp, [LookAt("bob", KEY, LATER)], 1)
    writer.now = LATER
    sent = writer.ask("bob", due(writer, room))
    assert (sent.seq, sent.ordinal, sent.time) == (2, 1, LATER)
    (event,) = writer.events(room)
    assert (event.user, event.key, event.body) == (
        "bob",
        KEY,
        Body(text="Happy birthday", data={"x": [1, b"y"]}),
    )
    # In the same commit.
    assert (row_of(writer), looks(writer)) == (None, [LookAt("bob", KEY, 0)])
    # Its key is that of a send.
    again = writer.ask("bob", Send(room=room.name, key=KEY, body=event.body))
    assert (again.duplicate, again.seq) == (True, 2)


def test_a_later_one_of_its_key_replaces_it_and_one_without_a_body_cancels_it(
    writer: MemoryWriter, room: Room
) -> None:
    writer.ask("bob", schedule(room, "tomorrow"))
    first = row_of(writer)
    writer.ask("bob", schedule(room, "today", at=0))
    found = waiting(writer)
    assert found is not None
    assert (found.body.text, found.at, looks(writer)) == ("today", 0, [LookAt("bob", KEY, 1)])
    # The job had read the row before.
    writer.ask("bob", due(writer, room, first))
    assert writer.writes.empty
    writer.ask("bob", ended(room, first, "forbidden"))
    assert writer.writes.empty
    writer.ask("bob", schedule(room))
    assert (row_of(writer), looks(writer)) == (None, [LookAt("bob", KEY, 0)])
    assert not isinstance(writer.ask("bob", schedule(room)).stamp, int)
    assert writer.writes.empty


def test_what_was_sent_is_not_scheduled_again(writer: MemoryWriter, room: Room) -> None:
    writer.ask("bob", schedule(room, "now or then"))
    send = Send(room=room.name, key=KEY, body=SentBody(text="now"))
    # Its user could not wait, and sends something else with the key.
    writer.batch([("bob", send), ("bob", due(writer, room))])
    assert (row_of(writer), room.ordinal) == (None, 1)
    for request in (schedule(room, "again"), schedule(room)):
        with pytest.raises(Refused, match="conflict"):
            writer.ask("bob", request)


def test_one_that_is_refused_keeps_its_error_and_time_and_goes_a_month_later(
    writer: MemoryWriter, room: Room
) -> None:
    writer.ask("bob", schedule(room, "bye"))
    writer.ask("ann", MembersRemove(room=room.name, key="key-of-removal", users=["bob"]))
    with pytest.raises(Refused, match="not_member"):
        writer.ask("bob", due(writer, room))
    assert writer.writes.empty
    writer.ask("bob", ended(room, row_of(writer), "not_member"))
    found = waiting(writer)
    assert found is not None
    assert (found.error, found.at, found.body.text) == ("not_member", LATER, "bye")
    assert looks(writer) == [LookAt("bob", KEY, writer.now + KEPT_MS)]
    writer.ask("bob", ended(room, row_of(writer)))
    assert row_of(writer) is None


def test_one_that_may_pass_later_waits_as_it_is(writer: MemoryWriter, room: Room) -> None:
    writer.ask("bob", schedule(room, "slowly"))
    row = row_of(writer)
    writer.ask("bob", ended(room, row, "rate_limited", 5_000))
    assert (row_of(writer), looks(writer)) == (row, [LookAt("bob", KEY, writer.now + 5_000)])


@pytest.mark.parametrize(
    ("account", "code"),
    [
        (Account("bob", disabled=True), "forbidden"),
        (Account("bob", restriction=Restriction("ban", FOR_EVER)), "forbidden"),
        (Account("bob", restriction=Restriction("mute", FOR_EVER)), "muted"),
        (Account("bob", restriction=Restriction("mute", LATER)), None),
    ],
)
def test_who_may_not_write_by_then_does_not(
    writer: MemoryWriter, room: Room, account: Account, code: str | None
) -> None:
    writer.ask("bob", schedule(room, "still here"))
    writer.accounts["bob"], writer.now = account, LATER
    (reply,) = writer.batch([("bob", due(writer, room))])
    assert (reply.code if isinstance(reply, ChatError) else None) == code
    assert room.ordinal == (code is None)


def test_bounds(writer: MemoryWriter, room: Room) -> None:
    other = group(2, ann="owner", bob="member")
    writer.rooms[other.name] = other
    writer.ask("bob", schedule(room, "x"))
    refusals = [
        ("too_large", "at", schedule(room, "x", at=START_MS + 366 * DAY_MS)),
        ("conflict", "key", schedule(other, "x")),
        ("bad_request", "body", Schedule(room=room.name, key=KEY, at=1, body=SentBody())),
        ("not_found", None, schedule(group(3, ann="owner"), "x", key="another-key")),
    ]
    for number in range(SCHEDULED_MAX - 1):
        writer.ask("bob", schedule(room, "x", key=f"key-number-{number}"))
    for code, field, request in [*refusals, ("too_large", "key", schedule(room, "x", key="one-too-many"))]:
        with pytest.raises(Refused) as refusal:
            writer.ask("bob", request)
        assert (refusal.value.code, refusal.value.field) == (code, field)
    # One that waits may still be changed.
    writer.ask("bob", schedule(room, "y"))
