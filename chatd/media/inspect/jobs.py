"""One job: the type of the file chooses what opens it."""

import os

from chatd.media.inspect import plain_videos, sounds
from chatd.media.inspect.renditions import Renditions
from chatd.media.inspect.sniff import HEAD_BYTES, sniffed
from chatd.media.inspection import Descriptors, Found, Job, Library, Refusal
from chatd.protocol.limits import PICTURE_BYTES_MAX

try:
    from chatd.media.inspect import pictures
except ImportError:
    pictures = None  # type: ignore[assignment]
try:
    from chatd.media.inspect import videos
except ImportError:
    videos = None  # type: ignore[assignment]

VOICE, VIDEO = ("ogg", "mp4", "mov", "webm"), ("mp4", "mov", "webm")


def prepare() -> None:
    """Load what is loaded late, since nothing can be loaded behind the fences."""
    if pictures is not None:
        pictures.prepare()
    sounds.prepare()


def libraries() -> tuple[Library, ...]:
    """Return what can be opened here."""
    found: list[Library] = []
    if pictures is not None:
        found += ["pictures", "heic"] if pictures.is_openable("heic") else ["pictures"]
    return tuple(found) if videos is None else (*found, "sounds")


def inspected(job: Job, descriptors: Descriptors) -> Found | Refusal:
    """Return what a file is, and write its renditions."""
    kind, renditions = sniffed(os.pread(descriptors.source, HEAD_BYTES, 0)), Renditions(descriptors)
    if job.kind in ("picture", "sticker"):
        if pictures is None or not pictures.is_openable(kind):
            return Refusal("not_supported", f"a picture of type {kind or 'unknown'}")
        if os.fstat(descriptors.source).st_size > PICTURE_BYTES_MAX:
            return Refusal("too_large", "more bytes than a picture has")
        return pictures.picture(job, kind, _content(descriptors.source), renditions)
    if job.kind == "voice" and kind in VOICE:
        return sounds.voice(job, kind, descriptors.source, renditions)
    if job.kind == "video" and kind in VIDEO:
        if videos is not None:
            return videos.video(job, kind, descriptors.source, renditions)
        return plain_videos.video(kind, descriptors.source, renditions)
    return Refusal("not_supported", f"{job.kind} of type {kind or 'unknown'}")


def _content(source: int) -> bytes:
    with open(source, "rb", closefd=False) as file:
        file.seek(0)
        return file.read()
