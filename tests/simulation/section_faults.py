"""The faults of account rows: the host changes them, apps learn their feature words, a section is switched off and
on."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chatd.core.maintenance import NoteDay
from chatd.core.sections import ACCOUNT
from chatd.delivery.account_rows import ROWS_TOLD_MAX
from chatd.protocol.errors import ChatError
from chatd.storage.sqlite.sections import TOMBSTONE_DAYS
from tests.kit.notes import NAME, NOTES, OFF, PutNotes
from tests.simulation.machine import ProcessEnded

if TYPE_CHECKING:
    from tests.simulation.chaos import Chaos

# The feature word for contacts and message requests: an app without it knows no requests.
PEOPLE = "people"
# The feature word for drafts and scheduled messages.
UNSENT = "drafts"
WORDS = ((ACCOUNT, NAME), (), (ACCOUNT,))


async def notes(chaos: "Chaos") -> None:
    """Change notes as the host does, now and then more than a push carries; or let a quarter of a year pass."""
    world, fate = chaos.world, chaos.lane.pick(8)
    if fate == 7 and world.scenario.people:
        await half_a_year_away(chaos)
        return
    if fate == 7:
        chaos.days += TOMBSTONE_DAYS // 2
        if await carried(chaos, "", NoteDay(chaos.days)):
            world.machine.history.aged.append(world.loop.time())
            world.count("tombstones of account rows forgotten")
        return
    for user in world.users:
        changed = {f"n{chaos.lane.pick(4)}": None if fate == 5 else fate}
        if fate == 6:
            changed = dict.fromkeys([f"n{number}" for number in range(ROWS_TOLD_MAX + 1)], fate)
            world.count("more account rows than a push tells")
        await carried(chaos, user, PutNotes(changed))


async def half_a_year_away(chaos: "Chaos") -> None:
    """Let an app be closed for so long that rows that are gone are named no more."""
    client = chaos.someone()
    client.rest()
    for days in (1, TOMBSTONE_DAYS):
        chaos.days += days
        await carried(chaos, client.user, PutNotes({"n0": chaos.days}))
        if await carried(chaos, "", NoteDay(chaos.days)):
            chaos.world.machine.history.aged.append(chaos.world.loop.time())
    client.wake()


async def carried(chaos: "Chaos", user: str, request: Any) -> bool:
    """Ask the writer for a change; return whether it was made."""
    process = chaos.world.machine.process
    if process is None or process.daemon._app is None:
        return False
    with suppress(ChatError, ProcessEnded):
        await process.carry_out(process.daemon.app.writer.submit_and_wait(user, request))
        return True
    return False


async def update(chaos: "Chaos") -> None:
    """Update apps, or set them back: they send their feature words with their next hello."""
    for client in chaos.world.clients:
        client.quirks.words = WORDS[chaos.lane.pick(len(WORDS))]
        if chaos.world.scenario.people and not chaos.lane.befalls(3):
            client.quirks.words += (PEOPLE,)
        if chaos.world.scenario.conversations and not chaos.lane.befalls(3):
            client.quirks.words += (UNSENT,)
        chaos.world.note(client.name, f"names {client.quirks.words}")
        if client.connection is not None:
            client.connection.link.reset()
        if PEOPLE not in client.quirks.words:
            for room in [*client.storage.requests]:
                client.forget(room)


async def switch(chaos: "Chaos") -> None:
    """Start the daemon again with the section of notes switched off, or on."""
    machine = chaos.world.machine
    if machine.process is None or not machine.process.epoch:
        return
    await machine.leave()
    if machine.process is None:
        on = machine.notes is OFF
        machine.notes = NOTES if on else OFF
        chaos.world.note("operator", f"switches notes {'on' if on else 'off'}")
    await chaos.rests()
    await chaos.up()


SECTION_MISFORTUNES: dict[str, Callable[["Chaos"], Awaitable[None]]] = {
    "notes": notes,
    "update": update,
    "switch": switch,
}
