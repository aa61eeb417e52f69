"""Floor (d): the echo of floor (c), which answers when what a lone commit takes is written and flushed to the disk.

What no server can leave out that answers for a message: the way here and back, a change of thread each way, the disk.
"""

import asyncio
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from bench import machine
from bench.baselines.echo import Echo, main
from bench.wire import server_frame

COMMIT_PAGES = 6  # of a message alone: the event, its key, its room, and what every commit writes
PAGE_BYTES = 4_096 + 24  # with its head, as they stand in a write-ahead log
LOG_PAGES = 4_096  # then it is written again from the beginning, as the log is


class Disk:
    """A file beside nobody's data, written by one thread. It disappears with the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - as long as the process
        self._thread = ThreadPoolExecutor(1)
        self._page = 0

    async def commit(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write)

    def _write(self) -> None:
        for _ in range(COMMIT_PAGES):
            os.pwrite(self._file.fileno(), bytes(PAGE_BYTES), self._page * PAGE_BYTES)
            self._page = (self._page + 1) % LOG_PAGES
        os.fdatasync(self._file.fileno())


class Durable(Echo):
    """A session that sends a message back when it is on the disk, one commit each."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._under_way: set[asyncio.Task[None]] = set()

    def received(self, payload: bytes) -> None:
        answering = asyncio.ensure_future(self._answer(payload))
        self._under_way.add(answering)
        answering.add_done_callback(self._under_way.discard)

    async def _answer(self, payload: bytes) -> None:
        await self._disk.commit()
        self._wire.write(server_frame(payload))


if __name__ == "__main__":
    machine.run(main(int(sys.argv[1]), partial(Durable, Disk())))
