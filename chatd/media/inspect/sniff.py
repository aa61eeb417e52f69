"""The type of a file by its first bytes, and the size that a picture declares: read before any decoder is."""

from collections.abc import Iterator
from typing import Literal

Type = Literal["jpeg", "png", "gif", "webp", "heic", "avif", "mp4", "mov", "webm", "ogg", ""]
HEAD_BYTES = 4096  # enough to tell the type

HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
AVIF = {b"avif", b"avis"}
# How a box of an ISO file is found in another, and how deep it is looked for.
SIZES = (b"meta", b"iprp", b"ipco", b"ispe")
# Segments of a JPEG without a length, and those that begin a picture: all of C0 to CF but tables and extensions.
BARE = {0x01, *range(0xD0, 0xD9)}
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
BOXES_MAX = 10_000  # of one level: a picture of tiles has some hundred


def sniffed(head: bytes) -> Type:
    """Return the type, "" for one that is not opened here."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith(b"OggS"):
        return "ogg"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm"
    return _iso_type(head)


def _iso_type(head: bytes) -> Type:
    """Return the type of an ISO file by its brands, or of an old QuickTime file, which has none."""
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"
    if head[4:8] != b"ftyp":
        return ""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    major, brands = head[8:12], {head[start : start + 4] for start in (8, *range(16, end, 4))}
    if major in AVIF or (major in (b"mif1", b"msf1") and brands & AVIF):
        return "avif"
    if major in HEIC or (major in (b"mif1", b"msf1") and brands & HEIC):
        return "heic"
    return "mov" if major == b"qt  " else "mp4"


def declared_size(kind: Type, data: bytes) -> tuple[int, int]:
    """Return width and height of a picture, (0, 0) when it does not say them where it must."""
    reader = {
        "jpeg": _jpeg,
        "png": _png,
        "gif": _gif,
        "webp": _webp,
        "heic": _heif,
        "avif": _heif,
    }.get(kind)
    return reader(data) if reader is not None else (0, 0)


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 9 <= len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in FRAMES:
            return _big(data, at + 7, 2), _big(data, at + 5, 2)
        # Bytes that fill, and segments without content.
        at += 1 if marker in (0x00, 0xFF) else 2 if marker in BARE else 2 + length
    return 0, 0


def _png(data: bytes) -> tuple[int, int]:
    return (_big(data, 16, 4), _big(data, 20, 4)) if data[12:16] == b"IHDR" else (0, 0)


def _gif(data: bytes) -> tuple[int, int]:
    return _little(data, 6, 2), _little(data, 8, 2)


def _webp(data: bytes) -> tuple[int, int]:
    match data[12:16]:
        case b"VP8X":
            return _little(data, 24, 3) + 1, _little(data, 27, 3) + 1
        case b"VP8L":
            packed = _little(data, 21, 4)
            return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF
    return 0, 0


def _heif(data: bytes) -> tuple[int, int]:
    """Return the largest of the sizes that are declared, of tiles and thumbnails too."""
    sizes = [
        (_big(data, start + 4, 4), _big(data, start + 8, 4)) for start, _ in boxes(data, SIZES, 0, len(data))
    ]
    return max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))


def boxes(data: bytes, path: tuple[bytes, ...], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where the content of each box that lies on `path` begins and ends."""
    name, *rest = path
    for _ in range(BOXES_MAX):
        if end - start < 8:
            return
        length, head = _big(data, start, 4), 8
        if length == 1:
            length, head = _big(data, start + 8, 8), 16
        stop = end if length == 0 else start + length
        if (length and length < head) or stop > end:
            return
        if data[start + 4 : start + 8] == name:
            # The `meta` box alone begins with a version.
            inside = start + head + 4 * (name == b"meta")
            if rest:
                yield from boxes(data, tuple(rest), inside, stop)
            else:
                yield inside, stop
        start = stop


def _big(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "big")


def _little(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "little")
