"""Socket activation: the service manager holds the public socket, the daemon takes it over."""

import asyncio
import shlex
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit import http
from tests.kit.clients import Clients
from tests.kit.daemon import PROGRAM, DaemonProcess


@pytest.fixture
async def held() -> AsyncIterator[socket.socket]:
    """A listening socket as systemd opens it, before anybody serves it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def activated(held: socket.socket, directory: Path, **settings: str) -> DaemonProcess:
    """A daemon that finds `held` as its descriptor 3, as sd_listen_fds(3) has it."""
    shell = f"export LISTEN_FDS=1 LISTEN_PID=$$; exec {shlex.join(PROGRAM)} 3<&{held.fileno()}"
    address = "{}:{}".format(*held.getsockname())
    daemon = DaemonProcess(directory, ("bash", "-c", shell), LISTEN__ADDRESS=address, **settings)
    daemon.inherits = (held.fileno(),)
    return daemon


async def test_the_daemon_serves_the_socket_it_was_given(held: socket.socket, tmp_path: Path) -> None:
    daemon = activated(held, tmp_path)
    url = "http://{}:{}".format(*held.getsockname())
    early = asyncio.create_task(
        http.request(f"{url}/v1/health")
    )  # waits in the socket until somebody serves it
    await asyncio.sleep(0)
    await daemon.start()
    try:
        assert (await early).body == b"chatd\n"
        company = Clients(url.replace("http:", "ws:") + "/v1/ws")
        room, (ann, ben) = await company.in_direct("ann", "ben")
        await ann.send(room, "hello")
        assert (await ben.next_event(room, "message"))["body"]["text"] == "hello"
        assert await daemon.terminate() == 0
        await company.leave()
    finally:
        await daemon.kill9()


async def test_nobody_is_refused_between_two_daemons(held: socket.socket, tmp_path: Path) -> None:
    daemon = activated(held, tmp_path)
    url = "http://{}:{}".format(*held.getsockname())
    await daemon.start()
    assert await daemon.terminate() == 0
    between = asyncio.create_task(http.request(f"{url}/v1/health"))
    await asyncio.sleep(0)
    await daemon.start()
    assert (await between).status == 200
    await daemon.kill9()


async def test_the_operations_address_is_still_ours_to_find_busy(held: socket.socket, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = "{}:{}".format(*other.getsockname())
        daemon = activated(held, tmp_path, LISTEN__OPS_ADDRESS=address)
        with pytest.raises(AssertionError, match="is in use by"):
            await daemon.start()
