"""The process `chatd-push`, which sends push notifications: the daemon starts it as a module.

It alone reads the keys of push services.
"""

import asyncio
import sys

from chatd.push.handover import SenderSettings
from chatd.push.sender.main import serve
from chatd.server.child_process import conversation
from chatd.server.event_loop import event_loop
from chatd.server.system_env import SystemEnv
from chatd.telemetry.logs import logging_to


def main() -> None:
    """Send until the daemon ends."""
    with (
        conversation("chatd-push", SenderSettings) as (pipe, settings),
        logging_to(sys.stderr, settings.log),
        asyncio.Runner(loop_factory=event_loop) as runner,
    ):
        runner.run(serve(pipe, settings, SystemEnv()))


if __name__ == "__main__":
    main()
