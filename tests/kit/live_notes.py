"""Notes that are spoken page by page, and listeners that hear them over a socket."""

import asyncio
from urllib.parse import urlsplit

from chatd.media.ogg import FIRST, LAST, Page

# 20 ms of silence, as every decoder of Opus takes it.
SILENCE = b"\xf8\xff\xfe"
PACKETS, SAMPLES, PRE_SKIP = 50, 960, 312
HEAD = b"OpusHead\x01\x01" + PRE_SKIP.to_bytes(2, "little") + (48_000).to_bytes(4, "little") + bytes(3)
VENDOR = b"a phone in 52.5200"
TAGS = b"OpusTags" + len(VENDOR).to_bytes(4, "little") + VENDOR + bytes(4)


def sound(number: int, serial: int = 7, flags: int = 0) -> bytes:
    """Return the page of the second `number` of a note, counted from 0."""
    granule = (number + 1) * PACKETS * SAMPLES
    lacing = bytes((len(SILENCE),)) * PACKETS
    return Page(flags, granule, serial, number + 2, lacing, SILENCE * PACKETS).encoded()


def packet(flags: int, number: int, content: bytes, serial: int = 7) -> bytes:
    """Return a page with one packet and no sound."""
    lacing = bytes((255,)) * (len(content) // 255) + bytes((len(content) % 255,))
    return Page(flags, 0, serial, number, lacing, content).encoded()


def pages(seconds: int, tags: bytes = TAGS) -> list[bytes]:
    """Return the pages of a note: its head, its comments, and one for each second."""
    last = seconds - 1
    return [
        packet(FIRST, 0, HEAD),
        packet(0, 1, tags),
        *(sound(number, flags=LAST if number == last else 0) for number in range(seconds)),
    ]


class Listener:
    """A request for a live note, and the bytes that came so far; `status` is 0 until the answer begins."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.status = 0
        self.headers = ""
        self.heard = b""
        self.is_whole = False
        self._reader, self._writer = reader, writer
        self._task = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls, url: str, token: str) -> "Listener":
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        writer.write(f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n{bearer}\r\n".encode())
        return cls(reader, writer)

    async def ended(self) -> "Listener":
        """Return when the answer ended, in whatever way."""
        await asyncio.wait({self._task})
        self._writer.close()
        return self

    async def close(self) -> None:
        self._task.cancel()
        await self.ended()

    async def _listen(self) -> None:
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            self.status, self.headers = int(head.split()[1]), head.lower()
            while self.status == 200:
                size = int(await self._reader.readuntil(b"\r\n"), 16)
                self.heard += (await self._reader.readexactly(size + 2))[:-2]
                if not size:
                    self.is_whole = True
                    return
        except (OSError, asyncio.IncompleteReadError):
            return
