"""Standard input, output and error as every command needs them, whatever whoever started it left of them."""

import errno
import io
import os
import sys

MODES = {"stdin": "r", "stdout": "w", "stderr": "w"}  # in the order of their descriptors
UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def complete_streams() -> None:
    """Put /dev/null where a stream is closed, and let a letter its encoding lacks be written as an escape.

    A descriptor below 3 that is free goes to the next file or socket: what is meant for a log would be written there,
    and libuv ends the process when it closes such a socket.
    """
    for descriptor, (name, mode) in enumerate(MODES.items()):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115 it stays open
        stream = getattr(sys, name)
        if mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def is_unwritable(error: OSError) -> bool:
    """Whether `error` is what a full disk or a lost terminal says to whoever prints: it names no file."""
    return error.filename is None and error.errno in UNWRITABLE


def give_up_output() -> None:
    """Let what is still buffered for standard output go nowhere, so that the end of the process does not fail on it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stdout.fileno())
