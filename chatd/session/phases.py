"""The life of one connection as a table (protocol.md "Connection life cycle"). Nothing else assigns a phase.

LAGGING is not here: it is a state of the outbox, and every command stays allowed in it.
"""

from enum import Enum


class Phase(Enum):
    ACCEPTED = "accepted"  # the WebSocket is open, no hello yet
    GREETING = "greeting"  # hello is being decided; packets behind it are held
    READY = "ready"
    CLOSING = "closing"


class PhaseEvent(Enum):
    HELLO = "hello"
    HELLO_OK = "hello ok"
    CLOSE = "close decided"


NEXT: dict[Phase, dict[PhaseEvent, Phase]] = {
    Phase.ACCEPTED: {PhaseEvent.HELLO: Phase.GREETING, PhaseEvent.CLOSE: Phase.CLOSING},
    Phase.GREETING: {PhaseEvent.HELLO_OK: Phase.READY, PhaseEvent.CLOSE: Phase.CLOSING},
    Phase.READY: {PhaseEvent.CLOSE: Phase.CLOSING},
    Phase.CLOSING: {PhaseEvent.CLOSE: Phase.CLOSING, PhaseEvent.HELLO_OK: Phase.CLOSING},
}


def advance(phase: Phase, phase_event: PhaseEvent) -> Phase:
    """The phase after `phase_event`; an illegal move is a defect of ours and raises KeyError."""
    return NEXT[phase][phase_event]
