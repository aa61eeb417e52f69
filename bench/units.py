"""Which unit a figure has, by its name, and what a limit in words is worth in that unit. Pure."""

from __future__ import annotations

# The ends of names, the first that fits; whatever else a figure is called, it is a number without a unit.
_ENDINGS = (
    ("_per_s", ""),
    ("_ms", "ms"),
    ("_us", "us"),
    ("_s", "s"),
    ("seconds", "s"),
    ("bytes", "B"),
    ("bytes_max", "B"),
)
# What a unit measures, and how many of the smallest of its kind it is.
_WORTH = {
    "us": ("time", 1.0),
    "ms": ("time", 1e3),
    "s": ("time", 1e6),
    "B": ("memory", 1.0),
    "KiB": ("memory", 1024.0),
    "MiB": ("memory", 1024.0**2),
    "GiB": ("memory", 1024.0**3),
    "%": ("part", 0.01),
    "": ("part", 1.0),
}
UNITS = frozenset(_WORTH)


def unit_of(path: tuple[str, ...]) -> str:
    """The unit of a figure: what the last of its names that tells one says, "" for a plain number.

    >>> unit_of(("delivery_ms", "p99")), unit_of(("complete_s",)), unit_of(("acks_per_s",)), unit_of(("lost",))
    ('ms', 's', '', '')
    """
    for name in reversed(path):
        for ending, unit in _ENDINGS:
            if name.endswith(ending):
                return unit
    return ""


def worth(limit: float, unit: str, of: str) -> float:
    """A limit in the unit of a figure; one without a unit is in it already.

    Raises ValueError when the two do not measure the same.

    >>> worth(30, "s", "ms"), worth(30, "s", "s"), worth(5, "", "us"), worth(80, "%", "")
    (30000.0, 30.0, 5.0, 0.8)
    """
    if not unit:
        return float(limit)
    (kind, many), (wanted, few) = _WORTH[unit], _WORTH[of]
    if kind != wanted:
        raise ValueError(f"{unit} is no unit of it")
    return limit * many / few
