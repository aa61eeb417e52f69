"""The beginning of a process beside the daemon: its standard input is a socket, over which the daemon speaks first."""

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

from chatd.protocol.process_frames import HEAD_BYTES, Kind, decode
from chatd.telemetry.process import introduce

# When memory is short these processes go before the daemon.
OUT_OF_MEMORY_SCORE = 500

S = TypeVar("S")


@contextmanager
def conversation(name: str, settings: type[S], nice: int = 0) -> Iterator[tuple[socket.socket, S]]:
    """Speak with the daemon as the process `name` within the block; give the socket, and what the daemon says first.

    Ctrl-C in a terminal comes to both, and the daemon says when to end. Raises OSError and ValueError when it says
    something else, and SystemExit when it is gone before it says anything.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    introduce(name, OUT_OF_MEMORY_SCORE, nice)
    with socket.socket(fileno=sys.stdin.fileno()) as pipe:
        head = pipe.recv(HEAD_BYTES, socket.MSG_WAITALL)
        if not head:
            raise SystemExit(0)
        if len(head) < HEAD_BYTES or head[4] != Kind.SETTINGS:
            raise ValueError("no settings")
        payload = pipe.recv(int.from_bytes(head[:4], "big"), socket.MSG_WAITALL)
        yield pipe, cast(S, decode(payload, settings))
