"""The reduction of failing choices: shorter and calmer lanes, as long as the same checker fails."""

from collections.abc import Callable

from tests.simulation.choices import CALM, trimmed

Lanes = dict[str, list[int]]
# At some 30 ms each, this is as long as a user likes to wait.
RUNS_MAX = 400


class Shrinker:
    """A reduction by `fails(lanes)`, which says whether choices still show the failure. `runs`: the number of its
    calls."""

    def __init__(self, fails: Callable[[Lanes], bool], runs_max: int = RUNS_MAX) -> None:
        self._fails = fails
        self._runs_max = runs_max
        self.runs = 0

    def shrunk(self, lanes: Lanes) -> Lanes:
        """Return the smallest choices that were found: whole lanes first, then blocks, then single values."""
        best = trimmed(lanes)
        for step in (self._without_lanes, self._without_tails, self._without_blocks, self._with_lower):
            best = step(best)
        return best

    def _try(self, best: Lanes, name: str, values: list[int]) -> Lanes | None:
        candidate = trimmed({**best, name: values})
        if self.runs >= self._runs_max or candidate == best:
            return None
        self.runs += 1
        return candidate if self._fails(candidate) else None

    def _without_lanes(self, best: Lanes) -> Lanes:
        for name in list(best):
            best = self._try(best, name, []) or best
        return best

    def _without_tails(self, best: Lanes) -> Lanes:
        for name in list(best):
            size = len(best[name]) // 2
            while size:
                values = best.get(name, [])
                shorter = self._try(best, name, values[: len(values) - size])
                best = shorter or best
                size = size if shorter else size // 2
        return best

    def _without_blocks(self, best: Lanes) -> Lanes:
        for name in list(best):
            size = len(best.get(name, [])) // 2
            while size:
                for start in range(0, len(best.get(name, [])), size):
                    values = best.get(name, [])
                    block = values[start : start + size]
                    if any(block):
                        calm = [*values[:start], *[CALM] * len(block), *values[start + size :]]
                        best = self._try(best, name, calm) or best
                size //= 2
        return best

    def _with_lower(self, best: Lanes) -> Lanes:
        for name in list(best):
            for place, value in enumerate(best.get(name, [])):
                if value > 1 and place < len(best.get(name, [])):
                    values = list(best[name])
                    values[place] = value // 2
                    best = self._try(best, name, values) or best
        return best


def sizes(lanes: Lanes) -> tuple[int, int]:
    """Return the number of choices, and of those that are not calm."""
    values = [value for lane in lanes.values() for value in lane]
    return len(values), sum(value != CALM for value in values)
