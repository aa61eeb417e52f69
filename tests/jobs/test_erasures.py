"""An erased person is gone when it says so: not one byte of what they wrote is in any file."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.config.people import Bounds
from chatd.core.accounts import Amend, RecordDevice
from chatd.core.audit import Audit
from chatd.core.erasure_steps import Erase
from chatd.core.erasures import Erasure
from chatd.core.exports import AskExport
from chatd.jobs import erasures
from chatd.jobs.erasures import REPLACED, Erasures, slices
from chatd.protocol.friends import CircleSet, ContactSet
from chatd.protocol.groups import MembersNickname
from chatd.protocol.messages import Edit, React, Send, SentBody
from chatd.protocol.rooms import Preferences, RoomCreate, RoomDelete, RoomDirect
from chatd.protocol.users import ProfileSet
from chatd.storage.sqlite import removal
from chatd.storage.sqlite.backup import backup
from tests.kit.inprocess import InProcessServer, device_of, in_process, new_key, refused
from tests.kit.random_workload import SECTIONS

OPEN = Bounds(default="everyone")
PEOPLE = SECTIONS | {"people": {"enabled": True, "privacy": {"add": OPEN, "write": OPEN}}}
PLANTED = "Zq7planted"
DAY_S = 86_400.0
AUDIT = Audit("socket", "PUT /v1/erasures/{user}", "ann", "r")


def said(text: str) -> SentBody:
    return SentBody(text=f"{text} {PLANTED} {text * 20}")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data"


async def lives(server: InProcessServer, rooms: int = 30) -> None:
    """ann writes much among others, so that pages of the database are split and filled again."""
    ask = server.app.writer.submit_and_wait
    await ask("ann", Amend(name=f"Ann {PLANTED}", avatar=f"https://a/{PLANTED}"))
    await ask("ann", ProfileSet(handle=PLANTED.lower(), bio=f"I am {PLANTED}"))
    await ask("ann", RecordDevice(device_of(1), app=PLANTED))
    await ask("ann", CircleSet(name=f"kin of {PLANTED}"))
    await ask("bob", ContactSet(user="ann", remark=f"Ann {PLANTED}"))
    await ask("ann", ContactSet(user="bob", remark=f"Bob of {PLANTED}"))
    await ask("ann", RoomDirect(user="bob"))
    for number in range(rooms):
        made = await ask("bob", RoomCreate(key=new_key(), kind="group", title="t", users=["ann", "cat"]))
        room = made.summary.room
        bodies = {"ann": said("x" * (number % 7)), "bob": SentBody(text="y" * 90), "cat": SentBody(text="z")}
        sends = [(user, Send(room=room, key=new_key(), body=bodies[user])) for user in [*bodies] * 6]
        await asyncio.gather(*(ask(user, send) for user, send in sends))
        for text in ("better", "best"):
            await ask("ann", Edit(room=room, key=new_key(), target=2, body=said(text)))
        await ask("ann", React(room=room, key=new_key(), target=3, emoji="👍", set=True))
        await ask("ann", MembersNickname(room=room, key=new_key(), nickname=f"Ann {PLANTED}"))
        await ask("ann", Preferences(room=room, wallpaper=PLANTED))
        if number % 5 == 0:
            await ask("bob", RoomDelete(room=room, key=new_key()))


def files_with(directory: Path, text: str) -> list[str]:
    found = [path for path in sorted(directory.rglob("*")) if path.is_file()]
    return [path.name for path in found if text.lower().encode() in path.read_bytes().lower()]


async def erase(server: InProcessServer, **chosen: Any) -> Erasure:
    privacy = server.app.persons.privacy(server.app.host.writes, server.app.hub)
    await privacy.erase(Erase("ann", **chosen), AUDIT)
    await server.app.persons.erasures.carry_out_due()
    return await privacy.erasure("ann")


async def test_not_one_byte_of_an_erased_person_is_left_in_any_file(directory: Path) -> None:
    async with in_process(directory, **PEOPLE) as server:
        await lives(server)
        ask = server.app.writer.submit_and_wait
        await ask("", AskExport("ann"))
        await server.app.persons.exports.carry_out_due()
        await asyncio.to_thread(backup, directory, directory.parent / "copy.sqlite")
        for name in ("chatd.sqlite.replaced", "chatd.sqlite.replaced-wal"):
            (directory / name).write_bytes(PLANTED.encode())
        server.env.advance(1e9)  # the restore was long ago
        assert await server.app.store.erasures.truncate_log()
        await ask("ann", Amend(name=f"Anna {PLANTED}"))
        before = {"chatd.sqlite", "chatd.sqlite-wal", "chatd.sqlite.replaced", "chatd.sqlite.replaced-wal"}
        assert before <= {*files_with(directory, PLANTED)}
        erasure = await erase(server)
        assert files_with(directory, PLANTED) == []
        assert not list((directory / "exports").iterdir())
        assert erasure.done
        assert not any((await server.app.store.erasures.left(erasure)).values())
        receipt = {place.place: place for place in erasure.receipt}
        assert (receipt["exports"].erased, receipt[REPLACED].erased) == (1, 2)
        # 6 messages and one edit that is not superseded, in 30 rooms, a reaction and a nickname.
        assert (receipt["events"].erased, receipt["events"].how) == (30 * 9, "emptied")
        assert receipt["reactions"].erased == 30
    assert files_with(directory, PLANTED) == []


async def test_an_erasure_that_skips_edits_is_found_out(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text that an edit replaced, or brought, is a text of the person, too."""
    monkeypatch.setattr(removal, "EDITS_OF", f"{removal.EDITS_OF} AND 0")
    async with in_process(directory, **PEOPLE) as server:
        await lives(server, rooms=2)
        await erase(server)
    assert files_with(directory, PLANTED) != []


