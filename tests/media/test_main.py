"""The process of media in this loop, with a daemon that a test plays and rows in memory."""

import asyncio
import socket
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from chatd.config.media import Media
from chatd.media import main
from chatd.media.inspectors import Inspectors
from chatd.media.interface import Authenticate, Begin, Caller, Condition, Delete, Deleted, Failed
from chatd.media.layout import path_of
from chatd.media.settings import MediaSettings
from chatd.protocol.errors import Unavailable
from chatd.protocol.process_frames import Kind
from chatd.server.system_env import SystemEnv
from chatd.telemetry.troubles import Troubles
from tests.kit import http
from tests.kit.media_rows_in_memory import MemoryRows
from tests.kit.played_daemon import PlayedDaemon
from tests.kit.waiting import until

FILES = ["Fz3kQ0aaaaaaaaaaaaaaaa", "Gz3kQ0aaaaaaaaaaaaaaaa"]


@asynccontextmanager
async def running(directory, **media):
    """Run a process; yields its daemon, and the address of its listener."""
    env, ours = SystemEnv(), socket.create_server(("127.0.0.1", 0))
    settings = MediaSettings(Media(**media), ours.dup().detach(), "", str(directory), b"")
    here, there = socket.socketpair()
    with ThreadPoolExecutor(2) as pool, ours:
        troubles = Troubles(env.monotonic, lambda *said: None)
        process = main.MediaProcess(settings, env, MemoryRows(env), troubles, pool)
        await asyncio.get_running_loop().create_unix_connection(lambda: process.daemon, sock=here)
        daemon = PlayedDaemon(*await asyncio.open_unix_connection(sock=there))
        await process.start()
        try:
            assert await daemon.hear() == Kind.READY
            yield daemon, f"http://127.0.0.1:{ours.getsockname()[1]}"
        finally:
            await process.close()
            daemon.hang_up()
            await process.daemon.ended.wait()


async def begun(daemon, url, kind):
    """Begin an upload with a token that the daemon knows."""
    asking = asyncio.create_task(begin(url, kind))
    while not asking.done():
        question = asyncio.create_task(daemon.hear())
        await asyncio.wait({asking, question}, return_when=asyncio.FIRST_COMPLETED)
        if not question.done():
            question.cancel()
        elif isinstance(question.result(), Authenticate):
            caller = Caller(id=question.result().id, user="bob", allow=("send",), expires_at=1 << 52)
            daemon.say(caller)
        elif isinstance(question.result(), Begin):
            daemon.say(Failed(question.result().id, "quota"))
    return await asking


async def begin(url, kind):
    said = ",".join(
        f"{name} {b64encode(value).decode()}" for name, value in {"key": b"abcdefgh", "kind": kind}.items()
    )
    headers = {
        "Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": said, "Authorization": "Bearer bob",
    }  # fmt: skip
    return await http.request(f"{url}/v1/files", "POST", headers=headers)


@pytest.fixture
def no_inspectors(monkeypatch):
    """What opens uploads does not start."""

    async def start(self):
        self.missing = ("seccomp",)
        raise Unavailable("overloaded", "the kernel is old")

    monkeypatch.setattr(Inspectors, "start", start)


async def test_deletions_are_done_and_said_in_the_order_of_asking(tmp_path, no_inspectors):
    async with running(tmp_path) as (daemon, _):
        assert isinstance(await daemon.hear(), Condition)
        for name in FILES:
            path_of(tmp_path, name).write_bytes(b"x")
        # It cannot be deleted like a file.
        path_of(tmp_path, f"{FILES[0]}-m").mkdir()
        asked = [Delete((FILES[0],), (FILES[1],)), Delete((f"{FILES[0]}-m",), ()), Delete((FILES[1],), ())]
        for one in asked:
            daemon.say(one)
        told = [await daemon.hear() for _ in asked]
        assert told == [Deleted((FILES[0],), (FILES[1],)), Deleted(), Deleted((FILES[1],))]
        assert not any(path_of(tmp_path, name).exists() for name in FILES)


async def test_without_inspectors_files_are_taken_and_pictures_later(tmp_path, no_inspectors):
    async with running(tmp_path) as (daemon, url):
        condition = await daemon.hear()
        assert (condition.problem, condition.fences) == (
            "pictures, video and voice notes are not taken: the kernel is old",
            ("seccomp",),
        )
        for kind in (b"picture", b"video", b"voice"):
            answer = await begun(daemon, url, kind)
            assert (answer.status, answer.json["code"], "retry_after" in answer.json) == (
                503,
                "overloaded",
                True,
            )
        assert (await begun(daemon, url, b"file")).json == {"code": "quota"}


async def test_without_the_fences_that_the_operator_wants_pictures_are_not_supported(tmp_path, no_inspectors):
    async with running(tmp_path, fences="required") as (daemon, url):
        answer = await begun(daemon, url, b"picture")
        assert (answer.status, answer.json) == (415, {"code": "not_supported", "field": "kind"})


async def test_a_disk_that_is_nearly_full_is_told_and_nothing_is_taken(tmp_path, no_inspectors):
    async with running(tmp_path, min_free_bytes=1 << 60) as (daemon, url):
        assert "MiB of the disk are free" in (await daemon.hear()).problem
        answer = await begun(daemon, url, b"file")
        assert (answer.status, answer.json["code"], "retry-after" in answer.headers) == (
            503,
            "overloaded",
            True,
        )


async def test_a_process_waits_for_the_one_before_it(tmp_path, no_inspectors):
    """Both would write to the same uploads. What has to be waited for is the end of the first."""
    order = []

    async def second():
        async with running(tmp_path):
            order.append("second")

    async with running(tmp_path):
        waiting = asyncio.create_task(second())
        await until(lambda: lock_is_awaited(tmp_path))
        order.append("first")
    await waiting
    assert order == ["first", "second"]


def lock_is_awaited(directory):
    """Whether somebody waits for the lock of the process (proc(5), /proc/locks)."""
    number = (directory / "process.lock").stat().st_ino
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f":{number} " in line for line in lines)


def test_the_settings_do_not_show_the_key_of_links():
    settings = MediaSettings(Media(), 3, "database", "directory", b"secret")
    assert "secret" not in repr(settings)
    assert msgspec.structs.asdict(settings)["link_key"] == b"secret"
