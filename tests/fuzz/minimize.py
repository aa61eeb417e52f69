"""python -m tests.fuzz.minimize TARGET: take finds of build/fuzz that walk a new way into the corpus.

A way is two lines of the daemon that follow each other, and how often in powers of two: what the fuzzer goes by, too.
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
OURS = "/chatd/"  # what the name of a file of the daemon holds

Way = tuple[str, int, int, int]


def ways(call: Callable[[bytes], None], data: bytes) -> set[Way]:
    """The ways through the daemon that an input takes."""
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
    """Those inputs, short ones first, that walk ways no shorter one did."""
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
