"""The purges of what is older than it is kept, with the time that passes before."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from chatd.protocol.errors import ChatError
from tests.simulation.machine import ProcessEnded, Run
from tests.simulation.push_service import STALE_S

if TYPE_CHECKING:
    from tests.simulation.chaos import Chaos
    from tests.simulation.world import World

# On the wall, before a purge.
WAITS_S = (0.0, 1900.0, 4000.0, 8000.0)


async def purge(chaos: "Chaos") -> None:
    """Let time pass on the wall, and take away what is older than it is kept; now and then until a crash."""
    world, process = chaos.world, chaos.world.machine.process
    if process is None or not process.epoch:
        return
    let_pass(world, WAITS_S[chaos.lane.pick(len(WAITS_S))])
    purging = asyncio.create_task(purged(world, process))
    if not chaos.over and world.scenario.has("crash") and chaos.lane.befalls(3):
        await chaos.crash()
    await purging


def let_pass(world: "World", wait_s: float) -> None:
    """Let time pass on the wall, and record which messages are too old for a notification from then on."""
    world.wall.offset_s += wait_s
    if world.scenario.push:
        world.machine.note_stale(int(world.wall.now_s() * 1000) - 1000 * STALE_S)


async def purged(world: "World", process: Run) -> None:
    """Purge, and record what is left that should not be."""
    chosen, now_ms = world.machine.chosen(), int(world.wall.now_s() * 1000)
    try:
        commits = await process.carry_out(process.daemon.app.persons.retention.purge())
    except (ChatError, ProcessEnded):
        return
    world.note("daemon", f"purges in {commits} commits")
    world.count("old messages purged", bool(commits))
    world.machine.note_kept(now_ms, chosen)


ACTS: dict[str, Callable[["Chaos"], Awaitable[None]]] = {"purge": purge}
