"""The file system of a directory; a networked one is refused."""

from pathlib import Path

import pytest

from chatd.storage.sqlite import directory as directories
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.mounts import network_filesystem
from tests.kit.adapters import sqlite

MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw,vers=4.2 0 0
/dev/vdb /home/local xfs rw 0 0
//nas/x /mnt/my\\040share cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/chatd", None),
        ("/home/ann/chatd", "nfs4"),
        ("/homes/ann", None),
        ("/home/local/chatd", None),
        ("/mnt/my share/chatd", "cifs"),
    ],
)
def test_the_nearest_mount_decides(tmp_path: Path, path: str, kind: str | None) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert network_filesystem(Path(path), mounts) == kind


def test_where_there_is_no_table_of_mounts_nothing_is_refused(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path, tmp_path / "none") is None


async def test_a_directory_on_the_network_is_refused(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directories, "network_filesystem", lambda path: "nfs4")
    with pytest.raises(StoreError, match="nfs4") as caught:
        await sqlite(directory)
    assert caught.value.kind == "unsupported"
