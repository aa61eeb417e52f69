"""python -m tests.fuzz TARGET SECONDS: look for inputs that break a target, with atheris, guided by coverage.
python -m tests.fuzz keep TARGET: take what was found into the corpus, without what adds no coverage.

What it finds and where it works is in build/fuzz; an input that broke something is left there as crash-*.
"""

import os
import subprocess
import sys
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path

import atheris

from tests.fuzz import corpus

WORK = Path("build/fuzz")
INPUT_BYTES_MAX = 4096  # longer ones are slow, and say nothing that two of these do not
STUCK_S = 20  # an input that takes as long has found an endless loop

with atheris.instrument_imports(include=["chatd", "websockets", "uvicorn"]):
    from tests.fuzz.targets import TARGETS


def run(target: str, *options: str) -> None:
    """Fuzz until the options say it is enough; does not return."""
    found = WORK / target
    corpus.lay_out(target, found)
    own = [f"-max_len={INPUT_BYTES_MAX}", f"-timeout={STUCK_S}", f"-artifact_prefix={WORK}/{target}-"]
    atheris.Setup([sys.argv[0], *own, *options, str(found)], guarded(target))
    atheris.Fuzz()


def guarded(target: str) -> Callable[[bytes], None]:
    """The target, which ends the process at the first defect: threads of a store would keep it from ending."""

    def call(data: bytes) -> None:
        try:
            TARGETS[target](data)
        except BaseException:
            culprit = WORK / f"{target}-crash-{zlib.crc32(data):08x}"
            culprit.write_bytes(data)
            traceback.print_exc()
            print(f"The input is in {culprit}: {data!r}", file=sys.stderr, flush=True)
            os._exit(1)

    return call


def merge(target: str) -> None:
    """Copy what adds coverage into an empty directory; does not return."""
    fewer = WORK / f"{target}-fewer"
    fewer.mkdir(parents=True, exist_ok=True)
    own = [f"-max_len={INPUT_BYTES_MAX}", "-merge=1"]
    atheris.Setup([sys.argv[0], *own, str(fewer), str(WORK / target)], TARGETS[target])
    atheris.Fuzz()


def keep(target: str) -> None:
    """Let another process choose, since the library ends the one it runs in; then write the corpus."""
    subprocess.run([sys.executable, "-m", "tests.fuzz", "merge", target], check=True)
    count = corpus.keep(target, corpus.read_in(WORK / f"{target}-fewer"))
    print(f"{target}: {count} inputs kept")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["keep", target] if target in TARGETS:
            keep(target)
        case ["merge", target] if target in TARGETS:
            merge(target)
        case [target, seconds] if target in TARGETS:
            run(target, f"-max_total_time={seconds}")
        case _:
            sys.exit(__doc__)
