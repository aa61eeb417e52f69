"""The content of a disk that may lose power: what was synced, and of the rest what the drawn choices leave.

The rules are those of a file system with ordered metadata: a sync makes the content and the name of a file durable;
names change in order, and are durable when their directory was synced; other writes may be there, missing or torn.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

# Bytes that a disk writes whole or not at all.
SECTOR = 512

Choose = Callable[[int], int]


class Kind(StrEnum):
    """The operations on a file, and the mark of a test."""

    CREATE = "create"
    WRITE = "write"
    TRUNCATE = "truncate"
    SYNC = "sync"
    # What waited for it may be lost for good, whatever a later sync says.
    FAILED_SYNC = "failed sync"
    DELETE = "delete"
    RENAME = "rename"
    SYNC_DIRECTORY = "sync directory"
    # A file that was there, durable, before anything here changed it.
    FOUND = "found"
    READ = "read"
    # Nothing happened: a test noted something.
    MARK = "mark"


class Operation(NamedTuple):
    """One operation on `file`, a name in the directory (of a mark, its label).

    `offset` is where a write or read begins and the size to which a truncation cuts; `to` is the new name of a
    rename.
    """

    kind: Kind
    file: str
    offset: int = 0
    content: bytes = b""
    to: str = ""


@dataclass(slots=True, eq=False)
class Content:
    """The bytes of one file that are on the disk, and the writes that may not be."""

    durable: bytearray = field(default_factory=bytearray)
    waiting: list[Operation] = field(default_factory=list)

    def settle(self) -> None:
        for operation in self.waiting:
            put(self.durable, operation)
        self.waiting.clear()

    def survive(self, choose: Choose) -> bytes:
        content = bytearray(self.durable)
        for operation in chosen(self.waiting, choose):
            put(content, operation)
        return bytes(content)


@dataclass(slots=True, eq=False)
class NameChange:
    """A change of names that waits for its directory: `name` is `content` from now on, None for no file."""

    name: str
    content: Content | None
    # The file was synced, and with it its name.
    certain: bool = False


class SimulatedDisk:
    """Files as the system sees them and as the disk has them. `before`: the durable content at the beginning."""

    def __init__(self, before: dict[str, bytes]) -> None:
        self._seen = {name: Content(bytearray(content)) for name, content in before.items()}
        self._durable = dict(self._seen)
        # Each change of names, whole or not at all.
        self._waiting: list[list[NameChange]] = []

    def feed(self, operation: Operation, choose: Choose) -> None:
        """Apply one operation; `choose` is called only for what a failed sync loses."""
        name = operation.file
        match operation.kind:
            case Kind.WRITE | Kind.TRUNCATE:
                self._seen[name].waiting.append(operation)
            case Kind.SYNC:
                self._sync(self._seen[name])
            case Kind.FAILED_SYNC:
                self._seen[name].waiting = chosen(self._seen[name].waiting, choose)
            case Kind.CREATE:
                self._name([NameChange(name, Content())])
            case Kind.FOUND:
                self._seen[name] = self._durable[name] = Content(bytearray(operation.content))
            case Kind.DELETE:
                self._name([NameChange(name, None)])
            case Kind.RENAME:
                self._name([NameChange(operation.to, self._seen[name]), NameChange(name, None)])
            case Kind.SYNC_DIRECTORY:
                self._durable = dict(self._seen)
                self._waiting.clear()

    def survive(self, choose: Choose) -> dict[str, bytes]:
        """Return the files that a power cut leaves now."""
        kept = len(self._waiting) - (choose(len(self._waiting) + 1) if self._waiting else 0)
        names = dict(self._durable)
        for place, change in enumerate(self._waiting):
            for link in change:
                if place < kept or link.certain:
                    rename(names, link)
        return {name: content.survive(choose) for name, content in sorted(names.items())}

    def _sync(self, content: Content) -> None:
        content.settle()
        for change in self._waiting:
            for link in change:
                link.certain |= link.content is content and len(change) == 1

    def _name(self, change: list[NameChange]) -> None:
        self._waiting.append(change)
        for link in change:
            rename(self._seen, link)


def rename(names: dict[str, Content], link: NameChange) -> None:
    if link.content is None:
        names.pop(link.name, None)
    else:
        names[link.name] = link.content


def put(content: bytearray, operation: Operation) -> None:
    """Write or cut the bytes of a file."""
    offset = operation.offset
    if operation.kind == Kind.TRUNCATE:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(operation.content)] = operation.content


def everything(waiting: list[Operation], choose: Choose) -> list[Operation]:
    return list(waiting)


def nothing(waiting: list[Operation], choose: Choose) -> list[Operation]:
    return []


def beginning(waiting: list[Operation], choose: Choose) -> list[Operation]:
    return waiting[: len(waiting) - choose(len(waiting) + 1)]


def some(waiting: list[Operation], choose: Choose) -> list[Operation]:
    return [operation for operation in waiting if not choose(2)]


def torn(waiting: list[Operation], choose: Choose) -> list[Operation]:
    return [part for operation in waiting for part in sectors(operation) if not choose(2)]


SURVIVALS = (everything, nothing, beginning, some, torn)


def chosen(waiting: list[Operation], choose: Choose) -> list[Operation]:
    """Return the waiting writes that reached the disk, whole or in parts."""
    return SURVIVALS[choose(len(SURVIVALS))](waiting, choose) if waiting else []


def sectors(operation: Operation) -> list[Operation]:
    """Return a write as the parts that a disk writes whole."""
    if operation.kind != Kind.WRITE:
        return [operation]
    start, end = operation.offset, operation.offset + len(operation.content)
    edges = [start, *range(start - start % SECTOR + SECTOR, end, SECTOR), end]
    return [
        operation._replace(offset=low, content=operation.content[low - start : high - start])
        for low, high in pairwise(edges)
    ]
