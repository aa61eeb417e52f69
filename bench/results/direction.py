"""Which figures of a result are the daemon's own, and which way each of them is better. Pure."""

from __future__ import annotations

from fnmatch import fnmatchcase

from bench.checks import COUNTERS
from bench.results.reading import Result, figures

MORE, LESS, NEITHER = 1, -1, 0

# Words that stand for somebody else: what the daemon is put beside, and the generator.
_OTHERS = frozenset(("peers", "floor", "empty", "generator", "schedule_lag_ms"))

SURE = (
    *COUNTERS,
    "missed",
    "incorrect",
)  # counts of what must not be: one more is worse, whatever the spread

# The first pattern that fits a name, with a dot before it, tells the way; without one there is none.
_WAYS = (
    ("*.ratio.*_p99", LESS),
    ("*.ratio.*", MORE),
    ("*.knee.rate", MORE),
    ("*_per_s", MORE),
    ("*_ms.p*", LESS),
    ("*_ms.max", LESS),
    ("*_us", LESS),
    ("*_bytes", LESS),
    ("*_bytes_max", LESS),
    ("*.ready_s", LESS),
    ("*.complete_s", LESS),
    (".server.cpu_s", LESS),
    *((f"*.{word}", LESS) for word in SURE),
)

# A ramp shows the highest rate that held: a higher one has other latencies, and is better all the same.
_ONLY = {"ramp": ("knee.rate", *COUNTERS)}
_OF_A_RATE = ("server.cpu_s",)  # in a closed loop who does more uses more


def better(name: str) -> int:
    """MORE when a larger value of this figure is better, LESS when a smaller one is, NEITHER for all others.

    >>> better("deliveries_per_s"), better("ack_ms.p99"), better("messages"), better("peers.nats.deliveries_per_s")
    (1, -1, 0, 0)
    """
    if _OTHERS.intersection(name.split(".")):
        return NEITHER
    return next((way for pattern, way in _WAYS if fnmatchcase(f".{name}", pattern)), NEITHER)


def sure(name: str) -> bool:
    """Whether a change of this figure needs no spread to be one."""
    return name.rpartition(".")[2] in SURE


def judged(result: Result) -> dict[str, int]:
    """The way of every figure of a result that has one: by its name, or as the table of targets has it."""
    if "goals" in result:
        return _of_goals(result)
    known = _ONLY.get(result["scenario"], tuple(figures(result)))
    skipped = _OF_A_RATE if result.get("loop") == "closed" else ()
    return {name: way for name in known if name not in skipped and (way := better(name))}


def _of_goals(result: Result) -> dict[str, int]:
    """Of the figures that must reach something, the way they must go; and what is missed."""
    ways = {name: LESS for name in figures(result) if sure(name)}
    for goal in result["goals"]:
        for figure in goal["figures"]:
            if figure["must"] is not None:
                ways[f"{goal['name']}.{figure['key']}"] = MORE if figure["more"] else LESS
    return ways
