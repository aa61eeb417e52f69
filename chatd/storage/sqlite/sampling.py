"""A check of some pages of a database that is too large to be read whole at each start. It changes nothing.

Every search in a tree begins at its root, so all roots are checked first, then the levels below, of each as many pages
as the bound allows, evenly spread. It finds a file that was partly overwritten or lost, but not a single bad page
among a million (sqlite.org/fileformat2.html, 1.6 "B-tree Pages").
"""

import sqlite3
import struct
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from sys import byteorder
from typing import BinaryIO, NamedTuple, TypeVar

# 8 MiB: 0.1 s of one core, and of most disks.
PAGES_MAX = 2048

FILE_HEADER_BYTES = 100
INTERIOR = {2, 5}
# The kinds of pages of tables, and of indexes: a tree has pages of one family only.
FAMILIES = ({5, 13}, {2, 10})
CELL_BYTES_MIN = 4

ROOTS = "SELECT rootpage FROM sqlite_schema WHERE rootpage > 1 ORDER BY rootpage"

T = TypeVar("T")


class Shape(NamedTuple):
    """The layout of a file: bytes of a page, usable bytes of a page, number of pages."""

    page: int
    usable: int
    pages: int


class PageFinding(NamedTuple):
    """The result for one page: a finding, or None and the pages below it."""

    number: int
    finding: str | None
    below: Sequence[int]
    family: set[int]


def first_finding(connection: sqlite3.Connection, path: Path) -> str | None:
    """Return the finding of the first bad page among up to PAGES_MAX; None when all are good.

    `connection` is to `path`, whose log is empty: the file alone is the database.
    """
    roots = [1, *(root for (root,) in connection.execute(ROOTS))]
    with path.open("rb") as file:
        return next((page.finding for page in inspect_trees(file, roots, PAGES_MAX) if page.finding), None)


def inspect_trees(file: BinaryIO, roots: Sequence[int], pages_max: int) -> Iterator[PageFinding]:
    """Check up to `pages_max` pages of the trees under `roots`, by level; each level gets half of what is left."""
    shape = shape_of(file)
    level: list[tuple[int, set[int]]] = [(root, set()) for root in roots]
    while level and pages_max:
        chosen = spread(level, max(len(roots), pages_max // 2))
        pages_max = max(0, pages_max - len(chosen))
        level = []
        for number, family in chosen:
            page = inspect_page(file, number, family, shape)
            yield page
            level += [(below, page.family) for below in spread(page.below, 1 + pages_max // len(chosen))]


def spread(items: Sequence[T], count: int) -> Sequence[T]:
    """Return at most `count` of the items, evenly spread, with the first and the last."""
    if len(items) <= count:
        return items
    return [items[index * (len(items) - 1) // max(1, count - 1)] for index in range(count)]


def shape_of(file: BinaryIO) -> Shape:
    header = file.read(FILE_HEADER_BYTES)
    (page,) = struct.unpack_from(">H", header, 16)
    page = 65536 if page == 1 else page
    return Shape(page, page - header[20], file.seek(0, 2) // page)


def inspect_page(file: BinaryIO, number: int, family: set[int], shape: Shape) -> PageFinding:
    """Read one page of a tree whose pages are of `family`, any when it is empty, and check its layout."""
    file.seek((number - 1) * shape.page)
    content = file.read(shape.page)
    if len(content) < shape.page:
        return PageFinding(number, f"page {number} lies behind the end of the file", (), family)
    begin = FILE_HEADER_BYTES if number == 1 else 0
    kind, _, cells, start = struct.unpack_from(">BHHH", content, begin)
    start = start or 65536
    family = family or next((kinds for kinds in FAMILIES if kind in kinds), set())
    if kind not in family:
        return PageFinding(number, f"page {number} is no page of its tree", (), family)
    first = begin + (12 if kind in INTERIOR else 8)
    pointers = array("H", content[first : first + 2 * cells])
    if byteorder == "little":
        pointers.byteswap()
    if not first + 2 * cells <= start <= shape.usable or not all(
        start <= pointer <= shape.usable - CELL_BYTES_MIN for pointer in pointers
    ):
        return PageFinding(number, f"page {number} is not laid out as it says", (), family)
    below: list[int] = []
    if kind in INTERIOR:
        below = [struct.unpack_from(">I", content, offset)[0] for offset in (*pointers, begin + 8)]
        if not all(1 < page <= shape.pages for page in below):
            return PageFinding(number, f"page {number} names pages that are not there", (), family)
    return PageFinding(number, None, below, family)
