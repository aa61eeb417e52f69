"""The owners and permissions that keep messages and secrets from other users of a machine."""

import os
import pwd
import stat
from pathlib import Path
from typing import NamedTuple, TextIO

PRIVATE = 0o600
TOUCH = 0o077  # any access of group and world: forbidden for a file with messages or secrets
CHANGE = 0o022  # forbidden for a directory: other users who may add files could replace the database
LOOK = 0o067  # forbidden for a directory; a group may only pass through it to the admin socket


class Fault(NamedTuple):
    """A problem with a file and its remedy, as texts for the operator."""

    what: str
    fix: str


def fault(path: Path, forbidden: int, status: os.stat_result | None = None) -> Fault | None:
    """Return the reason not to trust the file or directory at `path` with messages and secrets; None without one.

    Its owner must be the user of the process; a file may also belong to root or to the owner of its directory, who
    could replace it. `forbidden`: permissions that others must not have. `status`: of the open file, else of `path`.
    Raises OSError.
    """
    status = status or path.stat()
    own = os.geteuid()
    owners = {own} if stat.S_ISDIR(status.st_mode) else {own, 0, path.absolute().parent.stat().st_uid}
    if status.st_uid not in owners:
        owner = name_of(status.st_uid)
        return Fault(
            f"it belongs to {owner}, and chatd runs as {name_of(own)}",
            f"Run chatd as {owner} (sudo -u {owner} ...), or: chown -R {name_of(own)} {path}",
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & forbidden:
        may = "change" if forbidden == CHANGE else "open"
        return Fault(f"other users may {may} it (mode {mode:04o})", f"Run: chmod {mode & 0o700:03o} {path}")
    return None


def name_of(uid: int) -> str:
    """Return the name of a user of this machine, or the number of one without a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def new_private_file(path: Path) -> TextIO:
    """Create a file that only its owner may ever open; FileExistsError when the path exists."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE), "w")
