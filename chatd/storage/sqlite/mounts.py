"""Where a directory lies: SQLite's log needs memory shared between processes, which network file systems lack."""

from pathlib import Path

MOUNTS = Path("/proc/self/mounts")  # Linux; elsewhere nothing is known and nothing refused
NETWORKED = frozenset(("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "fuse.glusterfs", "afs", "ceph"))

ESCAPES = (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\"))


def network_filesystem(path: Path, mounts: Path = MOUNTS) -> str | None:
    """The type of the file system that holds `path`, when it is a networked one; None otherwise."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    holding = [mount for mount in map(parse, lines) if path.is_relative_to(mount[0])]
    _, kind = max(holding, key=lambda mount: len(mount[0].parts), default=(path, ""))
    return kind if kind in NETWORKED else None


def parse(line: str) -> tuple[Path, str]:
    """Mount point and type of one line of fstab(5) form, where a blank is written \\040."""
    _, place, kind, *_ = line.split(" ")
    for code, character in ESCAPES:
        place = place.replace(code, character)
    return Path(place), kind
