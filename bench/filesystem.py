"""The ground a directory lies on: the file system and its mount, as Linux tells them. Elsewhere nothing is known."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

MOUNTS = Path("/proc/self/mountinfo")
IN_MEMORY = frozenset(("tmpfs", "ramfs", "devtmpfs"))  # what is written there is in no disk's hands

_MOUNT_POINT, _TYPE, _SOURCE = 4, 0, 1  # fields of proc(5): before the lone dash, and behind it


def of(directory: Path) -> dict[str, Any] | None:
    """The file system of a directory, which need not exist any more; None where the system does not tell.

    `filesystem`, `mount` and `source` are as in proc(5), `in_memory` says that a flush reaches no disk.
    """
    try:
        mounts = MOUNTS.read_text().splitlines()
    except OSError:
        return None
    place = directory.resolve()
    found = None
    for line in mounts:
        before, _, behind = line.partition(" - ")
        mount = Path(_plain(before.split(" ")[_MOUNT_POINT]))
        # Of two mounts on one place the later one hides the earlier one.
        if place.is_relative_to(mount) and (found is None or mount.is_relative_to(found["mount"])):
            fields = behind.split(" ")
            found = {"filesystem": fields[_TYPE], "mount": str(mount), "source": _plain(fields[_SOURCE])}
    return None if found is None else {**found, "in_memory": found["filesystem"] in IN_MEMORY}


def in_memory(result: Mapping[str, Any]) -> bool:
    """Whether the daemon of a result kept its database in memory, as far as it is known."""
    return bool(((result.get("server") or {}).get("storage") or {}).get("in_memory"))


def _plain(field: str) -> str:
    r"""A field of proc(5) as it was before blanks, tabs, line ends and backslashes became octal.

    >>> _plain(r"/my\040disk")
    '/my disk'
    """
    for octal, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(octal, character)
    return field
