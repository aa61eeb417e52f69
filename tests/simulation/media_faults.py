"""The faults of a run with files, and what the host does to them."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from chatd.core.files import TakeDown
from chatd.protocol.errors import ChatError
from tests.simulation.machine import ProcessEnded

if TYPE_CHECKING:
    from tests.simulation.chaos import Chaos

# Writes that a full disk refuses, at most.
REFUSED_MAX = 4


async def part_cut(chaos: "Chaos") -> None:
    """Do nothing now: uploads of this run break off."""


async def child_dies(chaos: "Chaos") -> None:
    chaos.world.note("media", "its process dies")
    chaos.world.media.dies()


async def media_full(chaos: "Chaos") -> None:
    chaos.world.media.full = 1 + chaos.lane.pick(REFUSED_MAX)


async def collector_races(chaos: "Chaos") -> None:
    """Collect while users forward."""
    await chaos.world.media.collect()


async def takedown(chaos: "Chaos") -> None:
    """Take a file that somebody was shown out of every place."""
    process, places = chaos.world.machine.process, [*chaos.world.media_users.places]
    if not places or process is None or not process.epoch:
        return
    file = places[chaos.lane.pick(len(places))].file
    chaos.world.history.media.taken_down.add(file)
    with suppress(ChatError, ProcessEnded):
        asked = TakeDown(file, chaos.lane.befalls(2))
        await process.carry_out(process.daemon.app.writer.submit_and_wait("", asked))


ACTS: dict[str, Callable[["Chaos"], Awaitable[None]]] = {
    act.__name__: act for act in (part_cut, child_dies, media_full, collector_races, takedown)
}


def end(chaos: "Chaos") -> None:
    """End the faults; what a restore undid is asked for again, or who has sent it would wait for ever."""
    chaos.world.media.full = 0
    if chaos.world.scenario.has("restore"):
        chaos.world.media_users.again()
