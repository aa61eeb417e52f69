"""The corpus of bad inputs, all layers together: bytes with one outcome, and scenarios of several steps."""

from tests.hostile import (
    domain,
    encodings,
    floods,
    framing,
    logins,
    member_abuse,
    packets,
    pieces,
    privacy,
    timeouts,
    upgrades,
)

# Cases for which the event loop makes a difference.
WIRE = (*upgrades.CASES, *framing.CASES)
PAYLOADS = (*logins.CASES, *encodings.CASES, *packets.CASES, *domain.CASES)
CASES = (*WIRE, *PAYLOADS)
SCENARIOS = (*floods.SCENARIOS, *pieces.SCENARIOS, *member_abuse.SCENARIOS, *privacy.SCENARIOS)
# Scenarios with a clock that jumps.
TIMED = tuple(timeouts.SCENARIOS)
