"""Telling a portal from an outage."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from chatd.client.captive_portal import is_portal


@asynccontextmanager
async def answering(answer):
    async def handle(reader, writer):
        await reader.read(65536)
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as listening:
        yield f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1/ws"


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "portal"),
    [
        pytest.param(OK + b"chatd\n", False, id="chatd"),
        pytest.param(OK + b"Login!", True, id="another body"),
        pytest.param(OK + b"chatd\n" + b"x" * 9000, True, id="more than the body"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: http://portal\r\n\r\nchatd\n", True, id="redirect"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", True, id="something else"),
        pytest.param(b"", False, id="silence"),
    ],
)
async def test_only_somebody_elses_answer_is_a_portal(answer, portal):
    async with answering(answer) as url:
        assert await is_portal(url, None, 5.0) is portal


async def test_nobody_is_no_portal():
    assert await is_portal("ws://127.0.0.1:1/v1/ws", None, 5.0) is False


async def test_an_answer_that_never_comes_is_no_portal():
    released = asyncio.Event()

    async def silent(reader, writer):
        await released.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        assert await is_portal(f"ws://127.0.0.1:{port}/", None, 0.01) is False
        released.set()


async def test_an_answer_that_is_no_tls_is_a_portal():
    async with answering(OK) as url:
        assert await is_portal(url.replace("ws:", "wss:"), None, 5.0) is True
