"""Loads of the harness that last until they have recorded enough: a busy machine sends nothing in a short one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.engine.run_state import Pacing

FACTORS = (1, 10, 100)


def lengths(duration_s: float, factors: Sequence[int] = FACTORS) -> Iterator[float]:
    """Give a duration, and longer ones. Whoever found enough leaves; after the last one, raises AssertionError."""
    yield from (factor * duration_s for factor in factors)
    raise AssertionError(f"too little within {factors[-1] * duration_s:g} s")


def longer(pacing: Pacing) -> Iterator[Pacing]:
    """Give a pacing, and longer ones, as `lengths` does."""
    return (replace(pacing, duration_s=duration_s) for duration_s in lengths(pacing.duration_s))
