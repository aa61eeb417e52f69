from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from chatd.core.push_preferences import DAY_MINUTES, MINUTE_MS, is_quiet
from chatd.core.read_set import Rules
from chatd.core.sections import ACCOUNT, ChangedRow
from chatd.protocol.codec import decode_tree
from chatd.protocol.errors import Refused
from chatd.protocol.preferences import Folder, preferences_of
from chatd.protocol.push import PushPreferences, QuietHours
from chatd.protocol.rooms import Preferences
from chatd.push.zones import knows_zone, wall_ms
from tests.kit.memory_writer import MemoryWriter, group

PUSH = Rules(push=True, knows_zone=knows_zone)
NIGHT = PushPreferences(quiet=[QuietHours("22:30", "07:00")], timezone="Europe/Berlin")
# 5 January 1970 was the first Monday.
MONDAY = 4 * DAY_MINUTES


def at(day: int, time: str) -> int:
    """A time on the wall, `day` days after a Monday."""
    return (MONDAY + day * DAY_MINUTES + int(time[:2]) * 60 + int(time[3:])) * MINUTE_MS


def hours(start: str, end: str, *days: int) -> PushPreferences:
    return PushPreferences(quiet=[QuietHours(start, end, [*days])])


@pytest.mark.parametrize(("preferences", "day", "time", "quiet"), [
    (PushPreferences(), 0, "03:00", False),
    (hours("12:00", "13:00"), 0, "11:59", False), (hours("12:00", "13:00"), 0, "12:00", True),
    (hours("12:00", "13:00"), 0, "12:59", True), (hours("12:00", "13:00"), 0, "13:00", False),
    (hours("22:30", "07:00"), 0, "22:29", False), (hours("22:30", "07:00"), 0, "23:00", True),
    (hours("22:30", "07:00"), 1, "06:59", True), (hours("22:30", "07:00"), 1, "07:00", False),
    (hours("22:30", "07:00", 1), 0, "23:00", True), (hours("22:30", "07:00", 1), 1, "06:00", True),
    (hours("22:30", "07:00", 1), 1, "23:00", False), (hours("22:30", "07:00", 1), 0, "06:00", False),
    (hours("22:30", "07:00", 7), 7, "06:00", True), (hours("22:30", "07:00", 7), 6, "06:00", False),
    (hours("09:00", "09:00"), 0, "08:59", True), (hours("09:00", "09:00", 1), 2, "08:59", False),
    (hours("00:00", "00:00"), 3, "00:00", True),
    (PushPreferences(quiet=[QuietHours("01:00", "02:00"), QuietHours("03:00", "04:00")]), 0, "03:30", True),
])  # fmt: skip
def test_quiet_hours(preferences: PushPreferences, day: int, time: str, quiet: bool) -> None:
    assert is_quiet(preferences, at(day, time)) is quiet


TIMES = st.integers(0, DAY_MINUTES - 1).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")


@given(TIMES, TIMES, st.integers(1, 7), st.integers(0, 6), TIMES)
def test_of_a_span_and_its_rest_one_holds(start: str, end: str, first: int, day: int, now: str) -> None:
    """Also with days: those of the rest that begins on the day on which the span ends."""
    when = at(day, now)
    if start != end:
        assert is_quiet(hours(start, end), when) is not is_quiet(hours(end, start), when)
    days = sum(
        is_quiet(hours(start, end, first), when + shift * DAY_MINUTES * MINUTE_MS) for shift in range(7)
    )
    assert days == is_quiet(hours(start, end), when)


def minutes(zone: str, start: datetime, count: int) -> Iterator[tuple[datetime, bool]]:
    """Whether it is quiet in each of these minutes."""
    for minute in range(count):
        moment = start + timedelta(minutes=minute)
        yield moment, is_quiet(NIGHT, wall_ms(zone, int(moment.timestamp() * 1000)))


@pytest.mark.parametrize(("start", "until", "slept"), [
    # Clocks go an hour forward, and back: the alarm clock rings at seven all the same.
    (datetime(2026, 3, 28, 21, 30, tzinfo=UTC), datetime(2026, 3, 29, 5, 0, tzinfo=UTC), 7.5),
    (datetime(2026, 10, 24, 20, 30, tzinfo=UTC), datetime(2026, 10, 25, 6, 0, tzinfo=UTC), 9.5),
    (datetime(2026, 7, 1, 20, 30, tzinfo=UTC), datetime(2026, 7, 2, 5, 0, tzinfo=UTC), 8.5),
])  # fmt: skip
def test_the_night_ends_by_the_clock_on_the_wall(start: datetime, until: datetime, slept: float) -> None:
    quiet = [
        moment for moment, is_so in minutes("Europe/Berlin", start - timedelta(hours=4), 20 * 60) if is_so
    ]
    assert (quiet[0], quiet[-1] + timedelta(minutes=1)) == (start, until)
    assert len(quiet) == slept * 60


