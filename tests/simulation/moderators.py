"""The moderators of one run: they mute users, ban them, and erase persons. At the end they lift what can be lifted."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chatd.core.audit import Audit
from chatd.core.erasure_steps import Erase
from chatd.core.users import Restrained, Restriction
from chatd.protocol.errors import ChatError
from tests.simulation.history import FOR_EVER, Restricted, Stuck
from tests.simulation.machine import ProcessEnded

if TYPE_CHECKING:
    from tests.simulation.chaos import Chaos

AUDIT = Audit("socket", "the simulation", "", "")
# A time that needs no clock: for ever.
EVER = 1
# They act so many times as often as another fault happens.
OFTEN = 4
# The erasures of a run are done within this, once nothing fails any more and their job has rested.
ERASED_S = 60.0
# The job may have waited in a step for as long as the faults lasted, and rests nine times as long afterwards.
RESTS = 9
LOOK_S = 0.25


def restrict(what: Restrained) -> Callable[["Chaos"], Awaitable[None]]:
    """Return an act that restricts a user, or lifts what restricts them."""

    async def act(chaos: "Chaos") -> None:
        world, user = chaos.world, chaos.someone().user
        lifts = chaos.lane.befalls(3)
        world.note("moderator", f"lifts what restricts {user}" if lifts else f"{what}s {user}")
        if what == "ban" and not lifts:
            world.history.banned.add(user)
        epoch = await restricted(chaos, user, None if lifts else Restriction(what, EVER))
        if epoch and not lifts:
            process = world.machine.process
            stamp = process.daemon.app.store.stamp if process is not None else FOR_EVER
            world.history.restrictions.append(Restricted(user, what, epoch, stamp, world.loop.time()))

    return act


async def restricted(chaos: "Chaos", user: str, restriction: Restriction | None) -> str:
    """Restrict a user, or lift it; return the epoch in which that was answered, "" when it was not."""
    process = chaos.world.machine.process
    if process is None or process.daemon._app is None or not process.epoch:
        return ""
    # What was in force need not be any more.
    for one in chaos.world.history.restrictions:
        if one.user == user:
            one.until = min(one.until, chaos.world.loop.time())
    with suppress(ChatError, ProcessEnded):
        await process.carry_out(process.daemon.app.host.admin.restrict(user, restriction, AUDIT))
        return process.epoch
    return ""


async def erase(chaos: "Chaos") -> None:
    """Erase a person, whose phones are gone for good; the last one stays."""
    world, user = chaos.world, chaos.someone().user
    left = [client for client in world.clients if client.user != user]
    if not left or chaos.lane.befalls(2):
        return
    world.note("moderator", f"erases {user}")
    world.history.erased[user] = ""
    for client in world.clients:
        if client.user == user:
            client.gone = True
            client.rest()
            client.put_away()
    world.clients[:] = left
    world.actors[:] = [actor for actor in world.actors if actor.client.user != user]
    world.users.remove(user)
    if world.scenario.has("restore") and not chaos.copies:
        await chaos.restore()
    await asked(chaos, user)
    if chaos.copies and chaos.lane.befalls(2):
        # A copy from before brings them back.
        await chaos.restore()


async def asked(chaos: "Chaos", user: str) -> Any:
    """Ask for an erasure, which is one however often it is asked for; return it, None when there is no answer."""
    process = chaos.world.machine.process
    if process is None or process.daemon._app is None or not process.epoch:
        return None
    app = process.daemon.app
    privacy = app.persons.privacy(app.host.writes, app.hub)
    with suppress(ChatError, ProcessEnded):
        erasure = await process.carry_out(privacy.erase(Erase(user), AUDIT))
        erased = chaos.world.history.erased
        erased[user] = erased[user] or process.epoch
        return erasure
    return None


ACTS: dict[str, Callable[["Chaos"], Awaitable[None]]] = {
    "mute": restrict("mute"),
    "ban": restrict("ban"),
    "erase": erase,
}


async def end(chaos: "Chaos") -> None:
    """Lift what restricts anybody, and wait until whoever is to be erased is."""
    world = chaos.world
    ends = (1 + RESTS) * world.loop.time() + ERASED_S
    for user in world.users:
        while not await restricted(chaos, user, None):
            await still(chaos, ends, f"{user} stays restricted")
    for client in world.clients:
        # What was refused for a day is asked for again.
        if client.connection is not None:
            client.connection.link.reset()
    for user in sorted(world.history.erased):
        while (erasure := await asked(chaos, user)) is None or not erasure.done:
            await still(chaos, ends, f"{user} is not erased")
        process = world.machine.process
        world.count(
            "erased again after a restore",
            process is not None and world.history.erased[user] != process.epoch,
        )


async def still(chaos: "Chaos", ends: float, what: str) -> None:
    if chaos.world.loop.time() > ends:
        raise Stuck(what)
    await asyncio.sleep(LOOK_S)
