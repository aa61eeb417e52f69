"""Limits of a result: `delivery.p99<50ms`, `lost==0`, `server.rss_bytes<200MiB`. Pure."""

from __future__ import annotations

import argparse
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

PASS, MISSED = "PASS", "MISSED"
UNMEASURED, UNKNOWN = "MISSED: nothing was measured", "MISSED: there is no such figure"

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_FORM = re.compile(r"\s*([\w.]+)\s*(<=|>=|==|<|>)\s*([\d_.]+)\s*([%A-Za-z]*)\s*$")


# The ends of names, the first that fits; whatever else a figure is called, it is a number without a unit.
_ENDINGS = {"_per_s": "", "_ms": "ms", "_us": "us", "_s": "s", "seconds": "s", "bytes": "B", "bytes_max": "B"}
# What a unit measures, and how many of the smallest of its kind it is.
_KINDS = {
    "time": {"us": 1.0, "ms": 1e3, "s": 1e6},
    "memory": {"B": 1.0, "KiB": 1024.0, "MiB": 1024.0**2, "GiB": 1024.0**3},
    "part": {"%": 0.01, "": 1.0},
}
_WORTH = {unit: (kind, many) for kind, units in _KINDS.items() for unit, many in units.items()}


def unit_of(path: tuple[str, ...]) -> str:
    """The unit of a figure: what the last of its names that tells one says, "" for a plain number.

    >>> unit_of(("delivery_ms", "p99")), unit_of(("complete_s",)), unit_of(("acks_per_s",)), unit_of(("lost",))
    ('ms', 's', '', '')
    """
    for name in reversed(path):
        for ending, unit in _ENDINGS.items():
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


@dataclass(frozen=True)
class Threshold:
    """One expression: a path into the result, what to compare with, and how."""

    text: str
    path: tuple[str, ...]
    holds: Callable[[float, float], bool]
    limit: float
    unit: str

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Reads an expression. Raises ArgumentTypeError when it is none.

        >>> Threshold.parse("ack.p99 <= 1.5s").limit
        1.5
        """
        found = _FORM.match(text)
        if found is None or found[4] not in _WORTH:
            raise argparse.ArgumentTypeError(f"{text!r} is not like delivery.p99<50ms or lost==0")
        path = tuple(found[1].split("."))
        return cls(text, path, _OPERATORS[found[2]], float(found[3]), found[4])

    def check(self, result: Mapping[str, Any]) -> str:
        """PASS, or MISSED and why: nothing holds of what was not measured, or is not there."""
        found = _find(result, self.path)
        if isinstance(found, str):
            return found
        path, value = found
        try:
            limit = worth(self.limit, self.unit, unit_of(path))
        except ValueError as error:
            return f"{MISSED}: {error}"
        return PASS if self.holds(value, limit) else MISSED


def _find(result: Mapping[str, Any], path: tuple[str, ...]) -> tuple[tuple[str, ...], float] | str:
    """Return the names that lead to the number at a path, and the number; or the verdict where there is none."""
    tree: Any = result
    names: list[str] = []
    for name in path:
        if not isinstance(tree, Mapping):
            return UNKNOWN
        if name != "count" and tree.get("count") == 0:
            return UNMEASURED
        names.append(name if name in tree else f"{name}_ms")
        known, tree = tree, tree.get(names[-1])
        if tree is None and names[-1] in known:
            return UNMEASURED
    return (tuple(names), float(tree)) if isinstance(tree, int | float) else UNKNOWN
