"""Unallocated space: bytes that no row uses, in pages that are in use.

With `secure_delete` SQLite overwrites deleted rows and freed pages. But when it spreads the rows of a full page over
its neighbours, it leaves copies of those that moved: between the list of rows and the first row of a page, where
nothing reads, until something is written there. A row that is emptied later leaves such a copy of its text behind.

So an erasure ends with a walk over all pages that overwrites this space with zeros, in the file itself. That is safe
while the write-ahead log is empty and the one writing connection does nothing else: then the file is the database, and
no reader looks at these bytes. Whatever part of it a crash leaves undone, the database is whole. Afterwards the
connection forgets its pages, because it would write its copies of them back.

The layout of pages: sqlite.org/fileformat2.html, 1.3 to 1.8.
"""

import os
import sqlite3
from collections.abc import Iterator
from struct import iter_unpack, unpack_from

# Each kind of page with rows, and the bytes of its header.
HEADER_BYTES = {0x02: 12, 0x05: 12, 0x0A: 8, 0x0D: 8}
FILE_HEADER_BYTES = 100
# In databases that can shrink, one page in so many says what the others are, in entries of 5 bytes: 1 and 5 have rows.
MAP_ENTRY_BYTES = 5
WITH_ROWS = (1, 5)
# The page of the lock bytes is never used.
LOCK_BYTE = 0x40000000
# A page without rows begins with the number of another page. From this one on it could look like one with rows.
AMBIGUOUS = 0x02000000


def overwrite(connection: sqlite3.Connection, file: int, first: int, count: int) -> int:
    """Overwrite unallocated space in `count` pages from number `first` on; return the number to go on with, 0 behind
    the last page, or `first` itself while a read needs the write-ahead log.

    `connection`: the one that writes. `file`: a descriptor of its database, open for reading and writing.
    """
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        return first
    header = os.pread(file, FILE_HEADER_BYTES, 0)
    size, last = page_bytes(header), os.fstat(file).st_size // page_bytes(header)
    has_map = unpack_from(">I", header, 52)[0] > 0
    if not has_map and last >= AMBIGUOUS:
        return 0
    beyond = min(first + count, last + 1)
    content = os.pread(file, (beyond - first) * size, (first - 1) * size)
    for number in range(first, beyond):
        page = content[(number - first) * size : (number - first + 1) * size]
        if has_map and not has_rows(file, number, size - header[20], size):
            continue
        low, high = unallocated(page, FILE_HEADER_BYTES if number == 1 else 0)
        if page.count(0, low, high) < high - low:
            os.pwrite(file, bytes(high - low), (number - 1) * size + low)
    os.fsync(file)
    connection.execute("PRAGMA shrink_memory").fetchall()
    return 0 if beyond > last else beyond


def page_bytes(header: bytes) -> int:
    (size,) = unpack_from(">H", header, 16)
    return 65536 if size == 1 else int(size)


def has_rows(file: int, number: int, usable: int, size: int) -> bool:
    """Whether the map of pages says that this one has rows; the first one, and no page of the map, is in it."""
    if number == 1:
        return True
    pages = usable // MAP_ENTRY_BYTES + 1
    place = (number - 2) // pages * pages + 2
    if place == LOCK_BYTE // size + 1:
        place += 1
    if number <= place or number == LOCK_BYTE // size + 1:
        return False
    entry = os.pread(file, 1, (place - 1) * size + (number - place - 1) * MAP_ENTRY_BYTES)
    return entry[0] in WITH_ROWS


def unallocated(page: bytes, at: int = 0) -> tuple[int, int]:
    """Return the bounds of the unallocated space of a page; none, (0, 0), where it is not certain.

    `at`: where the header of the page begins.
    """
    length = HEADER_BYTES.get(page[at])
    if length is None:
        return 0, 0
    free, rows, high = unpack_from(">HHH", page, at + 1)
    low, high = at + length + 2 * rows, high or 65536
    if not low <= high <= len(page):
        return 0, 0
    places = [place for (place,) in iter_unpack(">H", page[at + length : low])]
    if any(place < high for place in [*places, *free_blocks(page, free)]):
        return 0, 0
    return low, high


def free_blocks(page: bytes, place: int) -> Iterator[int]:
    """Yield where the free blocks of a page begin, which lie in rising order."""
    while place:
        yield place
        following = unpack_from(">H", page, place)[0] if place + 4 <= len(page) else 0
        place = following if following > place else 0
