"""The seeds that show what most seeds do not: a state that is reached seldom, or a break that is found seldom.

Which ones these are follows from everything that draws or waits. When that has changed they may show it no longer; the
tests then look for others, which takes minutes. `python -m tests.simulation.known_seeds` prints both tables anew.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, islice

from tests.simulation.choices import Choices
from tests.simulation.scenario import (
    HOOK_FAULTS,
    MEDIA_FAULTS,
    MODERATORS_ACTS,
    PUSH_FAULTS,
    Scenario,
    scenario,
)
from tests.simulation.sometimes import STATES
from tests.simulation.trial import trial

# Seeds that together reach all states of a kind.
STATES_SHOWN_BY: dict[str, tuple[int, ...]] = {
    "messages": (1499, 2021, 1396, 1008, 671, 1892, 3160, 229, 6),
    "people": (1839, 119, 133, 895),
    "push": (72387, 63864),
    "hooks": (1078, 25814),
    "moderators": (6471, 9748, 34531),
    "groups": (3260, 535, 5877, 7393),
    "files": (8670, 1145, 258),
    "conversations": (780,),
    "search": (663,),
}

# A seed whose run shows a break; the others show in the first ten that fit.
BREAK_SHOWN_BY = {
    "ack-before-commit": 1,
    "broadcast-before-commit": 3,
    "epoch-kept": 84,
    "first-missed-skipped": 41,
    "covered-unseen": 267,
    "cursor-before-the-rows": 831,
    "wall-clock-limits": 42,
    "half-friend": 249,
    "gate-kept": 150,
    "presence-kept": 177,
    "request-counted": 42,
    "feed-after-commit": 438,
    "retry-judged-again": 616,
    "decided-when-planned": 184,
    "decide-once": 404,
    "badge-counts-muted": 1032,
    "owner-stays": 1930,
    "edits-kept": 1334,
    "door-cached": 207,
    "link-is-capability": 11245,
    "tail-unsearched": 261,
    "clock-believed": 563,
    "edit-kept": 270,
    "scheduled-forgotten-first": 70,
    "follower-for-ever": 148,
}

# Seeds below this one are tried, for what no known one shows.
LAST = 100_000
# Seeds of which those of STATES_SHOWN_BY are taken.
SAMPLE = 150
# The most that are tried for a break: most show in the first ten, the rarest once in a hundred.
BREAK_SEEDS = 300
# A break has a known seed where finding it took more processor time than this, in seconds.
WORTH_S = 1.0

RARE = frozenset(("revoke", "slow_reader", "tight", "crash", "slow_disk", "strict"))
FEW = 9


def is_troubled(plan: Scenario) -> bool:
    """Return whether there are many faults and many actions, or few faults, so that a rare one comes often."""
    if len(plan.faults & RARE) >= len(RARE) - 1 and plan.actions >= 8:
        return True
    return plan.has("notes") and not plan.people and len(plan.faults) <= FEW and plan.actions >= 4


# Which runs may reach the states of a kind: those with what it needs, most of what befalls it, and many actions.
FITS: dict[str, Callable[[Scenario], bool]] = {
    "messages": is_troubled,
    "people": lambda plan: plan.people and plan.actions >= 8 and plan.has("notes"),
    "hooks": lambda plan: plan.faults >= {*HOOK_FAULTS} and plan.actions >= 8,
    "push": lambda plan: plan.push and plan.faults >= {*PUSH_FAULTS, "crash"} and plan.actions >= 8,
    "moderators": lambda plan: (
        plan.moderated and plan.faults >= {*MODERATORS_ACTS, "restore"} and plan.actions >= 8
    ),
    "files": lambda plan: len(plan.faults & {*MEDIA_FAULTS}) >= len(MEDIA_FAULTS) - 2 and plan.actions >= 8,
    "groups": lambda plan: plan.governed and plan.actions >= 10,
    "conversations": lambda plan: plan.conversations and plan.actions >= 8,
    "search": lambda plan: plan.has("index_gone") and plan.actions >= 8,
}

PEOPLE = ("people",)
# The faults that show it (none: any run does), or what is switched on, and the checker that has to fail.
FOUND_BY = {
    "ack-before-commit": ((), "acknowledged"),
    "broadcast-before-commit": ((), "true_events"),
    "synchronous-normal": ((), "saved_acks"),
    "dedupe-dropped": ((), "once"),
    "member-for-ever": ((), "members_only"),
    "reset-without-reason": ((), "reset_with_reason"),
    "own-event-twice": ((), "kept_promises"),
    "revoked-but-connected": (("revoke",), "revoked_is_over"),
    "epoch-kept": (("restore",), "acknowledged"),
    "first-missed-skipped": ((), "without_gaps"),
    "counted-too-early": ((), "true_counters"),
    "covered-unseen": (("update", "notes"), "rows_of_the_cursor"),
    "cursor-before-the-rows": (("notes",), "rows_of_the_cursor"),
    "wall-clock-limits": (("jump",), "liveness"),
    "half-friend": (PEOPLE, "reciprocity"),
    "gate-kept": (PEOPLE, "blocked_silence"),
    "presence-kept": (PEOPLE, "right_at_the_end"),
    "ignored-counted": (PEOPLE, "ignored_exactly"),
    "request-counted": (PEOPLE, "right_at_the_end"),
    "own-named": ((), "right_at_the_end"),
    "unread-left-out": ((), "right_at_the_end"),
    "feed-after-commit": (("hooks", "failing_disk"), "in_the_feed"),
    "cursor-before-answer": (("hook_gone",), "delivered"),
    "retry-judged-again": (("hooks",), "stored_is_not_rejected"),
    "failure-is-a-pass": (("closed", "hook_lies"), "judged"),
    "lane-overtaken": (("hook_slow",), "own_order"),
    "decided-when-planned": (("push", "crash"), "owed"),
    "expired-too-soon": (("push", "purge"), "owed"),
    "resend-everything": (("push",), "quiet_after_restart"),
    "decide-once": (("push_refuses",), "seen_by_members"),
    "badge-counts-muted": (("push",), "one_number"),
    "owner-stays": (("push",), "last_owner"),
    "restriction-after-reconnect": (("mute",), "muted_is_silent"),
    "ban-forgotten": (("ban",), "banned_is_out"),
    "edits-kept": (("erase",), "erased_is_gone"),
    "door-cached": (("media",), "fetched_by_right"),
    "link-is-capability": (("media",), "fetched_by_right"),
    "two-patches-append": (("media", "part_cut"), "files_agree"),
    "client-origin-kept": (("conversations",), "no_forged_origin"),
    "first-origin-lost": (("conversations",), "forwarded_as_written"),
    "candidate-unchecked": (("search",), "hits_hold_the_query"),
    "tail-unsearched": (("search",), "equal_at_the_end"),
    "changes-unheard": (("search",), "equal_at_the_end"),
    "deleted-shown": (("conversations",), "out_of_view"),
    "deletion-untold": (("conversations",), "views_of_the_cursor"),
    "purge-still-counts": (("retained",), "right_at_the_end"),
    "purge-ends-early": (("retained",), "kept_no_longer"),
    "clock-believed": (("retained", "jump"), "kept_no_longer"),
    "edit-kept": (("retained",), "out_of_view"),
    "scheduled-row-kept": (("conversations",), "scheduled_once"),
    "scheduled-forgotten-first": (("conversations",), "scheduled_once"),
    "follower-uncounted": (("channels",), "without_contradictions"),
    "follower-for-ever": (("channels",), "followers_only"),
}


def seeds_for_states(kind: str) -> Iterator[int]:
    """Yield the seeds that are tried for states of a kind, the known ones first."""
    return chain(STATES_SHOWN_BY.get(kind, ()), seeds_where(FITS[kind]))


def seeds_for_break(name: str) -> Iterator[int]:
    """Yield the seeds that are tried for a break, a known one first."""
    known = (BREAK_SHOWN_BY[name],) if name in BREAK_SHOWN_BY else ()
    faults = set(FOUND_BY[name][0])
    return chain(known, islice(seeds_where(lambda plan: faults <= kinds(plan)), BREAK_SEEDS))


def seeds_where(fits: Callable[[Scenario], bool]) -> Iterator[int]:
    return (seed for seed in range(LAST) if fits(scenario(Choices(seed).lane("plan"))))


def kinds(plan: Scenario) -> set[str]:
    hooks = ("hooks", plan.hooks) if plan.hooks else ()
    return {
        *plan.faults,
        *(PEOPLE if plan.people else ()),
        *hooks,
        *(("push",) if plan.push else ()),
        *(("media",) if plan.media else ()),
        *(("conversations",) if plan.conversations else ()),
        *(("search",) if plan.search else ()),
        *(("retained",) if plan.retained else ()),
        *(("channels",) if plan.channels else ()),
    }


def states_shown(kind: str) -> tuple[int, ...]:
    """Return few seeds, of short runs, that together reach all states of a kind."""
    cost: dict[int, float] = {}
    reached: dict[int, set[str]] = {}
    missing = {*STATES[kind]}
    for tried, seed in enumerate(seeds_where(FITS[kind])):
        if tried >= SAMPLE and not missing:
            break
        began = time.process_time()
        reached[seed] = {state for state, count in trial(Choices(seed)).met.items() if count} & {
            *STATES[kind]
        }
        cost[seed] = time.process_time() - began
        missing -= reached[seed]
    taken: list[int] = []
    missing = {*STATES[kind]}
    while missing:
        taken.append(max(reached, key=lambda seed: len(reached[seed] & missing) / cost[seed]))
        missing -= reached[taken[-1]]
    return tuple(taken)


def break_shown(name: str) -> int | None:
    """Return the seed of the shortest run among three that show a break; None where the first seeds show it soon."""
    faults, checker = FOUND_BY[name]
    shown: dict[int, float] = {}
    spent = 0.0
    soon = False
    for seed in seeds_where(lambda plan: {*faults} <= kinds(plan)):
        began = time.process_time()
        found = checker in trial(Choices(seed), name).findings
        took = time.process_time() - began
        spent += took
        if found:
            soon |= not shown and spent <= WORTH_S
            shown[seed] = took
        if soon or len(shown) == 3:
            break
    return None if soon else min(shown, key=lambda seed: shown[seed])


def main() -> None:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        breaks = zip(FOUND_BY, pool.map(break_shown, FOUND_BY), strict=True)
        states = zip(STATES, pool.map(states_shown, STATES), strict=True)
        print("BREAK_SHOWN_BY:", {name: seed for name, seed in breaks if seed is not None}, flush=True)
        print("STATES_SHOWN_BY:", dict(states))


if __name__ == "__main__":
    main()
