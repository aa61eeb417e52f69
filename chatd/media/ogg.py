"""Ogg Opus: whole pages from bytes as they come, the length of a note, and notes without comments (RFC 3533, RFC 7845).

A note is one stream of Opus: its head, its comments, and pages of sound, numbered without a gap.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

HEAD_BYTES = 27
FIRST, LAST = 2, 4  # flags of the first and the last page of a stream
NO_GRANULE = 0xFFFF_FFFF_FFFF_FFFF  # of a page on which no packet ends
SAMPLES_PER_MS = 48  # granules count at 48 kHz, whatever was recorded
CHANNELS_MAX = 2
COMMENT_BYTES_MAX = 1 << 20  # of the packet that is thrown away
EMPTY_COMMENTS = b"OpusTags" + bytes(8)

_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


@dataclass(slots=True, frozen=True)
class Page:
    """`granule`: samples until its end. `lacing`: the lengths of its segments."""

    flags: int
    granule: int
    serial: int
    number: int
    lacing: bytes
    body: bytes

    @property
    def size(self) -> int:
        return HEAD_BYTES + len(self.lacing) + len(self.body)

    @property
    def ends_packet(self) -> bool:
        return any(length < 255 for length in self.lacing)

    def encoded(self) -> bytes:
        head = b"OggS\0" + bytes((self.flags,))
        head += self.granule.to_bytes(8, "little") + self.serial.to_bytes(4, "little")
        head += self.number.to_bytes(4, "little")
        rest = bytes((len(self.lacing),)) + self.lacing + self.body
        return head + checksum(head + bytes(4) + rest).to_bytes(4, "little") + rest


class PageReader:
    """Bytes as they come, turned into whole pages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    @property
    def is_between_pages(self) -> bool:
        return not self._rest

    def feed(self, data: bytes) -> Iterator[Page]:
        """Yield each page that is whole. Raises ValueError for what is no page, or was changed."""
        self._rest += data
        while len(self._rest) >= HEAD_BYTES:
            if self._rest[:5] != b"OggS\0":
                raise ValueError("no page of Ogg")
            lacing = self._rest[HEAD_BYTES : HEAD_BYTES + self._rest[26]]
            end = HEAD_BYTES + self._rest[26] + sum(lacing)
            if len(lacing) < self._rest[26] or len(self._rest) < end:
                return
            yield _page(bytes(self._rest[:end]))
            del self._rest[:end]


def _page(data: bytes) -> Page:
    start = HEAD_BYTES + data[26]
    page = Page(
        flags=data[5],
        granule=int.from_bytes(data[6:14], "little"),
        serial=int.from_bytes(data[14:18], "little"),
        number=int.from_bytes(data[18:22], "little"),
        lacing=data[HEAD_BYTES:start],
        body=data[start:],
    )
    if page.encoded() != data:
        raise ValueError("the checksum of a page is wrong")
    return page


class Note:
    """The rules of a note, page by page, and how long it is. `add` raises ValueError."""

    def __init__(self) -> None:
        self.pre_skip = 0
        self._granule = 0
        self._pages = 0
        self._comment_bytes = 0
        self._serial = 0
        # The page of the first sound follows the last one of the comments.
        self._first_sound = 0
        self._has_ended = False

    @property
    def duration_ms(self) -> int:
        return max(0, self._granule - self.pre_skip) // SAMPLES_PER_MS

    def add(self, page: Page) -> Iterator[Page]:
        """Yield the page as others get it: the comments are one empty page, and what follows is counted on."""
        is_other = bool(self._pages) and (page.serial != self._serial or bool(page.flags & FIRST))
        if self._has_ended or page.number != self._pages or is_other:
            raise ValueError("another stream, or a page is missing")
        self._pages += 1
        if page.number == 0:
            self._begin(page)
            yield page
        elif not self._first_sound:
            yield from self._comment(page)
        else:
            self._count(page)
            yield replace(page, number=page.number - self._first_sound + 2)

    def _begin(self, page: Page) -> None:
        head = page.body
        if not page.flags & FIRST or not head.startswith(b"OpusHead") or len(head) < 19 or head[8] > 15:
            raise ValueError("no sound of Opus")
        if not 1 <= head[9] <= CHANNELS_MAX or head[18] != 0:
            raise ValueError("more channels than a note has")
        self.pre_skip, self._serial = int.from_bytes(head[10:12], "little"), page.serial

    def _comment(self, page: Page) -> Iterator[Page]:
        if page.number == 1 and not page.body.startswith(b"OpusTags"):
            raise ValueError("no comments, which every stream of Opus has")
        self._comment_bytes += len(page.body)
        if self._comment_bytes > COMMENT_BYTES_MAX:
            raise ValueError("its comments are too long")
        if page.ends_packet:
            self._first_sound = page.number + 1
            lacing = bytes((len(EMPTY_COMMENTS),))
            yield Page(0, 0, page.serial, 1, lacing, EMPTY_COMMENTS)

    def _count(self, page: Page) -> None:
        if page.granule != NO_GRANULE:
            if page.granule < self._granule:
                raise ValueError("its time runs backwards")
            self._granule = page.granule
        self._has_ended = bool(page.flags & LAST)


def without_comments(chunks: Iterable[bytes], note: Note) -> Iterator[bytes]:
    """Yield the bytes of a note without its comments. Raises ValueError for one that is none, or not whole."""
    reader = PageReader()
    for chunk in chunks:
        for page in reader.feed(chunk):
            for one in note.add(page):
                yield one.encoded()
    if not reader.is_between_pages or not note.duration_ms:
        raise ValueError("it ends within a page, or has no sound")


def checksum(data: bytes) -> int:
    """Return the checksum of a page: that of zlib with all bits the other way round, which begins and ends with 0."""
    crc = zlib.crc32(data.translate(_REVERSED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int.from_bytes(crc.to_bytes(4, "little").translate(_REVERSED), "big")
