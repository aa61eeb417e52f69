"""key_download.py against a key server that answers well, badly, too long and too slowly."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest

from chatd.auth import key_download as module
from chatd.auth.key_download import download
from tests.kit.certificates import write_certificate
from tests.kit.keyserver import KeyServer, key_server


@pytest.fixture
def provider() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


@pytest.fixture
def over_tls(provider: KeyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyServer:
    """The same with a certificate that the system trusts."""
    file = write_certificate(tmp_path / "provider.pem")["tls_cert"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    provider.socket = context.wrap_socket(provider.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", file)
    return provider


async def test_a_key_set_is_downloaded(provider):
    assert await download(provider.url("good")) == b'{"keys": []}'


@pytest.mark.parametrize("path", ["missing", "moved", "garbage", "nowhere", "huge", "malformed"])
async def test_bad_answers_are_os_errors(provider, path):
    with pytest.raises(OSError):  # noqa: PT011 every kind of failure is one
        await download(provider.url(path))
    assert provider.paths == [f"/{path}"]


async def test_no_error_shows_the_query(provider):
    with pytest.raises(OSError, match="InvalidURL") as caught:
        await download(provider.url("good?key=plugh and a blank"))
    assert "plugh" not in repr(caught.value)


async def test_an_endless_answer_is_cut(provider):
    with pytest.raises(OSError, match="longer than"):
        await download(provider.url("endless"))


@pytest.mark.parametrize("path", ["silent", "dripping", "heading", "continuing"])
async def test_a_slow_answer_is_given_up_and_leaves_no_thread(provider, path, monkeypatch):
    monkeypatch.setattr(module, "TOTAL_S", 0.1)
    with pytest.raises(TimeoutError):
        await download(provider.url(path))
    for thread in downloading():
        thread.join()


async def test_over_tls_it_is_the_same(over_tls, monkeypatch):
    good, heading = (over_tls.url(path).replace("http:", "https:") for path in ("good", "heading"))
    assert await download(good) == b'{"keys": []}'
    monkeypatch.setattr(module, "TOTAL_S", 0.1)
    with pytest.raises(TimeoutError):
        await download(heading)
    for thread in downloading():
        thread.join()
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setattr(module, "TOTAL_S", 5.0)
    with pytest.raises(OSError, match="certificate"):
        await download(good)


async def test_a_download_does_not_need_the_threads_of_the_loop(provider):
    """Nor does what needs them wait for a download."""
    asyncio.get_running_loop().set_default_executor(Nobody())
    assert await download(provider.url("good")) == b'{"keys": []}'


async def test_who_gives_up_ends_the_download(provider):
    asked = asyncio.create_task(download(provider.url("silent")))
    while not provider.paths:
        await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    for thread in downloading():
        thread.join()


class Nobody(ThreadPoolExecutor):
    """A download that takes a thread of the loop's pool is found."""

    def submit(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError("nobody is free")


def downloading() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "key set"]


async def test_a_closed_port_is_an_os_error(provider):
    target = provider.url("good")
    provider.shutdown()
    provider.server_close()
    with pytest.raises(OSError, match="refused"):
        await download(target)
