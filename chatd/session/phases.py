"""The life of one connection as a table (protocol.md "Connection life cycle"). Nothing else assigns a phase.

LAGGING is not here: it is a state of the outbox, and every command stays allowed in it.
"""

from enum import Enum


class Phase(Enum):
    """`ACCEPTED`: the WebSocket is open, no hello yet. `GREETING`: hello is being decided, later packets are held."""

    ACCEPTED = "accepted"
    GREETING = "greeting"
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
    """Return the phase after `phase_event`; raise KeyError for an illegal one, which is a defect."""
    return NEXT[phase][phase_event]
