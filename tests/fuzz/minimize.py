"""python -m tests.fuzz.minimize TARGET: take inputs of build/fuzz with new coverage into the corpus.

Coverage is pairs of lines of the daemon that follow each other, with their number in powers of two: as the fuzzer
measures it, too.
"""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS, leave

FOUND = Path("build/fuzz")
# A part of the name of every file of the daemon.
OURS = "/chatd/"

Way = tuple[str, int, int, int]


def ways(call: Callable[[bytes], None], data: bytes) -> set[Way]:
    """Return the coverage of an input."""
    walked: Counter[tuple[str, int, int]] = Counter()
    last: dict[int, int] = {}

    def step(frame: FrameType, event: str, _: object) -> Any:
        if OURS not in frame.f_code.co_filename:
            return None
        key = id(frame)
        walked[frame.f_code.co_filename, last.get(key, 0), frame.f_lineno] += 1
        last[key] = frame.f_lineno
        if event == "return":
            last.pop(key, None)
        return step

    sys.settrace(step)
    try:
        call(data)
    finally:
        sys.settrace(None)
    return {(*arc, times.bit_length()) for arc, times in walked.items()}


def fewest(call: Callable[[bytes], None], inputs: list[bytes]) -> list[bytes]:
    """Return the inputs, short ones first, with coverage that no shorter one had."""
    chosen, known = [], set[Way]()
    for data in sorted(set(inputs), key=lambda one: (len(one), one)):
        new = ways(call, data) - known
        if new:
            chosen.append(data)
            known |= new
    return chosen


if __name__ == "__main__":
    target = sys.argv[1]
    inputs = [*corpus.kept(target), *corpus.read_in(FOUND / target)]
    chosen = fewest(TARGETS[target], [one for one in inputs if len(one) <= corpus.INPUT_BYTES_MAX])
    print(f"{target}: {len(inputs)} inputs, {corpus.keep(target, chosen)} kept")
    leave()
