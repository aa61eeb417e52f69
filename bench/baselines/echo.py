"""Floor (c): an echo on the daemon's own WebSocket edge, without a chat and without storage behind it.

It imports chatd.websocket, as only `micro` does besides: a copy of the edge would be another stack, and the question is
what chat and storage cost on this very one. It runs as a program of its own, like a daemon.
"""

import asyncio
import gc
import sys
from collections.abc import Callable
from typing import Any

from bench import machine
from bench.wire import server_frame
from chatd.config.model import Config, Limits
from chatd.http.listeners import Listener, ListenerOptions
from chatd.server.system_env import SystemEnv
from chatd.telemetry.counters import Counters
from chatd.websocket.acceptor_config import acceptor_config
from chatd.websocket.admission import Admission
from chatd.websocket.connection import connection_class
from chatd.websocket.wire import Wire

_CLIENTS_MAX = 10_000
_FRAME_BYTES_MAX = 65_536


class Echo:
    @property
    def frame_bytes_max(self) -> int:
        return _FRAME_BYTES_MAX

    def opened(self, wire: Wire) -> None:
        self._wire = wire

    def received(self, payload: bytes) -> None:
        self._wire.write(server_frame(payload))

    def writing_blocked(self) -> None: ...

    writing_resumed = writing_blocked

    def close(self, code: int) -> None:
        self._wire.close(code, "")

    def closed(self, code: int) -> None: ...


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def main(port: int, session: Callable[[], Echo] = Echo) -> None:
    everybody = _CLIENTS_MAX  # nobody says hello here, so that all count as strangers from one address
    limits = Limits(
        connections_per_address=everybody, unauthenticated=everybody, unauthenticated_per_address=everybody
    )
    config = Config(limits=limits)
    counters = Counters()
    acceptor = acceptor_config(
        config, session, env=SystemEnv(), admission=Admission(config.limits), counters=counters
    )
    options = ListenerOptions(config.listen.request_deadline_s, config.listen.backlog)
    await Listener(f"127.0.0.1:{port}", nothing, options, connection_class(acceptor)).start()
    gc.freeze()
    await asyncio.Event().wait()


if __name__ == "__main__":
    machine.run(main(int(sys.argv[1])))
