"""This process as the system sees it: its name, its processor time, its memory."""

import os
from contextlib import suppress
from pathlib import Path

_STATM = Path("/proc/self/statm")  # proc(5): pages, of which the second number is resident
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def introduce(name: str, out_of_memory_score: int, nice: int = 0) -> None:
    """Name this process, and say how soon it goes when memory is short: before those with a lower score (proc(5)).

    `nice`: by so much more than whoever started it, it yields a core to others (nice(2)).
    """
    for entry, text in (("comm", name), ("oom_score_adj", str(out_of_memory_score))):
        with suppress(OSError):
            Path("/proc/self", entry).write_text(text)
    with suppress(OSError):
        os.nice(nice)


def cpu_s() -> float:
    """Return the seconds of a core that the process has used, those of the kernel for it included."""
    used = os.times()
    return used.user + used.system


def memory_bytes() -> int:
    """Return the resident memory; 0 on a system that does not say it there."""
    with suppress(OSError, ValueError, IndexError):
        return int(_STATM.read_bytes().split()[1]) * _PAGE_BYTES
    return 0
