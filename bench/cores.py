"""Which core runs what: the daemon alone on one, the generator on the others. Linux only; elsewhere nothing."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def daemon_core() -> int | None:
    """The core of a daemon of our own; None when there is only one, or no way to say so."""
    return _ALLOWED[0] if len(_ALLOWED) > 1 else None


def generator_cores() -> list[int]:
    return _ALLOWED[1:] or _ALLOWED


def generator_core(share: int) -> int | None:
    """The core of one process of the generator; they take turns. None where there is no way to say so."""
    cores = generator_cores()
    return cores[share % len(cores)] if cores else None


def alone(shares: int) -> bool:
    """Whether each of so many processes of the generator has a core that neither another nor the daemon uses."""
    return 0 < shares < len(_ALLOWED)


def pin(core: int | None, pid: int = 0) -> None:
    """Binds a process, the calling one by default, and what it will start to one core; None binds nothing."""
    if core is not None:
        _bind([core], pid)


@contextmanager
def generating() -> Iterator[None]:
    """Binds the calling thread, and what it starts, to the cores of the generator until the block ends."""
    _bind(generator_cores())
    try:
        yield
    finally:
        _bind(_ALLOWED)


def bound(pid: int = 0) -> list[int]:
    """The cores a process may run on, the calling one by default; none where the system does not tell."""
    try:
        return sorted(os.sched_getaffinity(pid))
    except (AttributeError, OSError):
        return []


def _bind(cores: Sequence[int], pid: int = 0) -> None:
    if cores:
        os.sched_setaffinity(pid, cores)


# Asked once, before anybody is bound: asking later gives one's own core only, and puts the daemon there too.
_ALLOWED = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
