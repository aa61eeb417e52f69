"""The end of a daemon: in order and in time, whatever hangs; and the next start after an end without order."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.kit.client import TestClient
from tests.kit.clients import Clients
from tests.kit.daemon import DaemonProcess, daemon_process
from tests.kit.soak import scaled

CYCLES = scaled(2, 1000)
WRITERS = 3
DEADLINE_S = "4"  # half of it for connections that hang, half for the database on a busy machine

# The daemon as `chatd serve` runs it, but for a disk that no commit comes back from while the file "hangs" exists.
HANGING = """
import sys, threading
from pathlib import Path
from chatd.cli.main import main
from chatd.storage.sqlite import writer
commit, hangs = writer.commit, Path(sys.argv[1])
def hanging(connection, batch):
    if hangs.exists():
        threading.Event().wait()
    return commit(connection, batch)
writer.commit = hanging
main(["serve"])
"""


# And one whose check of a database that was not closed never ends.
CHECKING = """
import sys, threading
from chatd.cli.main import main
from chatd.storage.sqlite import startup
def check(connection, how, path):
    print("checking for ever", flush=True)
    threading.Event().wait()
startup.check = check
startup.WHOLE_PAGES_MAX = 0
main(["serve"])
"""


class Load:
    """People who write as fast as they are acknowledged, and one who reads nothing."""

    def __init__(self, company: Clients, room: str, writers: list[TestClient]) -> None:
        self.room = room
        self.acknowledged: dict[int, str] = {}  # by number
        self._company = company
        self._tasks = [asyncio.create_task(self._writes(client)) for client in writers]
        self._news = asyncio.Event()

    async def _writes(self, client: TestClient) -> None:
        with contextlib.suppress(AssertionError):  # the connection ended
            for count in range(1_000_000):
                text = f"{client.user} {count}"
                self.acknowledged[(await client.send(self.room, text))["seq"]] = text
                self._news.set()

    async def reaches(self, count: int) -> None:
        """Return when so many messages were acknowledged."""
        while len(self.acknowledged) < count:
            self._news.clear()
            await self._news.wait()

    async def wait_exit(self) -> None:
        """Return when nobody writes any more: the server is gone."""
        await asyncio.gather(*self._tasks)

    async def is_kept(self, daemon: DaemonProcess) -> None:
        """Everything that was acknowledged stands in the log, at its number."""
        reader = await TestClient.connect(daemon.url, "reader")
        await reader.say_hello()
        log = await reader.read_log(self.room)
        texts = {event["seq"]: event.get("body", {}).get("text") for event in log}
        assert sorted(texts) == list(range(1, len(log) + 1))
        assert {seq: texts.get(seq) for seq in self.acknowledged} == self.acknowledged
        await reader.hang_up()


@asynccontextmanager
async def under_load(daemon: DaemonProcess) -> AsyncIterator[Load]:
    """A group in which everybody writes; one member reads nothing and keeps the connection open to the end."""
    company = Clients(daemon.url)
    writers = [f"writer{number}" for number in range(WRITERS)]
    room, (_, *peers) = await company.in_group("reader", *writers)
    deaf = await company.connect("reader", receive_buffer_bytes=4096)
    deaf.link.stop_reading()
    load = Load(company, room, peers)
    await load.reaches(20)
    yield load
    deaf.link.cut()
    await load.wait_exit()
    await company.leave()


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[DaemonProcess]:
    async with daemon_process(tmp_path, DRAIN__DEADLINE_S=DEADLINE_S) as running:
        yield running


@pytest.mark.timeout(1200 + 40 * CYCLES)
async def test_sigterm_under_load_ends_in_order_though_somebody_hangs(daemon: DaemonProcess) -> None:
    for cycle in range(1, CYCLES + 1):
        async with under_load(daemon) as load:
            assert await daemon.terminate() == 0
        assert daemon.log.count(": stopped\n") + daemon.log.count('"stopped"') == cycle
        await daemon.start()
        await load.is_kept(daemon)
    assert "unclean" not in daemon.log


async def test_a_second_sigterm_ends_at_once_and_loses_nothing_acknowledged(daemon: DaemonProcess) -> None:
    async with under_load(daemon) as load:
        assert await daemon.terminate_twice() == 130
    assert "a second signal: exiting at once" in daemon.log
    await daemon.start()
    assert "the last stop was unclean: checking the database" in daemon.log
    await load.is_kept(daemon)


async def test_a_disk_that_hangs_does_not_keep_the_daemon_from_leaving(tmp_path: Path) -> None:
    hangs = tmp_path / "hangs"
    program = (sys.executable, "-c", HANGING, str(hangs))
    async with daemon_process(tmp_path, program, DRAIN__DEADLINE_S="1") as daemon:
        async with under_load(daemon) as load:
            hangs.touch()
            assert await daemon.terminate() == 0
        assert "the disk does not answer: exiting without closing the database" in daemon.log
        hangs.unlink()
        await daemon.start()
        assert "the last stop was unclean: checking the database" in daemon.log
        await load.is_kept(daemon)


async def test_a_second_signal_is_heard_while_a_large_database_is_checked(tmp_path: Path) -> None:
    async with daemon_process(tmp_path, (sys.executable, "-c", CHECKING)) as daemon:
        await daemon.kill9()
        starting = asyncio.create_task(daemon.start())
        await daemon.wait_for_log("checking for ever")
        assert await daemon.terminate_twice() == 130
        with pytest.raises(AssertionError, match="the daemon ended"):
            await starting


async def test_two_daemons_on_one_directory_are_refused_with_the_pid(daemon: DaemonProcess) -> None:
    other = ("--set", "listen.address=127.0.0.1:0", "--set", "listen.ops_address=")
    code, said = await daemon.run("serve", *other)
    assert code == 1
    assert f"the chatd with pid {daemon.pid} uses this directory" in said
