"""The last good key set of a URL, in a file of the data directory, for a start while the URL is down.

Not in the database: a restored backup must not bring back keys that were withdrawn since.
"""

import logging
import os
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path

from chatd.auth.keys import BadKey, VerifyKey, key_set, read_public
from chatd.egress.threads import in_thread

logger = logging.getLogger(__name__)


class KeySetFile:
    """The file of one URL, named by a hash of the URL, which may hold a secret."""

    def __init__(self, directory: str, url: str) -> None:
        self._path = Path(directory, f"keys-{blake2b(url.encode(), digest_size=8).hexdigest()}.json")
        self._content = b""

    def is_of(self, other: "KeySetFile | None") -> bool:
        """Whether both belong to the same URL."""
        return other is not None and self._path == other._path

    def load(self) -> dict[str, VerifyKey]:
        """Return the kept keys by kid; none when there is no file, or one that cannot be trusted."""
        if not os.path.lexists(self._path):
            return {}
        try:
            content = read_public(str(self._path), own=True)
            found = key_set(content, str(self._path))
        except BadKey as error:
            logger.warning("the keys of the last run are not used: %s", error)
            return {}
        self._content = content
        return found

    async def keep(self, content: bytes) -> None:
        """Replace the kept set, durably and as a whole. A failed write is only logged."""
        if content == self._content:
            return
        try:
            await in_thread(partial(_put, self._path, content), "kept keys")
            self._content = content
        except OSError as error:
            logger.warning("the key set is not kept for the next start: %s", error)


def _put(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    with suppress(FileNotFoundError):  # of a run that was killed
        os.unlink(fresh)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        done = 0
        while done < len(content):
            done += os.pwrite(descriptor, content[done:], done)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(fresh, path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
