"""What the kernel has of a file in memory: put all of it there, or take it all away. Linux; elsewhere nothing."""

from __future__ import annotations

import os
from pathlib import Path

_CHUNK_BYTES = 4 << 20  # large enough that the disk, not the loop, sets the pace


def forget(file: Path) -> bool:
    """Makes the kernel drop its copy of the file, so that the next reader waits for the disk; whether it can."""
    if not hasattr(os, "posix_fadvise"):
        return False
    with file.open("rb") as opened:
        os.fsync(opened.fileno())  # what is not on the disk yet cannot be dropped
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


def remember(file: Path) -> None:
    """Reads the file once, so that the kernel keeps as much of it as it has memory for."""
    with file.open("rb", buffering=0) as opened:
        while opened.read(_CHUNK_BYTES):
            pass
