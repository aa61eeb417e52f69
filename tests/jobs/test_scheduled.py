"""Messages that are sent later, by the job on a real store."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from chatd.core.accounts import Amend
from chatd.core.scheduled import scheduled_of
from chatd.core.sections import SCHEDULED
from chatd.jobs import scheduled as job
from chatd.protocol.drafts import Schedule
from chatd.protocol.media import SCHEME
from chatd.protocol.members import MembersRemove
from chatd.protocol.messages import SentAttachment, SentBody
from chatd.webhooks.interface import Verdict
from chatd.writer.screening import ScreeningRules
from tests.kit.files import Files
from tests.kit.inprocess import InProcessServer, in_process, new_key
from tests.kit.judge import PASS, ManualJudge

HOUR_S = 3600.0


async def schedule(
    server: InProcessServer, user: str, room: str, text: str, in_s: float = HOUR_S, **body: Any
) -> str:
    """Schedule a message; return its key."""
    key, at = new_key(), server.env.now_ms() + int(in_s * 1000)
    request = Schedule(room=room, key=key, at=at, body=SentBody(text=text, **body))
    await server.app.writer.submit_and_wait(user, request)
    return key


async def rows_of(server: InProcessServer, user: str) -> dict[str, tuple[str, str]]:
    """Return text and error of the scheduled messages of a user, by key."""
    rows = await server.store.rows_of_section([user], SCHEDULED)
    found = {row.name: scheduled_of(row.value or b"") for row in rows}
    return {name: (str(one.body.text), one.error) for name, one in found.items()}


async def texts_in(server: InProcessServer, room: str) -> list[str]:
    log = await Files(server).log(room)
    return [str(event.body.text) for event in log if event.body is not UNSET]


async def state_of(files: Files, name: str) -> str | None:
    known = await files.known(name)
    return None if known is None else known.file.state


async def test_what_is_due_is_sent_in_slices_in_the_order_of_its_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "SENT_AT_ONCE", 2)
    async with in_process(tmp_path) as server:
        ann = await server.connect("ann")
        room = await ann.create_group("bob")
        for minutes in (5, 3, 1, 4, 2):
            await schedule(server, "ann", room, f"{minutes}", minutes * 60)
        later = await schedule(server, "ann", room, "later", HOUR_S)
        await server.app.scheduled.send_due()
        assert await texts_in(server, room) == []
        await server.advance(300)
        await server.app.scheduled.send_due()
        texts = await texts_in(server, room)
        assert texts == ["1", "2", "3", "4", "5"]
        assert await rows_of(server, "ann") == {later: ("later", "")}
        assert await server.store.scheduled.next_at() == server.env.now_ms() + (HOUR_S - 300) * 1000


async def test_one_that_is_refused_is_kept_with_its_error_for_a_month(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        ann = await server.connect("ann")
        room = await ann.create_group("bob", "cat", "dan")
        ask = server.app.writer.submit_and_wait
        keys = {user: await schedule(server, user, room, "bye") for user in ("ann", "bob", "cat", "dan")}
        await ask("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
        await ask("cat", Amend(disabled=True))
        judge = ManualJudge(lambda item: Verdict("reject") if item.user == "dan" else PASS)
        server.app.screening.reconfigure(ScreeningRules((judge,)))
        server.app.context.use(server.app.screening.submit)
        await server.advance(HOUR_S)
        await server.app.scheduled.send_due()
        # The judge was asked about nobody who may not write there.
        assert [(item.user, item.body and item.body.text) for item in judge.items] == [
            ("ann", "bye"), ("dan", "bye"),
        ]  # fmt: skip
        codes = {"bob": "not_member", "cat": "forbidden", "dan": "rejected"}
        for user, code in codes.items():
            assert await rows_of(server, user) == {keys[user]: ("bye", code)}
        assert await texts_in(server, room) == ["bye"]
        await server.advance(29 * 24 * HOUR_S)
        await server.app.scheduled.send_due()
        assert await rows_of(server, "dan") == {keys["dan"]: ("bye", "rejected")}
        await server.advance(24 * HOUR_S)
        await server.app.scheduled.send_due()
        assert [await rows_of(server, user) for user in codes] == [{}, {}, {}]
        assert await server.store.scheduled.next_at() is None


async def test_its_files_are_held_until_it_is_sent_or_cancelled(tmp_path: Path) -> None:
    async with in_process(tmp_path, media={"enabled": True}) as server:
        ann = await server.connect("ann")
        room = await ann.create_group("bob")
        files = Files(server)
        names = {when: await files.ready("ann") for when in ("sent", "cancelled", "replaced")}
        held = {when: [SentAttachment(SCHEME + name, "x/x")] for when, name in names.items()}
        keys = {when: await schedule(server, "ann", room, when, attachments=held[when]) for when in names}
        await server.advance(HOUR_S / 2)
        again = Schedule(room=room, key=keys["cancelled"], at=1)
        other = Schedule(
            room=room, key=keys["replaced"], at=server.env.now_ms() + 1, body=SentBody(text="no file")
        )
        for request in (again, other):
            await server.app.writer.submit_and_wait("ann", request)
        await files.check()
        states = {when: await state_of(files, name) for when, name in names.items()}
        assert states == {"sent": "ready", "cancelled": None, "replaced": None}
        await server.advance(HOUR_S)
        await server.app.scheduled.send_due()
        await files.check()
        assert await state_of(files, names["sent"]) == "ready"
        assert await rows_of(server, "ann") == {}
