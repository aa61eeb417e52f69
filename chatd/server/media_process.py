"""The process `chatd-media`, which takes and serves files: the daemon starts it as a module.

Its standard input is a socket, over which the daemon speaks first. It owns the bytes, and reads the database.
"""

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from chatd.media.main import read_settings, serve
from chatd.server.system_env import SystemEnv
from chatd.storage.sqlite.media_reads import SqliteMediaReads
from chatd.telemetry.logs import logging_to

TITLE = "chatd-media"
# When memory is short this process goes before the daemon (proc(5), oom_score_adj).
OUT_OF_MEMORY_SCORE = "500"


def main() -> None:
    """Serve until the daemon ends. Ctrl-C in a terminal comes to both, and the daemon says when to end.

    The loop is that of asyncio: that of uvloop has no sendfile.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name, text in (("comm", TITLE), ("oom_score_adj", OUT_OF_MEMORY_SCORE)):
        with suppress(OSError):
            Path("/proc/self", name).write_text(text)
    with socket.socket(fileno=sys.stdin.fileno()) as pipe:
        settings = read_settings(pipe)
        with logging_to(sys.stderr, settings.log):
            asyncio.run(serve(pipe, settings, SystemEnv(), SqliteMediaReads.open))


if __name__ == "__main__":
    main()
