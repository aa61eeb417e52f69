"""The process `chatd-inspect`, which opens what users upload: `chatd-media` starts it as a module.

Its standard input is a socket, over which it is told what to do and given open files.
"""

import signal
import socket
import sys

from chatd.media.inspect.main import serve
from chatd.telemetry.process import introduce

# When memory is short it goes before `chatd-media`, and that before the daemon.
OUT_OF_MEMORY_SCORE = 800
# Beyond `chatd-media`, which started it: a picture is waited for by one, bytes and messages by many.
NICE = 5


def main() -> None:
    """Inspect until `chatd-media` ends. Ctrl-C in a terminal comes to all of them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    introduce("chatd-inspect", OUT_OF_MEMORY_SCORE, NICE)
    with socket.socket(fileno=sys.stdin.fileno()) as pipe:
        serve(pipe)


if __name__ == "__main__":
    main()
