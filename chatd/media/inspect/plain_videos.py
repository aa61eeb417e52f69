"""Videos where there is no library for them: as they were sent, without the place where they were taken.

Cameras write it into boxes beside the index, which nothing that plays needs. These are named `free` in place, so all
other bytes stay where they were.
"""

from collections.abc import Iterator

from chatd.media.inspect.descriptor_file import DescriptorFile
from chatd.media.inspect.renditions import Renditions
from chatd.media.inspect.sniff import Type
from chatd.media.inspection import Found, Refusal
from chatd.protocol.media import SCHEME
from chatd.protocol.messages import Attachment

MIMES: dict[Type, str] = {"mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm"}
CHUNK_BYTES = 1 << 20
BOXES_MAX = 10_000  # of one level: a video in fragments has one for each second or two
FREE, PARENTS = b"free", (b"moov", b"trak", b"moof", b"traf")
TELLING = (b"udta", b"meta", b"uuid")


def video(kind: Type, source: int, renditions: Renditions) -> Found | Refusal:
    """Return the type alone, and write it without what tells its place. Raises ValueError for a broken one."""
    mime, file = MIMES[kind], DescriptorFile(source)
    full = DescriptorFile(renditions.descriptor("full", mime))
    while data := file.read(CHUNK_BYTES):
        full.write(data)
    if kind != "webm":
        for place in list(_telling(file, 0, file.size)):
            full.seek(place)
            full.write(FREE)
    return Found(Attachment(url=SCHEME, mime=mime, kind="video"), tuple(renditions.written))


def _telling(file: DescriptorFile, start: int, end: int) -> Iterator[int]:
    """Yield where the names of boxes that tell something stand."""
    for _ in range(BOXES_MAX):
        if end - start < 8:
            return
        file.seek(start)
        head = file.read(16)
        length, name, inside = int.from_bytes(head[:4], "big"), head[4:8], start + 8
        if length == 1:
            length, inside = int.from_bytes(head[8:], "big"), start + 16
        stop = end if length == 0 else start + length
        if stop < inside or stop > end:
            raise ValueError("a box is longer than what it is in")
        if name in TELLING:
            yield start + 4
        elif name in PARENTS:
            yield from _telling(file, inside, stop)
        start = stop
    raise ValueError("more boxes than a video has")