def test_a_zone_is_known_by_its_name_alone() -> None:
    assert knows_zone("Asia/Shanghai")
    for name in ("", "Berlin", "../../etc/passwd", "/etc/passwd", "Asia", "\0", "x" * 64):
        assert not knows_zone(name)
    assert wall_ms("Asia/Shanghai", 0) == 8 * 3_600_000
    assert wall_ms("America/St_Johns", 0) == -3.5 * 3_600_000


def refused(writer: MemoryWriter, **asked: object) -> tuple[str, str | None]:
    with pytest.raises(Refused) as refusal:
        writer.ask("bob", Preferences(**asked))
    return refusal.value.code, refusal.value.field


def stored(writer: MemoryWriter) -> object:
    (row,) = writer.writes.records_of(ChangedRow)
    assert (row.user, row.section, row.name) == ("bob", ACCOUNT, "preferences")
    return decode_tree(row.value or b"")


def test_what_is_set_replaces_what_was_there_and_leaves_the_rest() -> None:
    writer = MemoryWriter(rules=PUSH)
    writer.ask("bob", Preferences(receipts=False, push=NIGHT))
    quiet = [{"from": "22:30", "to": "07:00"}]
    assert stored(writer) == {
        "receipts": False, "presence": True, "push": {"quiet": quiet, "timezone": "Europe/Berlin"},
    }  # fmt: skip
    writer.ask("bob", Preferences(presence=False))
    assert preferences_of(writer.rows["bob", ACCOUNT, "preferences"].value or b"").push == NIGHT
    writer.ask("bob", Preferences(push=PushPreferences(groups="none")))
    assert stored(writer) == {"receipts": False, "presence": False, "push": {"groups": "none"}}
    writer.ask("bob", Preferences(push=PushPreferences(groups="none")))
    assert writer.writes.empty
    writer.ask("bob", Preferences(push=PushPreferences()))
    assert stored(writer) == {"receipts": False, "presence": False}


def test_folders_and_credit_stand_in_the_same_row() -> None:
    writer = MemoryWriter(rules=PUSH)
    writer.ask("bob", Preferences(push=NIGHT, credit=False))
    writer.ask("bob", Preferences(folders=[Folder(2, "Work"), Folder(7, "家人")]))
    row = preferences_of(writer.rows["bob", ACCOUNT, "preferences"].value or b"")
    assert (row.push, row.credit, row.folders) == (NIGHT, False, [Folder(2, "Work"), Folder(7, "家人")])
    writer.ask("bob", Preferences(credit=True, folders=[], push=PushPreferences()))
    assert stored(writer) == {"receipts": True, "presence": True}


def test_no_two_folders_have_one_id() -> None:
    writer = MemoryWriter(rules=PUSH)
    assert refused(writer, folders=[Folder(2, "a"), Folder(3, "b"), Folder(2, "c")]) == (
        "bad_request", "folders[2].id",
    )  # fmt: skip
    assert writer.writes.empty


def test_both_of_one_batch_are_kept() -> None:
    writer = MemoryWriter(rules=PUSH)
    writer.batch([("bob", Preferences(push=NIGHT)), ("bob", Preferences(receipts=False))])
    row = preferences_of(writer.rows["bob", ACCOUNT, "preferences"].value or b"")
    assert (row.receipts, row.push) == (False, NIGHT)


def test_quiet_hours_need_a_zone_that_is_known() -> None:
    writer = MemoryWriter(rules=PUSH)
    unknown = PushPreferences(timezone="Mars/Olympus")
    assert refused(writer, push=unknown, receipts=False) == ("bad_request", "push.timezone")
    assert refused(writer, push=hours("22:00", "07:00")) == ("bad_request", "push.timezone")
    assert writer.writes.empty


def test_nothing_of_push_can_be_set_where_it_is_off() -> None:
    room = group(ann="owner", bob="member")
    writer = MemoryWriter(room)
    assert refused(writer, push=PushPreferences(), receipts=False) == ("not_supported", "push")
    assert refused(writer, room=room.name, notify="all", pinned=True) == ("not_supported", "notify")
    assert writer.writes.empty


def test_the_level_of_a_room_is_shown_to_its_member() -> None:
    room = group(ann="owner", bob="member")
    writer = MemoryWriter(room, rules=PUSH)
    for level in ("all", "mentions", "none", "default"):
        writer.ask("bob", Preferences(room=room.name, notify=level))
        assert room.members["bob"].notify == ("" if level == "default" else level)
        assert [*writer.writes.refreshed] == [(1, "bob")]
    writer.ask("bob", Preferences(room=room.name, notify="default", push=UNSET))
    assert writer.writes.empty
