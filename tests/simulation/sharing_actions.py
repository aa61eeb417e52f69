"""The actions of users who share: cards, and messages of one room forwarded into another; also what forgers try."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation.history import Packet

if TYPE_CHECKING:
    from tests.simulation.actions import Actor

PLACE: Packet = {"type": "place", "lat": 481_370_000, "lon": 115_755_000, "title": "Marienplatz"}
# The most messages of one forward.
FORWARDED = 3


def send_card(actor: "Actor") -> None:
    actor.post("send", actor.room(), body={"text": f"[Place] {actor.key()}", "card": PLACE})


def forward(actor: "Actor") -> None:
    """Forward some of the last messages of a room, from wherever the user believes to be."""
    source = actor.room()
    targets = [actor.target(source) for _ in range(1 + actor._lane.pick(FORWARDED))]
    seqs = [seq for seq in targets if seq is not None]
    if seqs:
        fields: Packet = {"credit": True} if actor._lane.befalls(2) else {}
        actor.post("forward", actor.room(), **{"from": source}, seqs=seqs, **fields)


def forge(actor: "Actor") -> None:
    """Claim that somebody else said something."""
    origin = {"user": actor.someone(), "time": 1}
    actor.post("send", actor.room(), body={"text": "I never said this", "forwarded": origin})


SHARING_ACTIONS: tuple[Callable[["Actor"], None], ...] = (*(forward,) * 6, send_card, forge)
