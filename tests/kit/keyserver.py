"""A key server, which takes POSTs as well: HTTP on loopback that answers well, badly, too long and too slowly."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from chatd.auth.keys import KEY_SET_BYTES_MAX


class KeyServer(ThreadingHTTPServer):
    """A server whose answer depends on the last part of the path: `good` is with `content`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.released = threading.Event()
        self.paths: list[str] = []
        self.posted: list[tuple[dict[str, str], bytes]] = []
        self.content = b'{"keys": []}'

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class Answer(BaseHTTPRequestHandler):
    server: KeyServer

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        getattr(self, "answer_" + self.path.strip("/"))()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.do_GET()

    def answer_good(self) -> None:
        self._head(200, {"Content-Length": str(len(self.server.content))})
        self.wfile.write(self.server.content)

    def answer_switched(self) -> None:
        """Answer with its content, once there is some that holds a key."""
        if b"kid" in self.server.content:
            self.answer_good()
        else:
            self.answer_missing()

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
        self._drips(b"HTTP/1.1 200 OK\r\n\r\n", b" ")

    def answer_garbage(self) -> None:
        self.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    def answer_nowhere(self) -> None:
        self._head(302, {"Location": "http://[", "Content-Length": "0"})

    def answer_huge(self) -> None:
        self._head(200, {"X": "x" * 100_000})

    def answer_malformed(self) -> None:
        self._head(200, {"Transfer-Encoding": "chunked"})
        self.wfile.write(b"-5\r\nkeys\r\n")

    def answer_heading(self) -> None:
        self._drips(b"HTTP/1.1 200 OK\r\nX: ", b"x")

    def answer_continuing(self) -> None:
        self._drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n")

    def _drips(self, first: bytes, drop: bytes) -> None:
        try:
            self.wfile.write(first)
            while not self.server.released.wait(0.01):
                self.wfile.write(drop)
        except OSError:
            pass

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def key_server() -> Iterator[KeyServer]:
    """Run a key server around the block; answers that are still dripping end with it."""
    server = KeyServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
