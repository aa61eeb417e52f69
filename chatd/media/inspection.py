"""The contract between `chatd-media`, which owns bytes, and `chatd-inspect`, which opens them (docs/media.md).

The inspector is given open descriptors, and writes what others are to get. It has opened hostile bytes, so what it says
is checked like what a client says: `is_sound`.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from msgspec import UNSET, Struct

from chatd.protocol.media import FileKind, Purpose, Size, Variant
from chatd.protocol.messages import Attachment

Code = Literal["unreadable", "too_large", "not_supported"]
"""Why a file is refused: broken; too many pixels, milliseconds or bytes; of a type that its kind does not have."""

Library = Literal["pictures", "heic", "sounds"]
"""What can be opened here: pictures; those of iPhones, too; video and all sound."""

Fence = Literal["landlock", "seccomp"]

MIMES: dict[FileKind, frozenset[str]] = {
    "picture": frozenset(("image/jpeg", "image/png", "image/webp")),
    "sticker": frozenset(("image/jpeg", "image/png", "image/webp")),
    "video": frozenset(("video/mp4", "video/quicktime", "video/webm")),
    "voice": frozenset(("audio/ogg", "audio/mp4")),
}
"""The types of the full renditions. The smaller ones are pictures."""

SIDE_MAX = 32_768  # pixels of a side of a video; pictures are 2,048 at most


class Bounds(Struct, frozen=True):
    """The first thing that an inspector is told: of its memory, and of what it may write."""

    memory_bytes: int
    file_bytes: int


class Job(Struct, frozen=True, tag=True):
    """Inspect a file of this kind: never `file`, which is kept as it is. `seconds`: of the processor."""

    kind: FileKind
    purpose: Purpose
    pixels_max: int
    voice_ms: int
    seconds: int


class Written(Struct, frozen=True):
    """A rendition that was written to its descriptor."""

    variant: Variant
    mime: str


class Found(Struct, frozen=True, tag=True):
    """The file is good. `facts`: of the full rendition; its url is the scheme alone."""

    facts: Attachment
    written: tuple[Written, ...]


class Refusal(Struct, frozen=True, tag=True):
    """The file is not wanted. `reason`: for the log."""

    code: Code
    reason: str = ""


class Fenced(Struct, frozen=True, tag=True):
    """What an inspector says first. `missing`: fences that the kernel does not have."""

    missing: tuple[Fence, ...]
    libraries: tuple[Library, ...]


FromInspector = Fenced | Found | Refusal


@dataclass(slots=True, frozen=True)
class Descriptors:
    """Of the upload, to be read, and of three empty files, to be written."""

    source: int
    full: int
    m: int
    s: int


def is_sound(job: Job, found: Found) -> bool:
    """Return whether an inspector may have found this, whatever became of it."""
    facts, written = found.facts, {one.variant: one.mime for one in found.written}
    sides = [side for side in (facts.width, facts.height) if side is not UNSET]
    smaller = [size for size in get_args(Size) if size in written]
    return (
        len(written) == len(found.written)
        and written.get("full") == facts.mime
        and facts.mime in MIMES[job.kind]
        and all(written[size] in MIMES["picture"] for size in smaller)
        and (smaller or UNSET) == facts.sizes
        and facts.kind == job.kind
        and all(0 < side <= SIDE_MAX for side in sides)
    )
