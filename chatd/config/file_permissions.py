"""Whose a file is and what others may do with it: what keeps messages and secrets from other users of a machine."""

import os
import pwd
import stat
from pathlib import Path
from typing import NamedTuple, TextIO

PRIVATE = 0o600
TOUCH = 0o077  # by group and world: a file that holds messages or secrets
CHANGE = 0o022  # a directory: who may put files into it may exchange the database
LOOK = 0o067  # into a directory; a group that may only pass gets as far as the admin socket, which lets it in


class Fault(NamedTuple):
    """What is wrong with a file and how to mend it, in words for the operator."""

    what: str
    fix: str


def fault(path: Path, forbidden: int, status: os.stat_result | None = None) -> Fault | None:
    """Why the file or directory at `path` cannot be trusted with messages and secrets; None when it can.

    It belongs to whoever runs chatd; a file may also be root's, or of the owner of its directory, who could exchange
    it anyway. `forbidden`: permissions that others must not have. `status`: of the open file, else of `path`. OSError.
    """
    status = status or path.stat()
    us = os.geteuid()
    owners = {us} if stat.S_ISDIR(status.st_mode) else {us, 0, path.absolute().parent.stat().st_uid}
    if status.st_uid not in owners:
        owner = name_of(status.st_uid)
        return Fault(
            f"it belongs to {owner}, and chatd runs as {name_of(us)}",
            f"Run chatd as {owner} (sudo -u {owner} ...), or: chown -R {name_of(us)} {path}",
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & forbidden:
        may = "change" if forbidden == CHANGE else "open"
        return Fault(f"other users may {may} it (mode {mode:04o})", f"Run: chmod {mode & 0o700:03o} {path}")
    return None


def name_of(uid: int) -> str:
    """The name of a user of this machine, or the number of one without."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def new_private_file(path: Path) -> TextIO:
    """Make a file that only its owner may open, from its first moment on; FileExistsError when anything is there."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE), "w")
