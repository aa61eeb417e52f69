"""What a result must be: `delivery.p99<50ms`, `lost==0`, `server.rss_bytes<200MiB`. Pure."""

from __future__ import annotations

import argparse
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_UNITS = {
    "": 1.0,
    "%": 0.01,
    "us": 0.001,
    "ms": 1.0,
    "s": 1000.0,
    "KiB": 1024.0,
    "MiB": 1024.0**2,
    "GiB": 1024.0**3,
}
_FORM = re.compile(r"\s*([\w.]+)\s*(<=|>=|==|<|>)\s*([\d_.]+)\s*([%A-Za-z]*)\s*$")


@dataclass(frozen=True)
class Threshold:
    """One expression: a path into the result, what to compare with, and how."""

    text: str
    path: tuple[str, ...]
    holds: Callable[[float, float], bool]
    limit: float

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Reads an expression. Raises ArgumentTypeError when it is none.

        >>> Threshold.parse("ack.p99 <= 1.5s").limit
        1500.0
        """
        found = _FORM.match(text)
        if found is None or found[4] not in _UNITS:
            raise argparse.ArgumentTypeError(f"{text!r} is not like delivery.p99<50ms or lost==0")
        return cls(text, tuple(found[1].split(".")), _OPERATORS[found[2]], float(found[3]) * _UNITS[found[4]])

    def check(self, result: Mapping[str, Any]) -> bool:
        """Whether the result is so. Raises ValueError when the result has no such number."""
        value: Any = result
        for name in self.path:
            value = value.get(name, value.get(f"{name}_ms")) if isinstance(value, Mapping) else None
        if not isinstance(value, int | float):
            raise ValueError(f"the result has no number {'.'.join(self.path)}")
        return self.holds(float(value), self.limit)
