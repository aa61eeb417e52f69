"""A population as it is read from a TOML file; every key is checked. Pure, but for reading the file."""

import random
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

SIZE_MAX = 100  # people in a room: what one `room.create` takes
KINDS = ("messages", "reads", "typing", "churn")  # what people do, a second, all together


@dataclass(frozen=True)
class Size:
    """So many rooms with so many people each; `direct` ones are of two people, each pair once."""

    people: int
    rooms: int
    direct: bool = False


@dataclass(frozen=True)
class Population:
    """`people` in rooms of these sizes, and how often in a second they do something, all of them together."""

    people: int
    sizes: tuple[Size, ...]
    rates: dict[str, float]
    seed: int = 1

    @cached_property
    def members_of(self) -> list[list[int]]:
        """The people of each room, drawn by chance; everybody who is left is in no room."""
        chance, pairs = random.Random(self.seed), set[frozenset[int]]()
        found: list[list[int]] = []
        for size in self.sizes:
            for _ in range(size.rooms):
                members = chance.sample(range(self.people), size.people)
                while size.direct and frozenset(members) in pairs:
                    members = chance.sample(range(self.people), size.people)
                if size.direct:
                    pairs.add(frozenset(members))
                found.append(members)
        return found

    @cached_property
    def direct(self) -> list[bool]:
        return [size.direct for size in self.sizes for _ in range(size.rooms)]

    @cached_property
    def rooms_of(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for room, members in enumerate(self.members_of):
            for member in members:
                found.setdefault(member, []).append(room)
        return found


def read(path: Path, seed: int) -> Population:
    """The population of a file. Raises ValueError with the name of the key that is wrong."""
    try:
        tree = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
    try:
        return _population(tree, seed)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _population(tree: dict[str, Any], seed: int) -> Population:
    _known(tree, ("people", "rooms", "rates"), "the file")
    people = _whole(tree, "people", 2, 100_000)
    rows = tree.get("rooms")
    if not isinstance(rows, list) or not rows:
        raise ValueError("there is no [[rooms]] with people and count")
    sizes = tuple(_size(row, people) for row in rows)
    pairs, wanted = people * (people - 1) // 2, sum(size.rooms for size in sizes if size.direct)
    if wanted > pairs // 2:
        raise ValueError(
            f"{people} people have room for {pairs // 2:,} direct rooms at most, not {wanted:,}: count"
        )
    rates = tree.get("rates", {})
    _known(rates, KINDS, "[rates]")
    return Population(people, sizes, {kind: _rate(rates, kind) for kind in KINDS}, seed)


def _size(row: Any, people: int) -> Size:
    _known(row, ("kind", "people", "count"), "[[rooms]]")
    if row.get("kind", "group") not in ("group", "direct"):
        raise ValueError(f"kind is group or direct, not {row['kind']!r}")
    if row.get("kind") == "direct":
        return Size(
            _whole({"people": 2, **row}, "people", 2, 2), _whole(row, "count", 1, 100_000), direct=True
        )
    return Size(_whole(row, "people", 1, min(SIZE_MAX, people)), _whole(row, "count", 1, 100_000))


def _known(tree: Any, keys: tuple[str, ...], where: str) -> None:
    if not isinstance(tree, dict):
        raise ValueError(f"{where} is not a table")
    if unknown := sorted(tree.keys() - set(keys)):
        raise ValueError(f"{where} has no {', '.join(unknown)}; it has {', '.join(keys)}")


def _whole(tree: dict[str, Any], key: str, low: int, high: int) -> int:
    value = tree.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{key} is a whole number from {low:,} to {high:,}, not {value!r}")
    return value


def _rate(tree: dict[str, Any], key: str) -> float:
    value = tree.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        raise ValueError(f"{key} is a number a second, not {value!r}")
    return float(value)
