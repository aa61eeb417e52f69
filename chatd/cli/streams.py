"""Standard input, output and error, made usable when some of them are closed or lack letters."""

import errno
import io
import os
import sys

MODES = {"stdin": "r", "stdout": "w", "stderr": "w"}  # in the order of their descriptors
UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def complete_streams() -> None:
    """Open /dev/null for a closed stream, and write letters that an encoding lacks as escapes.

    A free descriptor below 3 would go to the next file or socket: the log would be written there, and libuv ends the
    process when it closes such a socket.
    """
    for descriptor, (name, mode) in enumerate(MODES.items()):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115 it stays open
        stream = getattr(sys, name)
        if mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def is_unwritable(error: OSError) -> bool:
    """Whether `error` comes from printing on a full disk or a lost terminal: such an error names no file."""
    return error.filename is None and error.errno in UNWRITABLE


def give_up_output() -> None:
    """Discard buffered standard output, so that the end of the process does not fail on it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stdout.fileno())
