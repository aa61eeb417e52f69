"""download.py: a real HTTP server on loopback that answers well, badly, too long and too slowly."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chatd.identity import download as module
from chatd.identity.download import download
from chatd.identity.keys import KEY_SET_BYTES_MAX


class Provider(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.released = threading.Event()
        self.paths: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        getattr(self, "answer_" + self.path.strip("/"))()

    def answer_good(self) -> None:
        self._head(200, {"Content-Length": "12"})
        self.wfile.write(b'{"keys": []}')

    def answer_missing(self) -> None:
        self._head(404, {"Content-Length": "0"})

    def answer_moved(self) -> None:
        self._head(302, {"Location": "/good", "Content-Length": "0"})

    def answer_endless(self) -> None:
        self._head(200, {})
        try:
            for _ in range(KEY_SET_BYTES_MAX // 1024 * 4):
                self.wfile.write(bytes(1024))
        except OSError:
            pass

    def answer_silent(self) -> None:
        self.server.released.wait(30)

    def answer_dripping(self) -> None:
        self._head(200, {})
        try:
            while not self.server.released.wait(0.01):
                self.wfile.write(b" ")
        except OSError:
            pass

    def answer_garbage(self) -> None:
        self.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def url(provider: Provider, path: str) -> str:
    return f"http://127.0.0.1:{provider.server_address[1]}/{path}"


async def test_a_key_set_is_downloaded(provider):
    assert await download(url(provider, "good")) == b'{"keys": []}'


@pytest.mark.parametrize("path", ["missing", "moved", "garbage"])
async def test_bad_answers_are_os_errors(provider, path):
    with pytest.raises(OSError):  # noqa: PT011 every kind of failure is one
        await download(url(provider, path))
    assert provider.paths == [f"/{path}"]


async def test_an_endless_answer_is_cut(provider):
    with pytest.raises(OSError, match="longer than"):
        await download(url(provider, "endless"))


@pytest.mark.parametrize("path", ["silent", "dripping"])
async def test_a_slow_answer_is_given_up(provider, path, monkeypatch):
    monkeypatch.setattr(module, "TOTAL_S", 0.1)
    monkeypatch.setattr(module, "SOCKET_S", 0.2)
    with pytest.raises(TimeoutError):
        await download(url(provider, path))


async def test_a_closed_port_is_an_os_error(provider):
    target = url(provider, "good")
    provider.shutdown()
    provider.server_close()
    with pytest.raises(OSError, match="refused"):
        await download(target)
