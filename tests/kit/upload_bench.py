"""Uploads on a disk in memory, bodies under the control of a test, and a power cut at every operation."""

import asyncio
import random
from pathlib import Path

from chatd.core.files import File
from chatd.media.engines.local import LocalObjects
from chatd.media.finishing import Finishing
from chatd.media.http.messages import BodyLost
from chatd.media.incoming import Incoming
from chatd.media.layout import folder_of
from chatd.media.live import LiveNotes
from chatd.media.tus import Part, State
from chatd.media.uploads import Parts, Uploads
from chatd.protocol.media import FileKind
from tests.kit.env import ManualEnv
from tests.kit.media_disk import Inline, MemoryDisk
from tests.kit.media_rows_in_memory import CopyingInspector, MemoryRows
from tests.kit.waiting import until

FILE = "Fz3kQ0aaaaaaaaaaaaaaaa"
BYTES = random.Random(3).randbytes(5000)
MIN_FREE_BYTES = 1000
VOICE_MS = 300_000


def pieces(data: bytes, size: int = 700) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


class Body:
    """The body of a request: these pieces, `then` its end, the loss of the rest (`lost`), or a `wait` for ever."""

    def __init__(self, *parts: bytes, then: str = "end", length: int | None = None) -> None:
        self.length = length
        self._parts, self._then = list(parts), then
        self._lost = asyncio.Event()

    async def read(self, least: int = 1) -> memoryview:
        if self._parts:
            await asyncio.sleep(0)
            return memoryview(self._parts.pop(0))
        if self._then == "wait":
            await self._lost.wait()
        if self._then != "end" or self._lost.is_set():
            raise BodyLost
        return memoryview(b"")

    def end(self) -> None:
        self._lost.set()


class UploadBench:
    """The uploads of one process, of which there is one: `row`."""

    def __init__(self, root: Path, disk: MemoryDisk | None = None, rows: MemoryRows | None = None) -> None:
        self.root, self.env = root, ManualEnv()
        self.disk = disk or MemoryDisk(root)
        self.rows = rows or MemoryRows(self.env)
        self.inspector = CopyingInspector(self.disk, self.disk.content)
        self.objects = LocalObjects(root, self.disk, Inline())
        self.incoming = Incoming(root, self.disk)
        self.finishing = Finishing(
            self.incoming, self.objects, Inline(), self.rows, self.rows, self.inspector
        )
        parts = Parts(root, self.disk, Inline(), self.objects, self.rows, self.rows, self.env, MIN_FREE_BYTES)
        self.live = LiveNotes(self.incoming, self.disk, Inline(), self.rows, self.env, VOICE_MS)
        self.uploads = Uploads(parts, self.finishing, self.live)

    @property
    def row(self) -> File:
        return self.rows.files[FILE]

    def begin(self, length: int = 0, kind: FileKind = "file") -> File:
        """Make the row of the upload. `length`: that of BYTES by default."""
        return self.rows.begin(FILE, length or len(BYTES), kind)

    async def append(
        self,
        body: Body,
        offset: int = 0,
        length: int | None = None,
        digest: tuple[str, bytes] | None = None,
    ) -> State:
        return await self.uploads.append(self.row, Part(offset, length, digest), body)

    async def offset(self) -> int:
        return (await self.uploads.look(self.row)).offset

    def object(self, suffix: str = "") -> bytes:
        return bytes(self.disk.files[f"objects/{folder_of(FILE)}/{FILE}{suffix}"])

    @property
    def names(self) -> list[str]:
        return sorted(self.disk.files)


async def sweep(root: Path, seed: int, kind: FileKind) -> None:
    """Upload a file, and cut the power at every operation: what is left is continued, and becomes the same file.

    Raises AssertionError where an offset covers bytes that are not there, or a row names an object that is not.
    """
    bench, chance = UploadBench(root), random.Random(seed)
    bench.begin(kind=kind)
    rows = [(0, bench.row)]

    def on_finish(row: File) -> File:
        rows.append((len(bench.disk.journal), row))
        return row

    bench.rows.on_finish = on_finish
    await bench.append(Body(*pieces(BYTES[:2300], 300), then="lost"))
    await bench.append(Body(*pieces(BYTES[2300:], 300)), 2300)
    for cut in range(len(bench.disk.journal) + 1):
        row = [row for at, row in rows if at <= cut][-1]
        left = MemoryDisk(root, bench.disk.survivors(cut, chance.randrange))
        await go_on(UploadBench(root, left), row, f"seed {seed}, cut {cut}")


async def go_on(bench: UploadBench, row: File, where: str) -> None:
    """Start a process on what a power cut left, and end the upload."""
    bench.rows.files[FILE] = row
    if row.state == "ready":
        bench.rows.objects = {FILE, f"{FILE}-s"}
    await bench.uploads.resume()
    if row.state == "uploading":
        offset = await bench.offset()
        if offset < len(BYTES):
            held = bench.disk.files.get(f"incoming/{FILE}", b"")
            assert bytes(held[:offset]) == BYTES[:offset], where
            assert (await bench.append(Body(*pieces(BYTES[offset:])), offset)).said == "ready", where
        await until(lambda: bench.row.state != "uploading")
    whole = f"objects/{folder_of(FILE)}/{FILE}"
    assert whole in bench.disk.files, where
    assert bench.object() == (b"full " if row.kind == "picture" else b"") + BYTES, where
    await until(lambda: not any(name.startswith("incoming") for name in bench.names))
