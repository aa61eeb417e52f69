"""All that is kept of a person is written into a file of the host, which goes after a week."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from chatd.core.accounts import Amend
from chatd.core.audit import Audit
from chatd.core.erasure_steps import Erase
from chatd.core.exports import KEPT_MS
from chatd.jobs import exports
from chatd.protocol.errors import Refused
from chatd.storage.erasing import PersonFiles
from tests.kit.inprocess import InProcessServer, in_process
from tests.kit.random_workload import SECTIONS

AUDIT = Audit("socket", "PUT /v1/exports/{user}", "ann", "r")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data"


async def exported(server: InProcessServer) -> list[dict[str, Any]]:
    privacy = server.app.persons.privacy(server.app.host.writes, server.app.hub)
    await privacy.ask_export("ann", AUDIT)
    await server.app.persons.exports.carry_out_due()
    path = Path(await privacy.export_path("ann", AUDIT))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size == (await privacy.export("ann")).bytes
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


async def test_an_export_has_what_a_person_wrote_and_nothing_of_others(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    async with in_process(directory, **SECTIONS) as server:
        await server.app.writer.submit_and_wait("ann", Amend(name="Ann"))
        ann, bob = await server.connect("ann"), await server.connect("bob")
        for _ in range(2):
            room = await ann.create_group("bob")
            for number in range(5):
                await ann.send(room, f"mine {number}")
                await bob.send(room, "bob's")
        rows = await exported(server)
        texts = [row["event"]["body"]["text"] for row in rows if row["table"] == "events"]
        assert texts == [f"mine {number}" for number in range(5)] * 2
        assert [row["name"] for row in rows if row["table"] == "users"] == ["Ann"]
        assert "bob's" not in str(rows)


async def test_a_file_goes_after_a_week_and_a_new_one_takes_the_place_of_the_old(directory: Path) -> None:
    async with in_process(directory, **SECTIONS) as server:
        files = directory / "exports"
        await exported(server)
        (first,) = files.iterdir()
        await exported(server)
        (second,) = files.iterdir()
        assert first != second
        server.env.advance(KEPT_MS / 1000 + 1)
        await server.app.persons.exports.carry_out_due(may_drop=False)
        assert second.exists(), "the clock is not trusted"
        await server.app.persons.exports.carry_out_due()
        assert not [*files.iterdir()]
        privacy = server.app.persons.privacy(server.app.host.writes, server.app.hub)
        with pytest.raises(Refused, match="not_found"):
            await privacy.export("ann")


async def test_who_is_erased_meanwhile_is_not_in_a_file(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_process(directory, **SECTIONS) as server:
        persons = server.app.persons
        privacy = persons.privacy(server.app.host.writes, server.app.hub)
        await privacy.ask_export("ann", AUDIT)
        (export,) = await server.app.store.erasures.exports_due(server.env.now_ms())
        await server.app.writer.submit_and_wait("", Erase("ann"))
        await persons.erasures.carry_out_due()
        await persons.exports.write(export)
        assert not [*(directory / "exports").iterdir()]
        with pytest.raises(Refused, match="gone"):
            await privacy.ask_export("ann", AUDIT)


async def test_what_a_crash_left_of_an_export_is_removed_at_the_start(directory: Path) -> None:
    async with in_process(directory, **SECTIONS) as server:
        await exported(server)
        files: PersonFiles = server.app.store.files
        name, file = files.new_export(b"left behind")
        file.close()
        await server.app.persons.begin()
        left = [path.name for path in (directory / "exports").iterdir()]
        assert len(left) == 1
        assert name not in left
