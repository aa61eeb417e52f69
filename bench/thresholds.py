"""What a result must be: `delivery.p99<50ms`, `lost==0`, `server.rss_bytes<200MiB`. Pure."""

from __future__ import annotations

import argparse
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from bench import units

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
        if found is None or found[4] not in units.UNITS:
            raise argparse.ArgumentTypeError(f"{text!r} is not like delivery.p99<50ms or lost==0")
        path = tuple(found[1].split("."))
        return cls(text, path, _OPERATORS[found[2]], float(found[3]), found[4])

    def check(self, result: Mapping[str, Any]) -> str:
        """PASS, or MISSED and why: nothing holds of what was not measured, or is not there."""
        found = _find(result, self.path)
        if not isinstance(found, _Found):
            return found
        try:
            limit = units.worth(self.limit, self.unit, units.unit_of(found.path))
        except ValueError as error:
            return f"{MISSED}: {error}"
        return PASS if self.holds(found.value, limit) else MISSED


class _Found(NamedTuple):
    """A number of a result, and the names that lead to it."""

    path: tuple[str, ...]
    value: float


def _find(result: Mapping[str, Any], path: tuple[str, ...]) -> _Found | str:
    """The number at a path, in which `_ms` may be left out; or the verdict where there is none."""
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
    return _Found(tuple(names), float(tree)) if isinstance(tree, int | float) else UNKNOWN
