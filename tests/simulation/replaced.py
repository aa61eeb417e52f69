"""The interfaces of the daemon to the system, replaced by those of the simulation."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from chatd.commands import hello
from chatd.core.message_requests import relate
from tests.simulation.host import host_reached
from tests.simulation.loop import PROCESS
from tests.simulation.machine import RARELY_S, Run
from tests.simulation.media import Child, media_shortened
from tests.simulation.network import SimSocket
from tests.simulation.push_service import push_service_reached

NEVER_S = 1e6
PURGED_AT_ONCE = 3


@contextmanager
def simulated() -> Iterator[None]:
    """Replace the interfaces of the daemon to the system by those of the simulation."""

    async def connect(connector: Callable[[], sqlite3.Connection]) -> Any:
        process = PROCESS.get()
        assert isinstance(process, Run | Child)
        return await process.threads.connect(connector)

    second_look = hello.read_again

    async def read_again(*args: Any) -> Any:
        PROCESS.get().raced += 1  # type: ignore[attr-defined]
        return await second_look(*args)

    def note_outdated(room: Any, people: Any, changes: int, bounds: Any) -> None:
        PROCESS.get().outdated += changes < room.people_changes  # type: ignore[attr-defined]
        relate(room, people, changes, bounds)

    with (
        patch("chatd.storage.sqlite.connection.connect", connect),
        patch("chatd.writer.room_loader.relate", note_outdated),
        patch("chatd.commands.hello.read_again", read_again),
        patch("chatd.http.listeners.bound_sockets", lambda address: [SimSocket(address)]),
        patch("chatd.http.listeners._TICK_S", RARELY_S),
        patch("chatd.jobs.maintenance.LAG_LOOK_S", RARELY_S),
        # Purges are faults of a run, of few events a commit.
        patch("chatd.jobs.retention.ROUND_S", NEVER_S),
        patch("chatd.storage.sqlite.retention.PURGED_AT_ONCE", PURGED_AT_ONCE),
        patch("chatd.storage.sqlite.directory.network_filesystem", lambda path: None),
        host_reached(),
        push_service_reached(),
        media_shortened(),
    ):
        yield
