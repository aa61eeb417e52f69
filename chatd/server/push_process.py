"""The process `chatd-push`, which sends push notifications: the daemon starts it as a module.

Its standard input is a socket, over which the daemon speaks first. It alone reads the keys of push services.
"""

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from chatd.push.sender.main import read_settings, serve
from chatd.server.event_loop import event_loop
from chatd.server.system_env import SystemEnv
from chatd.telemetry.logs import logging_to

TITLE = "chatd-push"
# When memory is short this process goes before the daemon (proc(5), oom_score_adj).
OUT_OF_MEMORY_SCORE = "500"


def main() -> None:
    """Send until the daemon ends. Ctrl-C in a terminal comes to both, and the daemon says when to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name, text in (("comm", TITLE), ("oom_score_adj", OUT_OF_MEMORY_SCORE)):
        with suppress(OSError):
            Path("/proc/self", name).write_text(text)
    with socket.socket(fileno=sys.stdin.fileno()) as pipe:
        settings = read_settings(pipe)
        with logging_to(sys.stderr, settings.log), asyncio.Runner(loop_factory=event_loop) as runner:
            runner.run(serve(pipe, settings, SystemEnv()))


if __name__ == "__main__":
    main()