async def test_messages_may_stay_and_everything_else_goes(directory: Path) -> None:
    async with in_process(directory, **PEOPLE) as server:
        await lives(server, rooms=2)
        erasure = await erase(server, messages="keep")
        assert not any((await server.app.store.erasures.left(erasure)).values())
    assert b"I am " + PLANTED.encode() not in (directory / "chatd.sqlite").read_bytes()
    assert files_with(directory, PLANTED) == ["chatd.sqlite"]


async def test_nobody_comes_in_as_them_before_anything_is_removed(directory: Path) -> None:
    async with in_process(directory, **PEOPLE) as server:
        ann = await server.connect("ann")
        privacy = server.app.persons.privacy(server.app.host.writes, server.app.hub)
        erasure = await privacy.erase(Erase("ann"), AUDIT)
        assert (erasure.done, ann.wire.closed_with) == (0, (4202, "banned"))
        assert (await refused(server, "ann"))[0] == "forbidden"
        await server.app.persons.erasures.carry_out_due()
        assert (await refused(server, "ann"))[0] == "forbidden"


async def test_members_are_told_by_an_event_and_see_no_text_afterwards(directory: Path) -> None:
    async with in_process(directory, **SECTIONS) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("bob")
        await ann.send(room, PLANTED)
        bob.take()
        await erase(server)
        await server.wait_idle()
        events = [event for push in bob.take("event") for event in push["events"]]
        assert [event["kind"] for event in events] == ["erased", "left", "role"]
        page = await bob.request(type="history", room=room)
        assert [(event["recalled"], event["changed"]) for event in page["events"]] == [
            (True, events[0]["seq"])
        ]


