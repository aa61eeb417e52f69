"""The inspection of the daemon from inside during a run: queues, tasks, timers, counters. It only reads."""

import asyncio
from typing import TYPE_CHECKING, Any

from tests.simulation.history import Excess

if TYPE_CHECKING:
    from tests.simulation.world import World

LOOK_S = 0.1
# The wait after the last connection: presence lingers 2 s, closing takes up to 7.
SETTLED_S = 12.0
# The same where somebody was asked by a stranger, of whom they are told once a minute, and once more.
ASKED_S = 125.0
# The same where a client may have vanished: two heartbeats in background.
UNNOTICED_S = 70.0


class Inspector:
    """The part of the history about bounds and leftovers."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._most = 0
        self._empty: tuple[int, int] = (0, 0)

    async def watch(self) -> None:
        """Inspect the queues again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Record the bytes that wait for each connection now."""
        for session in self._sessions():
            waiting = session.outbox.queued_bytes + session._wire.buffered_bytes()
            self._most = max(self._most, waiting)

    def _sessions(self) -> list[Any]:
        run = self._world.machine.process
        app = None if run is None else run.daemon._app
        if app is None:
            return []
        sessions = [session for devices in app.hub.sessions.values() for session in devices.values()]
        return [session for session in sessions if session._wire is not None]  # type: ignore[attr-defined]

    def before(self) -> None:
        """Record the state of a daemon before the first connection."""
        self._empty = self._counted()

    async def after(self) -> None:
        """Compare the state with the first one, after the last client has left."""
        settled_s = UNNOTICED_S if self._world.chaos.vanished else SETTLED_S
        await asyncio.sleep(ASKED_S if self._world.scenario.people else settled_s)
        tasks, timers = self._counted()
        history = self._world.history
        # An endpoint reads at one time, and waits for the next entry at another; so does the queue of push. The end of
        # a deleted channel rests for long, if the disk was slow.
        plan = self._world.scenario
        waits = bool(plan.hooks) + bool(plan.push) + bool(plan.search) + bool(plan.channels)
        # An index reads at one time, and rests at another.
        reads = int(plan.search)
        if tasks > self._empty[0] + reads or timers > self._empty[1] + waits:
            names = sorted(task.get_name() for task in self._tasks())
            history.leftovers.append(f"{tasks} tasks {names} and {timers} timers, at first {self._empty}")
        app = self._world.machine.process.daemon.app  # type: ignore[union-attr]
        for what, left in (
            ("sessions", app.hub.sessions),
            ("rooms with subscribers", app.hub.rooms),
            ("tasks under way", app.rate_limits.tasks),
        ):
            if left:
                history.leftovers.append(f"{len(left)} {what} are left")

    def conclude(self) -> None:
        """Compare the largest queue with what the configuration allows."""
        marks = self._world.settings.outbox
        network = self._world.network
        written = max([network.largest, *(link.largest for link in network.links)])
        self._world.history.excess = Excess(
            self._most, marks.close_bytes + max(written, marks.ephemeral_bytes)
        )

    def _counted(self) -> tuple[int, int]:
        run = self._world.machine.process
        return len(self._tasks()), len(self._world.loop.waiting(run))

    def _tasks(self) -> list["asyncio.Task[Any]"]:
        run = self._world.machine.process
        return [task for task in asyncio.all_tasks() if self._world.loop.born_of.get(task) is run]
