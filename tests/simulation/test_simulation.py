"""Seeds of the whole daemon under faults: every promise of the checkers, over as many runs as fit."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest

from tests.kit.vfs import Unwatchable, library
from tests.simulation.choices import Choices
from tests.simulation.scenario import HOOK_FAULTS, MEDIA_FAULTS, MODERATORS_ACTS, PUSH_FAULTS, scenario
from tests.simulation.sometimes import (
    WANTED,
    WANTED_OF_CONVERSATIONS,
    WANTED_OF_GROUPS,
    WANTED_OF_HOOKS,
    WANTED_OF_MEDIA,
    WANTED_OF_MODERATORS,
    WANTED_OF_PEOPLE,
    WANTED_OF_PUSH,
    WANTED_OF_SEARCH,
)
from tests.simulation.trial import trial, trials

SEEDS = 625  # always the same ones; `make soak` runs a hundred thousand new ones
CHUNK = 25
BASE = int(os.environ.get("SIMULATION_BASE", "0"))
# The most seeds that are tried; 130 are enough as a rule.
TROUBLED = 400
RARE = frozenset(("revoke", "slow_reader", "tight", "crash", "slow_disk", "strict"))
FEW = 9
HASH_SEEDS = ("0", "1", "77")
ONCE_FOUND = (
    379,  # alerts that a failing disk did not let go were told again after a restart
    7700525,  # a page of a sync was refused for now, and never asked again
    8000026,  # an outbox that fits no frame closed every connection
    8001130,  # a device that was revoked before it ever came was listed, without the time it was seen
    8101883,  # a leave that could not be stored was acknowledged
    8103915,  # the network handed the end of a client to a connection that was not accepted yet
    8104767,  # a room whose deletion was on its way to the disk was reported as gone
    8206926,  # a room that was made between two pages of a round was forgotten at its end
    8303191,  # a hello between a commit and its publication got messages from before the joining
    8304886,  # an event was pushed to nobody else when slow authors were unsubscribed during its push
    8617046,  # a clock that was set back after a revocation made a client wait for an hour
    8708003,  # packets of a former device were stored when the log had been read
    9010845,  # an erasure rested for longer than the end of a run was waited for
    1617,  # an invitation that was told late, behind a read mark, was taken for a message that had been read
    9000195,  # a request that was declined and answered in one commit was told to be gone
    9011259,  # who blocked somebody was counted what they wrote in the commit in which they joined
)


def watchable() -> bool:
    try:
        library()
    except Unwatchable:
        return False
    return True


pytestmark = [
    pytest.mark.skipif(not watchable(), reason="this Python hides its SQLite: no disk to simulate"),
    pytest.mark.timeout(1200),  # a chunk takes 2 s of a quiet core
]


@pytest.mark.parametrize("first", range(BASE, BASE + SEEDS, CHUNK))
def test_every_promise_is_kept_in(first: int) -> None:
    keeps_every_promise(range(first, first + CHUNK))


@pytest.mark.parametrize("seed", ONCE_FOUND)
def test_what_was_found_once_is_not_found_again(seed: int) -> None:
    keeps_every_promise(range(seed, seed + 1))


def keeps_every_promise(seeds: range) -> None:
    failed, _ = trials(seeds)
    again = f"python -m tests.simulation --seeds 1 --seed-base {min(failed, default=0)}"
    assert not failed, "\n".join(
        [again, *(f"{seed}: {verdict.findings}" for seed, verdict in failed.items())]
    )


@pytest.mark.parametrize(
    "wanted",
    [
        WANTED,
        WANTED_OF_PEOPLE,
        WANTED_OF_HOOKS,
        WANTED_OF_PUSH,
        WANTED_OF_MODERATORS,
        WANTED_OF_MEDIA,
        WANTED_OF_GROUPS,
        WANTED_OF_CONVERSATIONS,
        WANTED_OF_SEARCH,
    ],
    ids=["messages", "people", "hooks", "push", "moderators", "files", "groups", "conversations", "search"],
)
def test_what_is_interesting_happens(wanted: tuple[str, ...]) -> None:
    """Runs in which nobody loses an acknowledgement prove nothing about lost ones."""
    met: Counter[str] = Counter()
    for seed in seeds_for(wanted):
        met.update(trial(Choices(seed)).met)
        if all(met[what] for what in wanted):
            return
    assert [what for what in wanted if not met[what]] == []


def seeds_for(wanted: tuple[str, ...]) -> Iterator[int]:
    yield from KNOWN[wanted]
    yield from SEEDS_FOR[wanted](TROUBLED)


def among_people(count: int) -> list[int]:
    """Return the first seeds with people and many actions, in which time passes, too."""
    plans = ((seed, scenario(Choices(seed).lane("plan"))) for seed in range(BASE, BASE + 100 * count))
    fit = (seed for seed, plan in plans if plan.people and plan.actions >= 8 and plan.has("notes"))
    return [*islice(fit, count)]


def under_hooks(count: int) -> list[int]:
    """Return the first seeds with a back end of the host app that has all faults, and many actions."""
    plans = ((seed, scenario(Choices(seed).lane("plan"))) for seed in range(BASE, BASE + 100 * count))
    fit = (seed for seed, plan in plans if plan.faults >= {*HOOK_FAULTS} and plan.actions >= 8)
    return [*islice(fit, count)]


def with_push(count: int) -> list[int]:
    """Return the first seeds with push, all faults of its service, crashes, and many actions."""
    plans = ((seed, scenario(Choices(seed).lane("plan"))) for seed in range(BASE, BASE + 100 * count))
    wanted = {*PUSH_FAULTS, "crash"}
    fit = (seed for seed, plan in plans if plan.push and plan.faults >= wanted and plan.actions >= 8)
    return [*islice(fit, count)]


def under_moderators(count: int) -> list[int]:
    """Return the first seeds with moderators who do all they may, restored backups, and many actions."""
    plans = ((seed, scenario(Choices(seed).lane("plan"))) for seed in range(BASE, BASE + 100 * count))
    wanted = {*MODERATORS_ACTS, "restore"}
    fit = (seed for seed, plan in plans if plan.moderated and plan.faults >= wanted and plan.actions >= 8)
    return [*islice(fit, count)]


def with_files(count: int) -> list[int]:
    """Return the first seeds with files, most of what befalls them, and many actions."""
    plans = ((seed, scenario(Choices(seed).lane("plan"))) for seed in range(BASE, BASE + 100 * count))
    few = len(MEDIA_FAULTS) - 2
    fit = (seed for seed, plan in plans if len(plan.faults & {*MEDIA_FAULTS}) >= few and plan.actions >= 8)
    return [*islice(fit, count)]


def governed(count: int) -> list[int]:
    """Return the first seeds with groups that govern themselves, and many actions."""
    plans = ((seed, scenario(Choices(seed).lane("plan"))) for seed in range(BASE, BASE + 100 * count))
    fit = (seed for seed, plan in plans if plan.governed and plan.actions >= 10)
    return [*islice(fit, count)]


def with_conversations(count: int) -> list[int]:
    """Return the first seeds with conversations and many actions."""
    plans = ((seed, scenario(Choices(seed).lane("plan"))) for seed in range(BASE, BASE + 100 * count))
    return [*islice((seed for seed, plan in plans if plan.conversations and plan.actions >= 8), count)]


def with_search(count: int) -> list[int]:
    """Return the first seeds with an index that is gone now and then, and many actions."""
    plans = ((seed, scenario(Choices(seed).lane("plan"))) for seed in range(BASE, BASE + 100 * count))
    fit = (seed for seed, plan in plans if plan.has("index_gone") and plan.actions >= 8)
    return [*islice(fit, count)]


def troubled(count: int) -> list[int]:
    """Return the first seeds with many faults and many actions, or with few faults, so that a rare one comes often."""
    found = []
    for seed in range(BASE, BASE + 100 * count):
        plan = scenario(Choices(seed).lane("plan"))
        is_troubled = len(plan.faults & RARE) >= len(RARE) - 1 and plan.actions >= 8
        is_calm = plan.has("notes") and not plan.people and len(plan.faults) <= FEW and plan.actions >= 4
        if is_troubled or is_calm:
            found.append(seed)
    return found[:count]


SEEDS_FOR = {
    WANTED: troubled,
    WANTED_OF_PEOPLE: among_people,
    WANTED_OF_HOOKS: under_hooks,
    WANTED_OF_PUSH: with_push,
    WANTED_OF_MODERATORS: under_moderators,
    WANTED_OF_MEDIA: with_files,
    WANTED_OF_GROUPS: governed,
    WANTED_OF_CONVERSATIONS: with_conversations,
    WANTED_OF_SEARCH: with_search,
}

# Seeds that together reach them all. When something that draws has changed they may not: then others are tried.
KNOWN = {
    WANTED: (1253, 1892, 2289, 2514, 4002, 6, 32, 634, 152),
    WANTED_OF_PEOPLE: (895, 119, 993, 1190),
    WANTED_OF_HOOKS: (7393, 1078, 1979),
    WANTED_OF_PUSH: (7885, 7353, 4995),
    WANTED_OF_MODERATORS: (561, 4642),
    WANTED_OF_MEDIA: (258, 288, 341),
    WANTED_OF_GROUPS: (188, 326, 591, 1133),
    WANTED_OF_CONVERSATIONS: (36, 322),
    WANTED_OF_SEARCH: (),
}


def test_one_seed_is_one_history_whatever_the_hashes() -> None:
    """Order that follows addresses or hashes would make a found seed impossible to find again."""
    program = (
        "from tests.simulation.choices import Choices\n"
        "from tests.simulation.trial import trial\n"
        "print(*[trial(Choices(seed)).trace for seed in range(100, 112)])"
    )
    traces = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in HASH_SEEDS
    }
    assert len(traces) == 1, traces
