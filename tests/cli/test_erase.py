"""`chatd erase` and `chatd export`, with the daemon stopped and running; and a restore, which erases again."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chatd.storage.sqlite.backup import backup
from tests.cli.conftest import Run
from tests.kit.client import TestClient
from tests.kit.daemon import DaemonProcess, daemon_process

PLANTED = "Zq7planted"

Command = Callable[..., Awaitable[tuple[int, str]]]


async def say(daemon: DaemonProcess, count: int = 3) -> None:
    """ann says something to bob."""
    ann = await TestClient.connect(daemon.url, "ann")
    await ann.say_hello()
    room = await ann.open_direct("bob")
    for _ in range(count):
        await ann.send(room, PLANTED)
    await ann.link.close()


def files_with(directory: Path, text: str) -> list[str]:
    return [
        path.name
        for path in sorted(directory.iterdir())
        if path.is_file() and text.encode() in path.read_bytes()
    ]


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    async with daemon_process(tmp_path) as daemon:
        await say(daemon)
        await daemon.terminate()
        return daemon.database.parent


@pytest.fixture(params=["stopped", "running"])
async def chatd(
    request: pytest.FixtureRequest, data: Path, tmp_path: Path, run: Run
) -> AsyncIterator[Command]:
    """Run `chatd ARGUMENTS` on a server; return the exit code, and what it printed."""
    async with AsyncExitStack() as stack:
        if request.param == "running":
            await stack.enter_async_context(daemon_process(tmp_path))

        async def call(*arguments: str, input: str = "") -> tuple[int, str]:
            result = await asyncio.to_thread(run, *arguments, "--data", str(data), input=input)
            return result.exit_code, result.output

        yield call


async def test_a_person_is_exported_and_erased(chatd: Command, data: Path, tmp_path: Path) -> None:
    code, output = await chatd("export", "ann", str(tmp_path / "ann.gz"))
    assert (code, output.startswith(f"Wrote {tmp_path / 'ann.gz'}: ")) == (0, True)
    rows = [json.loads(line) for line in gzip.decompress((tmp_path / "ann.gz").read_bytes()).splitlines()]
    assert [row["event"]["body"]["text"] for row in rows if row["table"] == "events"] == [PLANTED] * 3
    assert (tmp_path / "ann.gz").stat().st_mode & 0o777 == 0o600
    assert (await chatd("export", "ann", str(tmp_path / "ann.gz")))[0] == 1, "a file is never replaced"

    assert (await chatd("erase", "ann", input="n\n"))[0] == 1
    code, output = await chatd("erase", "ann", input="y\n")
    assert (code, "events                   3 emptied" in output) == (0, True), output
    code, output = await chatd("erase", "--check", "ann")
    assert (code, output.splitlines()[-1]) == (0, "The last check found 0 rows that were left.")
    receipt = json.loads((await chatd("erase", "--yes", "--json", "ann"))[1])
    assert (receipt["state"], receipt["check"]["found"]) == ("done", 0)
    code, output = await chatd("export", "ann", str(tmp_path / "again.gz"))
    assert (code, "this person was erased" in output) == (1, True)


async def test_somebody_who_was_never_here_is_a_spelling_mistake(chatd: Command) -> None:
    code, output = await chatd("erase", "--yes", "anm")
    assert (code, "anm was ever seen here" in output) == (1, True)
    code, output = await chatd("erase", "--yes", "--unseen", "anm")
    assert (code, output) == (0, "anm is erased.\n")


@pytest.mark.parametrize("listed", ["beside", "given", "in the backup"])
async def test_a_restore_erases_again_who_was_erased_since_the_backup(
    data: Path, tmp_path: Path, run: Run, listed: str
) -> None:
    await asyncio.to_thread(backup, data, tmp_path / "old.sqlite")
    erased = await asyncio.to_thread(run, "erase", "--yes", "ann", "--data", str(data))
    assert erased.exit_code == 0, erased.output
    assert files_with(data, PLANTED) == []
    target, options = data, ["--yes"]
    if listed == "given":
        # The disk is lost, and the list was kept elsewhere.
        target, options = tmp_path / "new", ["--erasures", str(data / "erasures.jsonl")]
    elif listed == "in the backup":
        with_list = tmp_path / "young.sqlite"
        await asyncio.to_thread(backup, data, with_list)
        target = tmp_path / "new"
        first = await asyncio.to_thread(run, "restore", str(with_list), "--data", str(target))
        assert first.exit_code == 0, first.output
        assert (target / "erasures.jsonl").read_bytes() == (data / "erasures.jsonl").read_bytes()
    result = await asyncio.to_thread(
        run, "restore", str(tmp_path / "old.sqlite"), *options, "--data", str(target)
    )
    assert result.exit_code == 0, result.output
    assert "Users erased again, since the backup had them: 1." in result.output
    assert files_with(target, PLANTED) == []


async def test_a_list_that_cannot_be_read_stops_the_restore(data: Path, tmp_path: Path, run: Run) -> None:
    await asyncio.to_thread(backup, data, tmp_path / "old.sqlite")
    (tmp_path / "bad.jsonl").write_text("no list\n")
    for name in ("bad.jsonl", "missing.jsonl"):
        options = ("--yes", "--erasures", str(tmp_path / name), "--data", str(data))
        result = await asyncio.to_thread(run, "restore", str(tmp_path / "old.sqlite"), *options)
        assert (result.exit_code, "Nothing was changed" in result.output) == (1, True)
    assert not (data / "chatd.sqlite.replaced").exists()


async def test_an_erasure_goes_on_after_kill_9(data: Path, tmp_path: Path, run: Run) -> None:
    """Wherever it is: the next start finishes it by itself."""
    async with daemon_process(tmp_path) as daemon:
        await say(daemon, 200)
        asking = asyncio.create_task(asyncio.to_thread(run, "erase", "--yes", "ann", "--data", str(data)))
        while not (data / "erasures.jsonl").exists():
            await asyncio.sleep(0)
        await daemon.kill9()
        await asking
    async with daemon_process(tmp_path) as daemon:
        result = await asyncio.to_thread(run, "erase", "--yes", "--json", "ann", "--data", str(data))
        receipt = {place["place"]: place for place in json.loads(result.output)["receipt"]}
        assert receipt["events"]["erased"] == 203
        await daemon.terminate()
    assert files_with(data, PLANTED) == []
