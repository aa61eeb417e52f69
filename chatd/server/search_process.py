"""The process `chatd-search`, which keeps the index of messages: the daemon starts it as a module."""

import asyncio
import sys

from chatd.search.handover import IndexSettings
from chatd.search.main import serve
from chatd.server.child_process import conversation
from chatd.server.event_loop import event_loop
from chatd.server.system_env import SystemEnv
from chatd.telemetry.logs import logging_to


def main() -> None:
    """Keep the index until the daemon ends."""
    with (
        conversation("chatd-search", IndexSettings) as (pipe, settings),
        logging_to(sys.stderr, settings.log),
        asyncio.Runner(loop_factory=event_loop) as runner,
    ):
        runner.run(serve(pipe, settings, SystemEnv()))


if __name__ == "__main__":
    main()