class Stopped(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("steps", range(0, 16, 3))
async def test_one_that_was_cut_off_goes_on_and_its_receipt_tells_all(
    directory: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """Each submission is a commit: whatever came of it is on the disk when the process is killed behind it."""
    monkeypatch.setattr(erasures, "EVENTS_AT_ONCE", 3)
    left = steps
    submit = Erasures._submit

    async def cut(self: Erasures, request: Any) -> None:
        nonlocal left
        if not left:
            raise Stopped
        left -= 1
        await submit(self, request)

    async with in_process(directory, **PEOPLE) as server:
        await lives(server, rooms=2)
        await server.app.writer.submit_and_wait("", Erase("ann"))
        monkeypatch.setattr(Erasures, "_submit", cut)
        with pytest.raises(Stopped):
            await server.app.persons.erasures.carry_out_due()
    monkeypatch.setattr(Erasures, "_submit", submit)
    async with in_process(directory, **PEOPLE) as server:
        await server.app.persons.begin()
        await server.app.persons.erasures.carry_out_due()
        (erasure,) = await server.app.store.erasures.of(["ann"])
    assert files_with(directory, PLANTED) == []
    receipt = {place.place: place.erased for place in erasure.receipt}
    assert (receipt["events"], receipt["reactions"], receipt["users"]) == (2 * 9, 2, 1)


async def test_a_check_finds_what_came_back_and_erases_it(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with in_process(directory, **PEOPLE) as server:
        await lives(server, rooms=1)
        erasure = await erase(server)
        await server.app.writer.submit_and_wait("cat", ContactSet(user="ann", remark=PLANTED))
        await server.app.persons.erasures.carry_out_due()
        assert not (await server.app.store.erasures.of(["ann"]))[0].checked, "a day has not passed"
        server.env.advance(DAY_S + 1)
        await server.app.persons.erasures.carry_out_due()
        (checked,) = await server.app.store.erasures.of(["ann"])
        assert (checked.found, checked.done) == (1, erasure.done)
        assert "was not gone: 1 in contacts" in caplog.text
        assert server.app.counters.erasures_found == 1
        assert files_with(directory, PLANTED) == []
        server.env.advance(29 * DAY_S)
        await server.app.persons.erasures.carry_out_due()
        (checked,) = await server.app.store.erasures.of(["ann"])
        assert (checked.found, checked.due) == (0, 0)


async def test_a_database_that_was_replaced_today_stays_until_tomorrow(directory: Path) -> None:
    async with in_process(directory, **PEOPLE) as server:
        replaced = directory / "chatd.sqlite.replaced"
        replaced.write_bytes(PLANTED.encode())
        now_ms = int(replaced.stat().st_ctime * 1000)
        server.env.advance((now_ms - server.env.now_ms()) / 1000 + 60)
        erasure = await erase(server)
        (place,) = [place for place in erasure.receipt if place.place == REPLACED]
        assert (place.erased, place.kept, replaced.exists()) == (0, 1, True)
        server.env.advance(DAY_S + 60)
        await server.app.persons.erasures.carry_out_due()
        assert not replaced.exists()
        (erasure,) = await server.app.store.erasures.of(["ann"])
        (place,) = [place for place in erasure.receipt if place.place == REPLACED]
        assert (place.erased, place.kept) == (1, 0)


async def test_a_step_changes_few_rows(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Phones wait for no step longer than for a batch of their own."""
    sizes = []
    step = Erasures._step

    async def measured(self: Erasures, request: Any) -> None:
        before = server.app.store._store._writer._connection._conn.total_changes
        await step(self, request)
        sizes.append(server.app.store._store._writer._connection._conn.total_changes - before)

    async with in_process(directory, **SECTIONS) as server:
        bob = await server.connect("bob")
        room = await bob.create_group("ann")
        ask = server.app.writer.submit_and_wait
        await asyncio.gather(
            *(ask("ann", Send(room=room, key=new_key(), body=said("x"))) for _ in range(600))
        )
        await asyncio.gather(
            *(ask("ann", Edit(room=room, key=new_key(), target=seq, body=said("y"))) for seq in range(2, 602))
        )
        await asyncio.gather(
            *(
                ask("ann", React(room=room, key=new_key(), target=seq, emoji="👍", set=True))
                for seq in range(2, 602)
            )
        )
        monkeypatch.setattr(Erasures, "_step", measured)
        await erase(server)
    assert len(sizes) > 10
    assert max(sizes) <= 600


@given(st.lists(st.integers()), st.integers(1, 9))
def test_slices_hold_everything_once(items: list[int], size: int) -> None:
    parts = slices(items, size)
    assert [item for part in parts for item in part] == items
    assert all(0 < len(part) <= size for part in parts)
