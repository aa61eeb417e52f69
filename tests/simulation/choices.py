"""The choices of a run: small integers, 0 being the calm one, so that shorter or zeroed choices make a calmer run."""

import json
import random
from pathlib import Path

CALM = 0


class Lane:
    """The choices about one subject, such as the network of one client: shortening a lane does not shift the others."""

    __slots__ = ("_chance", "_given", "values")

    def __init__(self, chance: random.Random | None, given: list[int]) -> None:
        self._chance = chance
        self._given = given
        self.values: list[int] = []

    def pick(self, choices: int) -> int:
        """Return one of 0..choices-1; CALM where replayed choices have no value."""
        if self._chance is not None:
            value = int(self._chance.random() * choices)
        elif len(self.values) < len(self._given):
            value = self._given[len(self.values)] % choices
        else:
            value = CALM
        self.values.append(value)
        return value

    def befalls(self, one_in: int) -> bool:
        """Return whether a fault that comes once in `one_in` times comes now."""
        return self.pick(one_in) == one_in - 1


class Choices:
    """All lanes of one run, drawn from a seed, or replayed. The picked values are in `recorded`."""

    def __init__(self, seed: int | None = None, lanes: dict[str, list[int]] | None = None) -> None:
        self._seed = seed
        self._given = lanes or {}
        self._lanes: dict[str, Lane] = {}

    def lane(self, name: str) -> Lane:
        """Return the lane of this name, always the same one."""
        if name not in self._lanes:
            chance = None if self._seed is None else random.Random(f"{self._seed} {name}")
            self._lanes[name] = Lane(chance, self._given.get(name, []))
        return self._lanes[name]

    @property
    def recorded(self) -> dict[str, list[int]]:
        """The picked values, without the calm ends of lanes."""
        return trimmed({name: lane.values for name, lane in self._lanes.items()})


def trimmed(lanes: dict[str, list[int]]) -> dict[str, list[int]]:
    """The same choices, as short as they can be written.

    >>> trimmed({"net a": [0, 3, 0], "disk": [0, 0]})
    {'net a': [0, 3]}
    """
    kept = {}
    for name, values in lanes.items():
        end = len(values)
        while end and values[end - 1] == CALM:
            end -= 1
        if end:
            kept[name] = values[:end]
    return kept


def load(path: Path) -> dict[str, list[int]]:
    """Return the lanes in a file made by `save`."""
    lanes: dict[str, list[int]] = json.loads(path.read_text())["lanes"]
    return lanes


def save(path: Path, lanes: dict[str, list[int]], note: str) -> None:
    """Write choices that `--choices` replays; `note` tells the reader what they show."""
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(values)}" for name, values in lanes.items())
    path.write_text(f'{{"note": {json.dumps(note)},\n "lanes": {{\n{rows}\n}}}}\n')
