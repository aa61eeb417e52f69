"""The shapes of values in packets: functions that raise Misshapen. A record refuses unknown keys."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Shape: TypeAlias = Callable[[Any, str], None]

U53_MAX = 2**53 - 1


class Misshapen(AssertionError):
    """A packet of the server differs from the specification."""


def integer(low: int) -> Shape:
    def check(value: Any, where: str) -> None:
        if type(value) is not int or not low <= value <= U53_MAX:
            raise Misshapen(f"{where}: {value!r} is no integer of {low}..2^53-1")

    return check


def text_of(pattern: str) -> Shape:
    compiled = re.compile(pattern, re.DOTALL)

    def check(value: Any, where: str) -> None:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise Misshapen(f"{where}: {value!r} does not match {pattern}")

    return check


def one_of(*values: str) -> Shape:
    def check(value: Any, where: str) -> None:
        if value not in values:
            raise Misshapen(f"{where}: {value!r} is none of {values}")

    return check


def listed(item: Shape, *, least: int = 0, most: int = 10_000) -> Shape:
    def check(value: Any, where: str) -> None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise Misshapen(f"{where}: not a list of {least}..{most}: {value!r}")
        for position, element in enumerate(value):
            item(element, f"{where}[{position}]")

    return check


def record(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """Return the schema of a map with all `required` keys, any of the `optional` ones, and no other."""
    known = {**required, **(optional or {})}

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise Misshapen(f"{where}: not a map: {value!r}")
        if missing := required.keys() - value.keys():
            raise Misshapen(f"{where}: without {sorted(missing)}: {value!r}")
        if unknown := value.keys() - known.keys():
            raise Misshapen(f"{where}: with unknown {sorted(unknown)}: {value!r}")
        for key, element in value.items():
            known[key](element, f"{where}.{key}")

    return check


def flag(value: Any, where: str) -> None:
    """Check that a value is True; otherwise the key is absent."""
    if value is not True:
        raise Misshapen(f"{where}: a flag is true or absent, not {value!r}")


def boolean(value: Any, where: str) -> None:
    if not isinstance(value, bool):
        raise Misshapen(f"{where}: {value!r} is no boolean")


def host_data(value: Any, where: str) -> None:
    """Accept anything that the host app stores."""


u53 = integer(0)
# Counters whose default 0 is left out are positive, too.
positive = integer(1)
# Positions whose default 1 is left out.
two_or_more = integer(2)
user = text_of(r"[A-Za-z0-9_\-.:@|+]{1,64}")
room = text_of(r"[cdg][0-9A-Za-z]{11}")
key = text_of(r"[A-Za-z0-9_:-]{8,40}")
device = text_of(r"[A-Za-z0-9_-]{22}")
cursor = more = text_of(r".{1,64}")
epoch = text_of(r".{1,16}")
text = text_of(r".*")
word = text_of(r".+")
role = one_of("member", "admin", "owner")
# Offline, the default, is left out.
state = one_of("online", "away")
