"""The contract of a store for decisions on files."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from chatd.core.files import KnownFile, Usage


class FileQuery(NamedTuple):
    """What decisions of a batch look at.

    `keys`: (owner, key), whose files are read as if they were in `files`. `accounts`: those whose usage is read.
    `uploading`: owners whose uploads that began after `begun_since` (Unix ms) are counted. `digests`: those that may be
    blocked. `places`: (room number, seq, file) of messages. `holders`: those whose files are read, as are the files of
    reports that did not change since `reports_before` (Unix ms). `rooms`: numbers of those of which some messages with
    files are read. `spans`: (room number, first seq, last seq), of which all messages with files are read. With
    `is_removal` some messages that hold each file are read, and other files of the same bytes.
    """

    files: Collection[str] = ()
    keys: Collection[tuple[str, str]] = ()
    accounts: Collection[str] = ()
    uploading: Collection[str] = ()
    begun_since: int = 0
    digests: Collection[bytes] = ()
    places: Collection[tuple[int, int, str]] = ()
    holders: Collection[str] = ()
    reports_before: int = 0
    rooms: Collection[int] = ()
    is_removal: bool = False
    spans: Collection[tuple[int, int, int]] = ()


@dataclass(slots=True)
class FilesRead:
    """The answer, as of one commit; unknown files, keys, accounts and digests are left out."""

    files: dict[str, KnownFile] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    usage: dict[str, Usage] = field(default_factory=dict)
    uploading: dict[str, int] = field(default_factory=dict)
    blocked: set[bytes] = field(default_factory=set)
    attached: set[tuple[int, int, str]] = field(default_factory=set)
    holdings: dict[str, tuple[str, ...]] = field(default_factory=dict)


class FileStore(Protocol):
    """The rows of files, for decisions."""

    async def known(self, query: FileQuery) -> FilesRead:
        """Return what decisions on files look at."""
