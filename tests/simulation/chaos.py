"""The faults of one run: those of clients, the network, the disk and the machine, and the time when they end."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatd.core.maintenance import Barrier
from chatd.protocol.errors import ChatError
from chatd.storage.sqlite.errors import StoreError
from tests.kit.disk import Fault
from tests.kit.simulated_disk import Kind
from tests.simulation import media_faults, moderators, purges
from tests.simulation.history import Revocation, Stuck
from tests.simulation.machine import ProcessEnded, SimMachine
from tests.simulation.section_faults import SECTION_MISFORTUNES
from tests.simulation.transport import TIGHT_ROOM_BYTES, Link

if TYPE_CHECKING:
    from tests.simulation.world import World

STEP_S = 0.05
# Up to 1.2 s pass between two faults.
STEPS = 24
SLOW_TICKS = 100
TEN_YEARS_S = 315_576_000.0
# The faults of a disk, and their names in SQLite. A lock of another process is no matter of the file: see `busy`.
DISK_FAULTS = (
    (Kind.WRITE, sqlite3.SQLITE_FULL),
    (Kind.WRITE, sqlite3.SQLITE_IOERR_WRITE),
    (Kind.SYNC, sqlite3.SQLITE_IOERR_FSYNC),
)
BUSY = len(DISK_FAULTS)
# The wait for a commit, in hundreds of microseconds.
LOOKS = 300
# Attempts to start: a failing disk lets one through before.
BOOTS_MAX = 20
# A daemon that ended is started again within this, 8 times as long at worst.
DOWN_S = 0.3


class Chaos:
    """The faults, one after the other, until `end`."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.lane = world.choices.lane("chaos")
        self.disk = world.choices.lane("disk")
        self.over = False
        self.copies: list[Path] = []
        self._booting = False
        self._starting: asyncio.Task[None] | None = None
        # The number of disk operations still to fail, as DISK_FAULTS[_code].
        self._broken = 0
        self._code = 0
        self.vanished = False
        self._clogged: list[Link] = []
        self._turned_over = 0
        # This is long after the rounds of maintenance in the daemon.
        self.days = 100_000
        # Operations of the disk so far that failed.
        self.failed = 0
        self._kinds = [name for name in MISFORTUNES if world.scenario.has(name)]
        # Few of many faults, unless they come more often.
        self._kinds += [name for name in moderators.ACTS if world.scenario.has(name)] * moderators.OFTEN

    async def run(self) -> None:
        """Cause faults for as long as the scenario says."""
        loop = self.world.loop
        until = loop.time() + self.world.scenario.trouble_s
        while loop.time() < until:
            await asyncio.sleep(STEP_S * (1 + self.lane.pick(STEPS)))
            if self._kinds and self.lane.pick(3):
                await MISFORTUNES[self._kinds[self.lane.pick(len(self._kinds))]](self)
        await self.end()

    async def end(self) -> None:
        """End all faults and start everything that is down."""
        self.over = True
        self._broken = 0
        # This includes former devices, whose packets are still on the way.
        for link in self._clogged:
            link.clog(clogged=False)
        for client in self.world.clients:
            if client.connection is not None and client.connection.link.down.clogged:
                client.connection.link.clog(clogged=False)
            if client.connection is not None:
                client.connection.link.resume_reading()
            client.wake()
        await self.up()
        if self.world.scenario.media:
            media_faults.end(self)
        if self.world.scenario.moderated:
            await moderators.end(self)

    # for disks and threads

    def takes_s(self) -> float:
        """Return how long the next function takes in its thread, or its result to come back."""
        if self.over or not self.world.scenario.has("slow_disk"):
            return 0.0001 * (1 + self.disk.pick(10))
        slow = self.disk.pick(SLOW_TICKS)
        return 0.0001 * (1 + slow) if slow < SLOW_TICKS - 1 else 0.05 * (1 + self.disk.pick(SLOW_TICKS))

    def fault(self, index: int, operation: Any) -> Fault | None:
        """Return the fault of a write or sync, if it fails."""
        if not self._broken or self._code == BUSY:
            return None
        kind, code = DISK_FAULTS[self._code]
        if operation.kind != kind:
            return None
        self._broken -= 1
        self.failed += 1
        return Fault(code)

    def busy(self) -> None:
        """Maybe fail a function on a connection, as if a foreign program held the lock."""
        if self._broken and self._code == BUSY:
            self._broken -= 1
            self.failed += 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error

    # the machine

    async def up(self) -> None:
        """Start the daemon when none runs, again and again, as a supervisor does."""
        machine = self.world.machine
        if self._booting:
            return
        self._booting = True
        try:
            await self._up(machine)
        finally:
            self._booting = False

    async def _up(self, machine: SimMachine) -> None:
        last = machine.boots + BOOTS_MAX
        while machine.process is None:
            if machine.boots > last:
                raise Stuck("the daemon does not start")
            before = self.failed
            try:
                await machine.boot()
                self.world.note("daemon", f"boot {machine.boots}")
            except ProcessEnded:
                await self.rests()
            except StoreError as error:
                self.world.note("daemon", f"does not start: {error}")
                if self.failed == before:
                    machine.history.complaints.append(f"does not start: {error}")
                machine.give_up()
                await self.rests()

    def lost(self) -> None:
        """Start the daemon again, which ended because of its disk."""
        self.world.note("daemon", "gives up its disk")
        self._starting = asyncio.create_task(self.up())

    def crashes(self) -> None:
        machine = self.world.machine
        if machine.process is None:
            return
        self.world.note("daemon", "crash")
        self.world.counts_crash()
        machine.crash(self.world.choices.lane("survival"))

    async def crash(self) -> None:
        if self.world.machine.process is not None:
            await self._until_a_commit()
            self.crashes()
            await self.rests()
            await self.up()

    async def _until_a_commit(self) -> None:
        """Wait some milliseconds; or until the next commit, whose answers were not sent yet."""
        run = self.world.machine.process
        if self.lane.pick(2) and run is not None:
            committed = len(run.ledger)
            for _ in range(LOOKS):
                if len(run.ledger) > committed:
                    return
                await asyncio.sleep(0.0001)
        await asyncio.sleep(0.0002 * self.lane.pick(200))

    async def restart(self) -> None:
        machine = self.world.machine
        # A signal is handled when it is up.
        if machine.process is not None and machine.process.epoch:
            self.world.note("daemon", "SIGTERM")
            began = self.world.loop.time()
            await machine.leave()
            # Half of drain.deadline_s: with bye until then, by reset afterwards.
            limit = 0.5 * 2.0
            self.world.count("drain deadline reached", self.world.loop.time() - began >= limit)
            await self.rests()
            await self.up()

    async def rests(self) -> None:
        """Leave the daemon down for a while."""
        await asyncio.sleep(DOWN_S * (1 + self.lane.pick(8)))

    async def jump(self) -> None:
        step = (3600.0, -3600.0, TEN_YEARS_S, -TEN_YEARS_S, 86400.0)[self.lane.pick(5)]
        self.world.wall.offset_s += step
        self.world.note("clock", f"jumps by {step:+.0f} s")

    async def pause(self) -> None:
        self.world.loop.pause(0.1 * (1 + self.lane.pick(20)))

    async def failing_disk(self) -> None:
        self._code = self.lane.pick(len(DISK_FAULTS) + 1)
        self._broken = 1 + self.lane.pick(6)
        what = "locks" if self._code == BUSY else DISK_FAULTS[self._code]
        self.world.note("disk", f"{self._broken} of {what} fail")

    async def restore(self) -> None:
        """Back up now; restore the copy of an earlier time."""
        machine = self.world.machine
        if machine.process is None:
            return
        if not self.copies:
            self.copies.append(machine.back_up())
            self.world.note("operator", "backup")
            return
        self.crashes()
        if machine.process is not None or self._booting:
            return
        machine.put_back(self.copies[self.lane.pick(len(self.copies))])
        self.world.note("operator", "restore")
        await self.up()

    async def revoke(self) -> None:
        """Log out one device, or all of a user, as the host app does."""
        client = self.someone()
        if client.connection is not None and self.lane.befalls(2):
            # What waits for it must not reach it any more.
            self._stop_reading(client)
            await asyncio.sleep(STEP_S * self.lane.pick(STEPS))
        process = self.world.machine.process
        if process is None or process.daemon._app is None:
            return
        # A clock that is set back would lock the user out until it is there again: they log in as another device.
        device = client.device if self.world.scenario.has("jump") or self.lane.pick(3) else ""
        app = process.daemon.app
        waits = any(
            session.outbox.queued_bytes or session._wire.buffered_bytes()  # type: ignore[attr-defined]
            for session in app.hub.of(client.user)
        )
        self.world.note("operator", f"revokes {client.user} {device}")
        asked_s = self.world.wall.now_s()
        try:
            await process.carry_out(app.host.admin.revoke(client.user, device))
        except (ChatError, ProcessEnded):
            return
        self.world.count("revocation with queued messages", waits)
        place = (app.store.epoch, app.store.stamp, self.world.loop.time(), asked_s)
        self.world.machine.history.revocations.append(Revocation(client.user, device, *place))

    async def fold(self) -> None:
        """Fold old operations out of the logs, whatever the hour."""
        machine, process = self.world.machine, self.world.machine.process
        if process is None or not process.epoch:
            return
        try:
            # What is on its way to the disk may be folded, too.
            await process.carry_out(process.daemon.app.writer.submit_and_wait("", Barrier()))
            machine.remember()
            rooms = await process.carry_out(process.daemon.compact())
        except (ChatError, ProcessEnded):
            return
        self.world.note("daemon", f"folds {rooms} rooms")

    # clients and their network

    def someone(self) -> Any:
        return self.world.clients[self.lane.pick(len(self.world.clients))]

    async def clogs(self) -> None:
        client = self.someone()
        if client.connection is not None:
            link = client.connection.link
            link.clog(clogged=True)
            self._clogged.append(link)
            self.world.note(client.name, "network carries nothing")
            self.world.loop.call_later(0.2 * (1 + self.lane.pick(60)), self._unclog, link)

    def _unclog(self, link: Any) -> None:
        link.clog(clogged=False)

    async def slow_reader(self) -> None:
        client = self.someone()
        if client.connection is not None:
            self._stop_reading(client)

    def _stop_reading(self, client: Any) -> None:
        link = client.connection.link
        # This includes a connection from before the faults.
        if self.world.scenario.has("tight"):
            link.down.room = min(link.down.room, TIGHT_ROOM_BYTES)
        link.stop_reading()
        self.world.note(client.name, "reads nothing")
        self.world.loop.call_later(0.2 * (1 + self.lane.pick(60)), link.resume_reading)

    async def vanish(self) -> None:
        client = self.someone()
        if client.connection is not None:
            self.world.note(client.name, "is gone without a word")
            client.connection.link.vanish()
            self.vanished = True

    async def abandon(self) -> None:
        """Close the app for a while, or change its network."""
        client = self.someone()
        if client.connection is not None and self.lane.pick(2):
            self.world.note(client.name, "network switch")
            client.connection.link.reset()
        elif client.connection is not None:
            self.world.note(client.name, "app closed")
            client.rest()
            self.world.loop.call_later(0.1 * (1 + self.lane.pick(30)), self._wake, client)

    def _wake(self, client: Any) -> None:
        if not self.over:
            client.wake()

    async def herd(self) -> None:
        """Let every client come back in the same moment, each with what it could not send."""
        self.world.note("proxy", "cuts all connections")
        for client in self.world.clients:
            if client.connection is not None:
                client.connection.link.reset()

    async def turnover(self) -> None:
        """Delete a room, if a member may, and create another one."""
        client = self.someone()
        self._turned_over += 1
        key, rooms = f"turnover-{self._turned_over:06}", list(client.storage.timelines)
        if rooms:
            room = rooms[self.lane.pick(len(rooms))]
            self.world.note(client.name, f"deletes {room}")
            client.post({"type": "room.delete", "room": room, "key": f"{key}-d"})
        self.world.open_room(client, f"{key}-c")

    async def reinstall(self) -> None:
        client = self.someone()
        self.world.note(client.name, "is installed anew")
        if client.connection is not None:
            client.connection.link.reset()
        client.new_device()

    async def stale(self) -> None:
        """Do nothing now: clients of this run come with old cursors."""

    async def expiry(self) -> None:
        """Do nothing now: tokens of this run are short."""


MISFORTUNES: dict[str, Callable[[Chaos], Awaitable[None]]] = (
    {
        name: getattr(Chaos, name)
        for name in (
            "clogs",
            "vanish",
            "slow_reader",
            "failing_disk",
            "crash",
            "restart",
            "jump",
            "pause",
            "reinstall",
            "revoke",
            "restore",
            "abandon",
            "herd",
            "fold",
            "turnover",
        )
    }
    | SECTION_MISFORTUNES
    | moderators.ACTS
    | media_faults.ACTS
    | purges.ACTS
)
