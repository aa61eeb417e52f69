"""A receiver of webhooks in a process of its own, which tests kill: `python -m tests.kit.webhook_receiver SETTINGS`.

It verifies each delivery with the library of the specification, writes id and type of its entries to a file, a line
each, and answers as it was told.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from bench.machine import free_ports

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
READY = "ready"


class ReceiverProcess:
    """The process. `received`: the ids it accepted, again and again where they came again."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.secret_file = directory / "hook.secret"
        self.secret_file.touch(0o600)
        self.secret_file.write_text(SECRET)
        self._log = directory / "received.txt"
        self._log.touch()
        (self.port,) = free_ports(1)
        self._settings = {"port": self.port, "log": str(self._log), **settings}
        self._running: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def received(self) -> list[str]:
        return [line.split()[0] for line in self._lines]

    @property
    def types(self) -> list[str]:
        """The types of what it accepted."""
        return [line.split()[1] for line in self._lines]

    @property
    def _lines(self) -> list[str]:
        # A line that a kill cut is of a delivery that was not accepted.
        *lines, _ = self._log.read_text().split("\n")
        return lines

    @property
    def accepted(self) -> list[str]:
        """The ids without repetitions, in the order in which they first came."""
        return list(dict.fromkeys(self.received))

    async def start(self, **settings: Any) -> None:
        self._settings |= settings
        self._running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, json.dumps(self._settings), stdout=asyncio.subprocess.PIPE
        )
        assert self._running.stdout is not None
        assert await self._running.stdout.readline() == f"{READY}\n".encode()

    async def kill(self) -> None:
        assert self._running is not None
        if self._running.returncode is None:
            self._running.send_signal(signal.SIGKILL)
            await self._running.communicate()


@asynccontextmanager
async def receiver_process(directory: Path, **settings: Any) -> AsyncIterator[ReceiverProcess]:
    receiver = ReceiverProcess(directory, **settings)
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.kill()


class Receiver(ThreadingHTTPServer):
    """`late_s`: how long every third delivery waits. `refuses`: a text that a delivery must not have.

    `status`: the answer to what it does not refuse.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", settings["port"]), Delivery)
        self.log = open(settings["log"], "a", buffering=1)  # noqa: SIM115 it stays open
        self.late_s: float = settings.get("late_s", 0)
        self.refuses: str = settings.get("refuses", "")
        self.status: int = settings.get("status", 204)
        self.count = 0


class Delivery(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        given = Webhook(SECRET).verify(body, dict(self.headers))
        self.server.count += 1
        if self.server.late_s and self.server.count % 3 == 0:
            time.sleep(self.server.late_s)
        status = 500 if self.server.refuses and self.server.refuses in body.decode() else self.server.status
        if 200 <= status < 300:
            self.server.log.write("".join(f"{entry['id']} {entry['type']}\n" for entry in given["events"]))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    receiver = Receiver(json.loads(sys.argv[1]))
    print(READY, flush=True)
    receiver.serve_forever()
