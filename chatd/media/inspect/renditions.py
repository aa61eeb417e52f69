"""What an inspector writes: renditions, each to its descriptor, at once and whole."""

import os

from chatd.media.inspection import Descriptors, Written
from chatd.protocol.media import Variant


class Renditions:
    """The renditions of one file."""

    def __init__(self, descriptors: Descriptors) -> None:
        self.written: list[Written] = []
        self._numbers: dict[Variant, int] = {
            "full": descriptors.full,
            "m": descriptors.m,
            "s": descriptors.s,
        }

    def descriptor(self, variant: Variant, mime: str) -> int:
        """Return where to write a rendition of this type."""
        self.written.append(Written(variant, mime))
        return self._numbers[variant]

    def number(self, variant: Variant) -> int:
        """Return the descriptor of a rendition that was written."""
        return self._numbers[variant]

    def write(self, variant: Variant, mime: str, content: bytes) -> None:
        written, number = 0, self.descriptor(variant, mime)
        while written < len(content):
            written += os.pwrite(number, memoryview(content)[written:], written)
