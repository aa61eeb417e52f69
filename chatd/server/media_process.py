"""The process `chatd-media`, which takes and serves files: the daemon starts it as a module.

It owns the bytes, and reads the database.
"""

import asyncio
import sys

from chatd.media.main import serve
from chatd.media.settings import MediaSettings
from chatd.server.child_process import conversation
from chatd.server.system_env import SystemEnv
from chatd.storage.sqlite.media_reads import SqliteMediaReads
from chatd.telemetry.logs import logging_to

# Where cores are scarce a message goes before a megabyte.
NICE = 5


def main() -> None:
    """Serve until the daemon ends. The loop is that of asyncio: that of uvloop has no sendfile."""
    with (
        conversation("chatd-media", MediaSettings, NICE) as (pipe, settings),
        logging_to(sys.stderr, settings.log),
    ):
        asyncio.run(serve(pipe, settings, SystemEnv(), SqliteMediaReads.open))


if __name__ == "__main__":
    main()
