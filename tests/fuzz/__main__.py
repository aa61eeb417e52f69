"""python -m tests.fuzz TARGET SECONDS: look for inputs that break a target, with atheris, guided by coverage.

It works in build/fuzz. Inputs with new coverage are left there, for `python -m tests.fuzz.minimize` to take into the
corpus; inputs that broke something are left as TARGET-crash-*.
"""

import os
import sys
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path

import atheris

from tests.fuzz import corpus

WORK = Path("build/fuzz")
# Longer ones are slow, and find nothing that two of these do not.
INPUT_BYTES_MAX = 4096
# An input that takes as long has found an endless loop.
STUCK_S = 20

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
    """Return a target that ends the process at the first defect: threads of a store would keep it from ending."""

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


if __name__ == "__main__":
    match sys.argv[1:]:
        case [target, seconds] if target in TARGETS:
            run(target, f"-max_total_time={seconds}")
        case _:
            sys.exit(__doc__)
