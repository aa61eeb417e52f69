"""The trace of decisions: what is found, what is kept, and what a crash leaves."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.push import trace as module
from chatd.push.trace import HOUR_MS, KEPT_HOURS, RECORD, WORDS_MAX, Found, Record, Trace

NOW = 1_763_900_000_000
FOUND = st.builds(
    Record,
    time=st.just(NOW),
    user=st.sampled_from(["alice", "bob", ""]),
    device=st.sampled_from(["phone", "tablet", ""]),
    room=st.integers(1, 3),
    first=st.integers(1, 9),
    seq=st.integers(9, 20),
    kind=st.sampled_from(module.KINDS),
    outcome=st.sampled_from(module.OUTCOMES),
    detail=st.sampled_from(["", "BadDeviceToken", "two\nlines"]),
)


def trace_in(directory: Path, epoch: str = "k7Qd") -> Trace:
    return Trace(directory / "trace", epoch, os.urandom)


def of(time: int, user: str = "alice", **changed: object) -> Record:
    return Record(time, user, "phone", 7, 3, 5, "message", "read")._replace(**changed)  # type: ignore[arg-type]


async def test_what_was_decided_is_found_the_newest_first(tmp_path: Path) -> None:
    trace = trace_in(tmp_path)
    for second in range(3):
        trace.add(of(NOW + second))
    trace.add(of(NOW, "bob", outcome="sent"))
    phone = trace.hash_of_device("alice", "phone")
    (one,) = await trace.find("alice", 0, 0, 1)
    assert one == Found(NOW + 2, phone, 7, 5, "message", "read", "")
    assert len(await trace.find("alice", 7, 4, 50)) == 3
    assert await trace.find("alice", 7, 6, 50) == await trace.find("alice", 8, 0, 50) == []
    assert await trace.find("carol", 0, 0, 50) == []


@given(records=st.lists(FOUND, max_size=30), user=st.sampled_from(["alice", "bob"]), room=st.integers(0, 3))
async def test_exactly_what_concerns_a_user_is_found(
    tmp_path_factory: object, records: list[Record], user: str, room: int
) -> None:
    trace = trace_in(tmp_path_factory.mktemp("found"))  # type: ignore[attr-defined]
    for record in records:
        trace.add(record)
    found = await trace.find(user, room, 0, 1000)
    users = {user, ""} if room else {user}
    expected = [one for one in records if one.user in users and room in (0, one.room)]
    shown = [(one.room, one.seq, one.kind, one.outcome, one.detail) for one in found]
    wanted = [(one.room, one.seq, one.kind, one.outcome, one.detail.replace("\n", " ")) for one in expected]
    assert sorted(shown) == sorted(wanted)


async def test_it_goes_on_where_a_killed_daemon_stopped_in_the_middle_of_a_record(tmp_path: Path) -> None:
    first = trace_in(tmp_path)
    first.add(of(NOW, outcome="provider_error", detail="InternalServerError"))
    await first.flush()
    path = tmp_path / "trace" / f"{NOW // HOUR_MS}.bin"
    with path.open("ab") as file:
        file.write(b"x" * 17)
    again = trace_in(tmp_path)
    again.add(of(NOW + 1, outcome="provider_error", detail="InternalServerError"))
    found = await again.find("alice", 0, 0, 9)
    assert [(one.time, one.detail) for one in found] == [
        (NOW + 1, "InternalServerError"),
        (NOW, "InternalServerError"),
    ]
    assert path.stat().st_size == 2 * RECORD.size


async def test_only_a_day_is_kept_and_only_of_this_history(tmp_path: Path) -> None:
    trace = trace_in(tmp_path)
    for hour in range(KEPT_HOURS + 2):
        trace.add(of(NOW + hour * HOUR_MS, detail="word"))
        await trace.flush()
    assert len(await trace.find("alice", 0, 0, 99)) == KEPT_HOURS
    assert len(list((tmp_path / "trace").glob("*.words"))) == KEPT_HOURS
    assert len(await trace_in(tmp_path).find("alice", 0, 0, 99)) == KEPT_HOURS
    assert await trace_in(tmp_path, "another").find("alice", 0, 0, 99) == []


async def test_a_busy_hour_is_bounded_and_the_others_give_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BYTES_MAX", 100 * RECORD.size)
    monkeypatch.setattr(module, "HOUR_BYTES_MAX", 50 * RECORD.size + 7)
    trace = trace_in(tmp_path)
    for hour in (1, 2, 3):
        for number in range(70):
            trace.add(of(NOW + hour * HOUR_MS, seq=number + 3))
            await trace.flush()
        files = (tmp_path / "trace").glob("*.bin")
        assert sum(path.stat().st_size for path in files) <= 100 * RECORD.size
    assert trace.dropped == 3 * 20
    assert [one.seq for one in await trace.find("alice", 0, 0, 50)] == list(range(52, 2, -1))


async def test_what_a_wrong_clock_dated_ahead_goes_when_it_is_right(tmp_path: Path) -> None:
    trace = trace_in(tmp_path)
    for time in (NOW, NOW + 9_000 * HOUR_MS, NOW):
        trace.add(of(time))
        await trace.flush()
    trace.add(of(NOW + HOUR_MS))
    found = await trace.find("alice", 0, 0, 9)
    assert [one.time for one in found] == [NOW + HOUR_MS, NOW]


async def test_after_a_failure_of_the_disk_words_are_the_right_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = trace_in(tmp_path)

    def fail(*written: object) -> None:
        raise OSError("no space left")

    trace.add(of(NOW, detail="lost"))
    with monkeypatch.context() as patched:
        patched.setattr(trace, "_write", fail)
        with pytest.raises(OSError, match="no space"):
            await trace.flush()
    trace.add(of(NOW + 1, detail="BadDeviceToken"))
    assert [one.detail for one in await trace.find("alice", 0, 0, 9)] == ["BadDeviceToken"]


async def test_it_holds_no_name_and_is_private(tmp_path: Path) -> None:
    trace = trace_in(tmp_path)
    trace.add(of(NOW))
    await trace.flush()
    for path in (tmp_path / "trace").iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert b"alice" not in path.read_bytes()
        assert b"phone" not in path.read_bytes()


async def test_words_of_a_service_are_bounded(tmp_path: Path) -> None:
    trace = trace_in(tmp_path)
    for number in range(WORDS_MAX + 5):
        trace.add(of(NOW + number, detail=f"{number} {'x' * 100}"))
    found = await trace.find("alice", 0, 0, 9999)
    assert [one.detail for one in found[:5]] == [""] * 5
    assert len(found[5].detail) == 64


async def test_nothing_is_kept_while_its_directory_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "trace").write_text("a file")
    trace = trace_in(tmp_path)
    trace.add(of(NOW))
    for _ in range(2):
        with pytest.raises(FileExistsError):
            await trace.flush()
    assert (await trace.find("alice", 0, 0, 9), trace.dropped) == ([], 1)
    (tmp_path / "trace").unlink()
    await trace.flush()
    trace.add(of(NOW + 1))
    assert [one.time for one in await trace.find("alice", 0, 0, 9)] == [NOW + 1]
    assert len(await trace_in(tmp_path).find("alice", 0, 0, 9)) == 1, "it has the key of the directory"
