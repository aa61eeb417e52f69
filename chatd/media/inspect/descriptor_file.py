"""A descriptor as a file with a place of its own: the same one can be read here and written there."""

import os


class DescriptorFile:
    """Reads and writes, as libraries ask for it; nothing is kept back."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._place = 0

    def read(self, count: int) -> bytes:
        data = os.pread(self._descriptor, count, self._place)
        self._place += len(data)
        return data

    def write(self, data: bytes) -> int:
        view, written = memoryview(data), 0
        while written < len(view):
            written += os.pwrite(self._descriptor, view[written:], self._place + written)
        self._place += written
        return written

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size
