"""A power cut everywhere: at each operation of a journal, with several survivals of what was not synced."""

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit.disk import Disk, lay
from tests.kit.simulated_disk import Choose

# Where there is one, thousands of states are written without waiting for a disk.
MEMORY = Path("/dev/shm")

# The defect of the files in a directory that a power cut after so many operations left; None: there is none.
Check = Callable[[Path, int], str | None]


@dataclass
class Tally:
    """The result of a sweep. `states`: distinct survivals of each cut; `findings` name cut and survival."""

    states: int = 0
    findings: list[str] = field(default_factory=list)


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a directory for files that nobody needs to keep."""
    place = Path(tempfile.mkdtemp(prefix="chatd-sweep-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def calm(options: int) -> int:
    """Choose the survival in which everything that was written is there."""
    return 0


def harsh(options: int) -> int:
    """Choose the survival without anything that was not synced: no last names, and no sector of a write."""
    return options - 1


def chances(seed: int, count: int) -> list[Choose]:
    """Return the two extremes, then random choices."""
    drawn = [random.Random(seed * 1000 + number).randrange for number in range(count - 2)]
    return [calm, harsh, *drawn]


def sweep(disk: Disk, check: Check, choices: Sequence[Choose], *, cuts: Sequence[int] | None = None) -> Tally:
    """Check every distinct survival of each cut (all, unless named)."""
    tally = Tally()
    with scratch() as place:
        for upto in range(len(disk.journal) + 1) if cuts is None else cuts:
            seen: set[int] = set()
            for number, choose in enumerate(choices):
                files = disk.survivors(upto, choose)
                digest = hash(tuple(files.items()))
                if digest in seen:
                    continue
                seen.add(digest)
                finding = checked(files, place / "state", upto, check)
                tally.states += 1
                if finding is not None:
                    tally.findings.append(f"cut {upto}, survival {number}: {finding}")
    return tally


def checked(files: dict[str, bytes], place: Path, upto: int, check: Check) -> str | None:
    lay(files, place)
    try:
        return check(place, upto)
    finally:
        shutil.rmtree(place)
