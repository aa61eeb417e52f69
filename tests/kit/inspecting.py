"""An inspection in this process: bytes in, and what was found and written out."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from chatd.media.inspect import jobs
from chatd.media.inspection import Descriptors, Found, Job, Refusal
from chatd.protocol.media import FileKind, Purpose, Variant

PIXELS_MAX, VOICE_MS, SECONDS = 50_000_000, 300_000, 10
VARIANTS: tuple[Variant, ...] = get_args(Variant)


@dataclass
class Files:
    """The files of one upload in a directory: what was sent, and what is made of it."""

    directory: Path
    content: bytes
    # How often they were opened.
    opened_times: int = field(default=0)

    @contextmanager
    def opened(self) -> Iterator[Descriptors]:
        self.opened_times += 1
        source = self.directory / "source"
        source.write_bytes(self.content)
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
        descriptors = [os.open(self.directory / name, flags, 0o600) for name in VARIANTS]
        read = os.open(source, os.O_RDONLY)
        try:
            yield Descriptors(read, *descriptors)
        finally:
            for descriptor in (read, *descriptors):
                os.close(descriptor)

    def written(self, variant: Variant = "full") -> bytes:
        return (self.directory / variant).read_bytes()


def inspected(
    files: Files, kind: FileKind, purpose: Purpose = "message", pixels_max: int = PIXELS_MAX
) -> Found | Refusal:
    """Inspect without a process and without fences. What a decoder raises is raised."""
    jobs.prepare()
    with files.opened() as descriptors:
        return jobs.inspected(Job(kind, purpose, pixels_max, VOICE_MS, SECONDS), descriptors)
