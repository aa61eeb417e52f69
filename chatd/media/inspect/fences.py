"""The fences around a process that opens hostile bytes: it keeps its descriptors and its memory, and gets nothing else.

Landlock takes away every path and every connection, seccomp every system call that is not in a list, so there are no
files, sockets, processes, signals to others, and no new code in memory. Both hold for good, and for threads that are
started later. Whatever is loaded late has to be loaded before. Linux alone has them, on two processors.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
from contextlib import suppress

from chatd.media.inspect.system_calls import (
    ALLOWED,
    ARCHITECTURES,
    CLONE,
    CLONE3,
    MMAP,
    MPROTECT,
    PRCTL,
    PRLIMIT,
    TGKILL,
)
from chatd.media.inspection import Fence

# prctl(2).
PR_SET_PDEATHSIG, PR_SET_NAME, PR_GET_SECCOMP, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 15, 21, 22, 38
SECCOMP_MODE_FILTER = 2
# landlock(7); the numbers are those of every processor.
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446
LANDLOCK_CREATE_RULESET_VERSION = 1
# What each version of it can take away: accesses to files, to the network, beyond its own processes.
RIGHTS = {1: (13, 0, 0), 2: (14, 0, 0), 3: (15, 0, 0), 4: (15, 2, 0), 5: (16, 2, 0), 6: (16, 2, 2)}

# Classic BPF: load a word of the call, compare it, test its bits, return.
LOAD, EQUALS, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # where they stand in the call; an argument has 8 bytes
# It is done; it fails with EPERM, as where it is forbidden; with ENOSYS, as where it does not exist.
ALLOW, FAIL, ABSENT = 0x7FFF0000, 0x00050001, 0x00050026
X32 = 0x40000000  # of a number: another interface of the same processor
PROT_EXEC, CLONE_THREAD = 0x4, 0x10000

Instruction = tuple[int, int, int, int]


def missing_fences() -> tuple[Fence, ...]:
    """Return which fences this system does not have; nothing is fenced in."""
    missing: list[Fence] = []
    if _landlock_version() < 1:
        missing.append("landlock")
    if platform.machine() not in ARCHITECTURES or _call("prctl", PR_GET_SECCOMP, 0, 0, 0, 0) < 0:
        missing.append("seccomp")
    return tuple(missing)


def limit_resources(memory_bytes: int, file_bytes: int) -> None:
    """Bound the memory of this process and what it may write; a crash leaves no copy of somebody's picture."""
    for kind, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        # Other systems than Linux do not have all of them.
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))


def limit_processor(seconds: int) -> None:
    """End this process when it has used so much more of a processor."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def raise_fences() -> tuple[Fence, ...]:
    """Fence this process in, which has one thread, for good; return what could not be raised."""
    missing: list[Fence] = []
    # It would wait for ever when nobody is left who ends it.
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return ("landlock", "seccomp")
    if not _raise_landlock():
        missing.append("landlock")
    if not _raise_seccomp():
        missing.append("seccomp")
    return tuple(missing)


def _landlock_version() -> int:
    return _call("syscall", LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION)


def _raise_landlock() -> bool:
    version = _landlock_version()
    if version < 1:
        return False
    rights = RIGHTS[min(version, max(RIGHTS))]
    # An older kernel knows the first of these three words alone.
    words = 1 if version < 4 else 2 if version < 6 else 3
    attributes = struct.pack(f"={words}Q", *((1 << count) - 1 for count in rights[:words]))
    rules = _call("syscall", LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return False
    try:
        return _call("syscall", LANDLOCK_RESTRICT_SELF, rules, 0) == 0
    finally:
        os.close(rules)


def _raise_seccomp() -> bool:
    if platform.machine() not in ARCHITECTURES:
        return False
    instructions = _program(*ARCHITECTURES[platform.machine()])
    code = b"".join(struct.pack("=HBBI", *one) for one in instructions)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(instructions), ctypes.addressof(buffer))
    # Not by seccomp(2), which the filters of service managers do not let through.
    return _call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) == 0


def _program(column: int, architecture: int) -> list[Instruction]:
    """Return the filter: some calls with a condition, many without, and all others fail."""
    program = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUALS, 1, 0, architecture),
        (RETURN, 0, 0, FAIL),
        (LOAD, 0, 0, NUMBER),
        (ANY_BIT, 0, 1, X32),
        (RETURN, 0, 0, FAIL),
        # The C library then asks for threads by clone, whose flags can be seen.
        (EQUALS, 0, 1, CLONE3[column]),
        (RETURN, 0, 0, ABSENT),
        *_when(CLONE[column], 0, (ANY_BIT, CLONE_THREAD, ALLOW), FAIL),
        *_when(MMAP[column], 2, (ANY_BIT, PROT_EXEC, FAIL), ALLOW),
        *_when(MPROTECT[column], 2, (ANY_BIT, PROT_EXEC, FAIL), ALLOW),
        *_when(TGKILL[column], 0, (EQUALS, os.getpid(), ALLOW), FAIL),
        *_when(PRLIMIT[column], 0, (EQUALS, 0, ALLOW), FAIL),
        *_when(PRCTL[column], 0, (EQUALS, PR_SET_NAME, ALLOW), FAIL),
    ]
    allowed = [numbers[column] for numbers in ALLOWED.values() if numbers[column] >= 0]
    program += [(EQUALS, len(allowed) - place, 0, one) for place, one in enumerate(allowed)]
    return [*program, (RETURN, 0, 0, FAIL), (RETURN, 0, 0, ALLOW)]


def _when(number: int, argument: int, test: tuple[int, int, int], otherwise: int) -> list[Instruction]:
    """Return what decides on one call by a test of one argument: a comparison, its value, and the answer."""
    comparison, value, answer = test
    return [
        (EQUALS, 0, 4, number),
        (LOAD, 0, 0, FIRST_ARGUMENT + 8 * argument),
        (comparison, 0, 1, value),
        (RETURN, 0, 0, answer),
        (RETURN, 0, 0, otherwise),
    ]


def _call(function: str, *arguments: int | bytes | None) -> int:
    """Return what a function of the C library does, -1 where there is none."""
    try:
        return int(getattr(ctypes.CDLL(None), function)(*map(_passed, arguments)))
    except (AttributeError, OSError):
        return -1


def _passed(argument: int | bytes | None) -> object:
    return ctypes.c_long(argument) if isinstance(argument, int) else argument
