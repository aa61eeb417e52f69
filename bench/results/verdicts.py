"""What a page says before any figure: whether it was correct, whose figures these are, and what was missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from bench import medium
from bench.results import reading
from bench.results.markup import BAD, GOOD, WARN, bullets, marked, section, table, tile
from bench.results.reading import Result
from bench.targets.goal import ABSENT, MISSED, REPORTED

PASS, FAIL, BOUND = "PASS", "FAIL", "GENERATOR-BOUND"


def tiles(results: Sequence[Result]) -> str:
    """A tile for each thing that was judged."""
    return (
        _correct(results)
        + _held(results, "thresholds")
        + _held(results, "musts")
        + _bound(results)
        + _in_memory(results)
    )


def details(results: Sequence[Result], names: Sequence[str]) -> str:
    """Every threshold, every kind of fault and the first of them, and the runs that tell of the generator."""
    parts = (
        table(("threshold", *names), _thresholds(results)),
        table(("fault", *names), _faults(results)),
        bullets([example for result in results for example in reading.examples(result)]),
        bullets([f"{BOUND}: {name}" for name in _bound_runs(results)]),
        bullets(list(_remarks(results))),
    )
    return section("Verdicts", "".join(parts))


def thresholds(result: Result) -> dict[str, bool]:
    """What had to hold, and whether it did."""
    return dict(result.get("thresholds") or {})


def musts(result: Result) -> dict[str, bool]:
    """Of a table of targets, what must be reached, and whether it was."""
    return {
        f"{goal['name']} {figure['title']}": figure["verdict"] != MISSED
        for goal in result.get("goals", ())
        for figure in goal["figures"]
        if figure["verdict"] not in (REPORTED, ABSENT)
    }


_JUDGED = {"thresholds": (thresholds, "held"), "musts": (musts, "reached")}


def _correct(results: Sequence[Result]) -> str:
    counted = [faults for result in results if (faults := reading.faults(result)) is not None]
    if not counted:
        return ""
    wrong = sum(sum(faults.values()) for faults in counted)
    return tile(FAIL if wrong else PASS, f"{wrong:,} faults found", BAD if wrong else GOOD)


def _held(results: Sequence[Result], kind: str) -> str:
    judge, word = _JUDGED[kind]
    held = [verdict for result in results for verdict in judge(result).values()]
    if not held:
        return ""
    return tile(f"{sum(held)} of {len(held)}", f"{kind} {word}", GOOD if all(held) else BAD)


def _bound(results: Sequence[Result]) -> str:
    found = list(_bound_runs(results))
    return tile(BOUND, "these runs measure the generator, too", WARN) if found else ""


def _in_memory(results: Sequence[Result]) -> str:
    if not any(map(medium.in_memory, results)):
        return ""
    return tile("IN MEMORY", "no disk is in the durable figures", WARN)


def _bound_runs(results: Sequence[Result]) -> Iterator[str]:
    """The names of all runs in which the generator was the limit."""
    for result in results:
        runs = {**reading.runs(result), **(result.get("peers") or {})}
        yield from (name for name, run in runs.items() if run.get("generator_bound"))


def _remarks(results: Sequence[Result]) -> Iterator[str]:
    """What the rows of a table of targets say of themselves."""
    for result in results:
        for goal in result.get("goals", ()):
            yield from (f"{goal['name']}: {note}" for note in goal.get("notes", ()))
            if goal.get("failed"):
                yield f"{goal['name']}: FAILED: {goal['failed']}"


def _thresholds(results: Sequence[Result]) -> list[list[str]]:
    judged = [thresholds(result) for result in results]
    texts = dict.fromkeys(text for one in judged for text in one)
    return [[escape(text), *(_verdict(one.get(text)) for one in judged)] for text in texts]


def _verdict(held: bool | None) -> str:
    if held is None:
        return ""
    return marked(PASS, GOOD) if held else marked(MISSED, BAD)


def _faults(results: Sequence[Result]) -> list[list[str]]:
    """A row for each kind that was found at all."""
    counted = [Counter(reading.faults(result) or {}) for result in results]
    kinds = dict.fromkeys(kind for one in counted for kind in one if one[kind])
    return [
        [kind, *(marked(f"{one[kind]:,}", BAD if one[kind] else "") for one in counted)] for kind in kinds
    ]
