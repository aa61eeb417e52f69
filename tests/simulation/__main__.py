"""The command `python -m tests.simulation`: many seeds or one run again; the findings are printed as small as
possible."""

import argparse
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path

from tests.simulation.canaries import CANARIES
from tests.simulation.choices import Choices, load, save
from tests.simulation.shrink import sizes
from tests.simulation.sometimes import STATES
from tests.simulation.trial import TrialResult, minimal, trial, trials

# Seeds a job.
CHUNK = 50


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, metavar="N", help="how many (100)")
    parser.add_argument("--seed-base", type=int, metavar="B", help="the first one; drawn when not given")
    parser.add_argument(
        "--choices", type=Path, metavar="FILE", help="replay these choices and tell the story"
    )
    parser.add_argument("--canary", choices=sorted(CANARIES), default="", help="break the daemon on purpose")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (one a core)")
    parser.add_argument(
        "--keep", type=Path, default=Path("."), metavar="DIR", help="where choices are saved (.)"
    )
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    if asked.choices is not None:
        return show_story(trial(Choices(lanes=load(asked.choices)), asked.canary, story=True))
    base = random.randrange(1 << 40) if asked.seed_base is None else asked.seed_base
    print(f"seeds {base} to {base + asked.seeds - 1}", flush=True)
    began = time.monotonic()
    failed, total = spread(base, asked.seeds, asked.jobs, asked.canary)
    seconds = time.monotonic() - began
    print(f"{asked.seeds} runs in {seconds:.0f} s, {len(failed)} with findings")
    for what in chain.from_iterable(STATES.values()):
        print(f"  {total[what]:6} {what}")
    if failed:
        seed = min(failed)
        show(seed, failed[seed], asked.canary, asked.keep)
    return 1 if failed else 0


def spread(base: int, seeds: int, jobs: int, canary: str) -> tuple[dict[int, TrialResult], Counter[str]]:
    """Run the seeds in several processes; a canary that was found need not be found again."""
    chunks = [range(start, min(start + CHUNK, base + seeds)) for start in range(base, base + seeds, CHUNK)]
    failed: dict[int, TrialResult] = {}
    total: Counter[str] = Counter()
    with ProcessPoolExecutor(jobs) as pool:
        for found, met in pool.map(trials, chunks, [canary] * len(chunks)):
            failed |= found
            total.update(met)
            if failed and canary:
                pool.shutdown(cancel_futures=True)
                break
    return failed, total


def show(seed: int, verdict: TrialResult, canary: str, directory: Path) -> None:
    """Shrink the first failing seed, and print its story and save its choices."""
    print(f"\nseed {seed}, made smaller ...", flush=True)
    checker, small, runs = minimal(verdict, canary)
    path = directory / f"seed-{seed}.choices"
    save(path, small.lanes, f"{checker}, seed {seed}{f', canary {canary}' if canary else ''}")
    before, after = sizes(verdict.lanes), sizes(small.lanes)
    print(f"{before[0]} choices, {before[1]} not calm -> {after[0]}, {after[1]}, in {runs} runs")
    show_story(small)
    print(f"again: python -m tests.simulation --choices {path}{f' --canary {canary}' if canary else ''}")


def show_story(verdict: TrialResult) -> int:
    """Print the story of a run and the findings of the checkers."""
    print("\n".join(verdict.story))
    for checker, findings in verdict.findings.items():
        print(f"\n{checker}:")
        print("\n".join(f"  {finding}" for finding in findings[:10]))
    print(f"\ntrace {verdict.trace}: {'findings' if verdict.findings else 'every promise was kept'}")
    return 1 if verdict.findings else 0


if __name__ == "__main__":
    sys.exit(main())
