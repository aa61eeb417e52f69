"""The life of one connection as a table (protocol.md "Connection life cycle"). Nothing else assigns a phase.

LAGGING is not here: it is a state of the outbox, and every command stays allowed in it.
"""

from enum import Enum


class Phase(Enum):
    ACCEPTED = "accepted"  # the WebSocket is open, no hello yet
    GREETING = "greeting"  # hello is being decided; packets behind it are held
    READY = "ready"
    CLOSING = "closing"


class Happening(Enum):
    HELLO = "hello"
    HELLO_OK = "hello ok"
    CLOSE = "close decided"


NEXT: dict[Phase, dict[Happening, Phase]] = {
    Phase.ACCEPTED: {Happening.HELLO: Phase.GREETING, Happening.CLOSE: Phase.CLOSING},
    Phase.GREETING: {Happening.HELLO_OK: Phase.READY, Happening.CLOSE: Phase.CLOSING},
    Phase.READY: {Happening.CLOSE: Phase.CLOSING},
    Phase.CLOSING: {Happening.CLOSE: Phase.CLOSING, Happening.HELLO_OK: Phase.CLOSING},
}


def advance(phase: Phase, happening: Happening) -> Phase:
    """The phase after `happening`; an illegal move is a defect of ours and raises KeyError."""
    return NEXT[phase][happening]
