"""The file system of a directory: SQLite's log needs memory shared between processes, which networked ones lack."""

from pathlib import Path

# On Linux; elsewhere nothing is known and nothing refused.
MOUNTS = Path("/proc/self/mounts")
NETWORKED = frozenset(("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "fuse.glusterfs", "afs", "ceph"))

ESCAPES = (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\"))


def network_filesystem(path: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the type of the file system of `path` when it is a networked one, None otherwise."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    holding = [mount for mount in map(parse, lines) if path.is_relative_to(mount[0])]
    _, kind = max(holding, key=lambda mount: len(mount[0].parts), default=(path, ""))
    return kind if kind in NETWORKED else None


def parse(line: str) -> tuple[Path, str]:
    """Return mount point and type of a line in the form of fstab(5), where a blank is written as \\040."""
    _, mount_point, kind, *_ = line.split(" ")
    for code, character in ESCAPES:
        mount_point = mount_point.replace(code, character)
    return Path(mount_point), kind
