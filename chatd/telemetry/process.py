"""The processor time and the memory of this process."""

import os
from contextlib import suppress
from pathlib import Path

_STATM = Path("/proc/self/statm")  # proc(5): pages, of which the second number is resident
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_s() -> float:
    """Return the seconds of a core that the process has used, those of the kernel for it included."""
    used = os.times()
    return used.user + used.system


def memory_bytes() -> int:
    """Return the resident memory; 0 on a system that does not say it there."""
    with suppress(OSError, ValueError, IndexError):
        return int(_STATM.read_bytes().split()[1]) * _PAGE_BYTES
    return 0
