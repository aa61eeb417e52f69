"""The corpus of bad inputs, all layers together: bytes with one outcome, and stories of several steps."""

from tests.hostile import (
    conduct,
    crowds,
    domain,
    encodings,
    framing,
    logins,
    packets,
    patience,
    pieces,
    stalking,
    upgrades,
)

WIRE = (*upgrades.CASES, *framing.CASES)  # where the event loop makes a difference
PAYLOADS = (*logins.CASES, *encodings.CASES, *packets.CASES, *domain.CASES)
CASES = (*WIRE, *PAYLOADS)
STORIES = (*crowds.STORIES, *pieces.STORIES, *conduct.STORIES, *stalking.STORIES)
LEAPS = tuple(patience.STORIES)  # with a clock that leaps
