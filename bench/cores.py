"""Which core runs what: the daemon alone on one, the generator on the others. Linux only; elsewhere nothing."""

from __future__ import annotations

import os


def daemon_core() -> int | None:
    """The core of a daemon of our own; None when there is only one, or no way to say so."""
    cores = _allowed()
    return cores[0] if len(cores) > 1 else None


def generator_cores() -> list[int]:
    """The cores of the generator: all others, or the only one."""
    cores = _allowed()
    return cores[1:] or cores


def pin(core: int | None, pid: int = 0) -> None:
    """Binds a process, the calling one by default, and what it will start to one core; None binds nothing."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, {core})


def _allowed() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
