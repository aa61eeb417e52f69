"""Phones that register for notifications: some that are away for the rest of a run, and some that share a token."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.kit.push_services.apns import TOPIC
from tests.simulation.client import SimClient
from tests.simulation.environment import Quirks

if TYPE_CHECKING:
    from tests.simulation.actions import Actor
    from tests.simulation.world import World

PUSH = "push"
# Tokens that users take from each other, as on a phone that is handed on.
SHARED = ("5a", "5b")


async def register_away(world: "World") -> None:
    """Register a phone for each user that goes away then, and hears only from the push service."""
    for number, user in enumerate(world.users):
        lanes = world.choices.lane(f"away {number}"), world.choices.lane(f"air away {number}")
        phone = SimClient(world, f"away {number}", user, *lanes, Quirks(words=(PUSH,)))
        phone.connect()
        await world.until(lambda phone=phone: phone.idle)
        phone.connection.ask(registration(f"a{number:x}"))  # type: ignore[union-attr]
        await world.until(lambda phone=phone: phone.idle)
        process = world.machine.process
        assert process is not None
        world.history.away[phone.device] = process.ledger[-1][0]
        phone.rest()


def registration(token: str) -> dict[str, object]:
    return {"type": "devices.push", "platform": "apns", "app": TOPIC, "token": token}


def register(actor: "Actor") -> None:
    """Register this device with a token that another may have."""
    actor.ask(registration(SHARED[actor.client.lane.pick(len(SHARED))]))


def unregister(actor: "Actor") -> None:
    actor.ask(registration(""))


def notify(actor: "Actor") -> None:
    """Change what a room asks of its user, or mute it."""
    level = ("all", "mentions", "none", "default", "")[actor.client.lane.pick(5)]
    choice: dict[str, object] = {"notify": level} if level else {"muted_until": 1}
    actor.ask({"type": "preferences", "room": actor.room(), **choice})


PUSH_ACTIONS: tuple[Callable[["Actor"], None], ...] = (register, register, unregister, notify)
