"""The machine a run is on: its event loop, cores, ports and file systems, as Linux tells them."""

import asyncio
import contextlib
import json
import os
import random
import resource
import socket
import subprocess
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(scenario: Coroutine[Any, Any, Result]) -> Result:
    """Run `scenario` to its end and return its result."""
    allow_files()
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):  # the generator is slower then, nothing else changes
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(scenario)


def allow_files() -> None:
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))


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


def unpin(pid: int) -> None:
    """Let a process with all its threads run on any core."""
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(ProcessLookupError):
            _bind(_ALLOWED, int(thread.name))


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


LOWEST, HIGHEST = 10_000, 65_535  # below it are services with a name
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")  # Linux, ip(7)
USUAL_RANGE = (32_768, 60_999)  # where the system does not tell

_chance = random.SystemRandom()  # several who start at once, of one seed, must not try the same ports


def free_ports(count: int) -> list[int]:
    """Ports of the loopback nobody listens on, all different; OSError when there are not so many.

    They lie outside the range from which the kernel serves whoever asks for any: a connection that is being
    made, or somebody else's server on port 0, cannot get one before the program it is for has started.
    """
    held: list[socket.socket] = []
    try:
        for port in _chance.sample(_ours(), k=min(len(_ours()), 100 * count)):
            if len(held) == count:
                break
            try:
                held.append(socket.create_server(("127.0.0.1", port)))
            except OSError:  # somebody has it
                continue
        if len(held) < count:
            raise OSError(f"no {count} free ports between {LOWEST} and {HIGHEST}")
        return [listener.getsockname()[1] for listener in held]
    finally:
        for listener in held:
            listener.close()


def handed_out() -> tuple[int, int]:
    """The first and the last port the kernel chooses by itself."""
    try:
        first, last = RANGE.read_text().split()
    except OSError:
        return USUAL_RANGE
    return int(first), int(last)


def _ours() -> list[int]:
    first, last = handed_out()
    return [port for port in range(LOWEST, HIGHEST + 1) if not first <= port <= last]


IN_MEMORY = frozenset(("tmpfs", "ramfs", "devtmpfs"))  # what is written there is in no disk's hands


def filesystem_of(directory: Path) -> dict[str, Any] | None:
    """The file system of a directory; None where the system does not tell.

    `filesystem`, `mount` and `source` are as findmnt(8) has them, `in_memory` says that a flush reaches no disk.
    """
    asked = ["findmnt", "--json", "--output", "FSTYPE,TARGET,SOURCE", "--target", str(directory)]
    try:
        told = subprocess.run(asked, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = json.loads(told)["filesystems"][0]
    kind = found["fstype"]
    where = {"filesystem": kind, "mount": found["target"], "source": found["source"]}
    return where | {"in_memory": kind in IN_MEMORY}


def in_memory(result: Mapping[str, Any]) -> bool:
    """Whether the daemon of a result kept its database in memory, as far as it is known."""
    return bool(((result.get("server") or {}).get("storage") or {}).get("in_memory"))
