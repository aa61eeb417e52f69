"""The power fails at any write, sync and rename of files and of the database, from an upload to its deletion.

Daemon and process start again on what is left. No message that was acknowledged names a file that is lost or half, no
offset covers a byte that is not stored, and the disk has what rows refer to and, once its time is up, nothing else.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chatd.core.files import ForgetDeleted, ReleasedObjects
from chatd.jobs.media import Collector
from chatd.media import writing
from chatd.media.engines.local import LocalObjects
from chatd.media.incoming import Incoming, Progress
from chatd.media.layout import path_of
from chatd.media.service import MediaService
from chatd.media.uploads import Uploads
from chatd.protocol.media import FilePlace
from chatd.storage.media import Asker
from chatd.storage.sqlite import files as file_rows
from tests.kit.disk import watched
from tests.kit.files import Files, share
from tests.kit.inprocess import InProcessServer, in_process
from tests.kit.media_disk import MemoryDisk
from tests.kit.media_in_loop import Body, MediaInLoop, file_in, pieces
from tests.kit.power_cut_sweep import Tally, chances, sweep
from tests.kit.simulated_disk import Operation
from tests.kit.soak import scaled

# Of each cut: all that was written, nothing that was not synced, and more of them in a soak.
SURVIVALS = scaled(2, 40)
# Where nothing has to start: parts of writes, too.
PARTIAL_SURVIVALS = scaled(12, 160)
# Of the operations of the database, which test_power_loss.py of storage has all of.
EVERY = scaled(10, 1)
FOLDER = "media"
DAY_S = 86_400.0
BYTES = {name: random.Random(name).randbytes(2500) for name in ("notes", "plan", "photo", "draft", "kept")}
LEFT = """
SELECT (SELECT count(*) FROM files WHERE state <> 'ready'), (SELECT count(*) FROM objects WHERE refs = 0)
"""

pytestmark = pytest.mark.timeout(scaled(1200, 7200))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads are synced often, and starts say nothing."""
    monkeypatch.setattr(writing, "SYNC_BYTES", 1000)
    for name in ("chatd.storage", "chatd.media"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", True)


@dataclass
class Place:
    """A message that holds files, acknowledged by the operation `since`; `until`: of its recall."""

    room: str
    seq: int
    # By file the bytes that are fetched there.
    files: dict[str, bytes]
    since: int
    until: float = float("inf")


@dataclass
class Story:
    """What was told to clients, each by the number of operations at that moment."""

    journal: list[Operation]
    # Operations before which only the daemon started.
    first: int = 0
    # By file: its owner and bytes, and when it was ready and given up.
    sent: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    ready: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    # Operations on files, and marks: each is a cut.
    cuts: set[int] = field(default_factory=set)

    def now(self) -> int:
        return len(self.journal)


@asynccontextmanager
async def started(server: InProcessServer, disk: MemoryDisk) -> AsyncIterator[MediaInLoop]:
    parts = server.app.media
    assert parts is not None
    await parts.begin()
    directory = Path(server.config.storage.directory)
    parts.service.settings = replace(
        parts.service.settings,
        directory=str(directory / FOLDER),
        database=str(directory / "chatd.sqlite"),
        link_key=server.app.context.media.link_key,
    )
    media = MediaInLoop(parts.service, disk, server.env)
    parts.service.link = media
    try:
        await media.start()
        yield media
    finally:
        await media.close()


def collector(server: InProcessServer) -> Collector:
    assert server.app.media is not None
    delete = server.app.media.service.delete
    return Collector(server.app.store, server.env, server.app.writer, delete)


class Teller:
    """Makes the story: users who upload, send, forward, recall and give up."""

    def __init__(self, server: InProcessServer, media: MediaInLoop, story: Story) -> None:
        self._server, self._media, self.story = server, media, story

    async def upload(self, user: str, name: str, kind: str = "file", *, whole: bool = True) -> str:
        """Upload in three requests, two of which break off."""
        data, media = BYTES[name], self._media
        file = file_in(await media.begin(user, f"key-{name}", len(data), kind))
        self.story.sent[file] = user, data
        await media.append(user, file, 0, Body(pieces(data[:900]), is_cut=True))
        await media.append(user, file, 900, Body(pieces(data[900:2400]), is_cut=True))
        if whole:
            done = await media.append(user, file, 2400, Body([data[2400:]]))
            assert done.headers["Chatd-File"] == "ready", done
            self.story.ready[file] = self.story.now()
        return file

    async def send(self, client: Any, room: str, *attached: Any) -> Place:
        reply = await share(client, room, *attached)
        shown = [one["url"].removeprefix("media:") for one in reply["event"]["body"]["attachments"]]
        place = Place(room, reply["seq"], {}, self.story.now())
        for file, one in zip(shown, attached, strict=True):
            source = one if isinstance(one, str) else one["url"].removeprefix("media:")
            place.files[file] = self.fetched(source)
            self.story.sent.setdefault(file, (client.user, self.story.sent[source][1]))
        self.story.places.append(place)
        return place

    def fetched(self, file: str) -> bytes:
        """Return what others get of a file."""
        directory = Path(self._server.config.storage.directory) / FOLDER
        return self._media.disk.read(path_of(directory, file))

    async def tell(self) -> None:
        server = self._server
        ann, bob = await server.connect("ann"), await server.connect("bob", 2)
        ann.user, bob.user = "ann", "bob"  # type: ignore[attr-defined]
        room = await ann.create_group("bob")
        self.story.first = self.story.now()
        notes = await self.upload("ann", "notes")
        photo = await self.upload("ann", "photo", "picture")
        first = await self.send(ann, room, notes, photo)
        there = {"room": room, "seq": first.seq}
        await self.send(bob, room, {"url": f"media:{photo}", "mime": "image/jpeg", "from": there})
        first.until = self.story.now()
        await ann.request(type="recall", room=room, target=first.seq, key="recall-0001")
        plan = await self.upload("bob", "plan")
        await self._media.drop("bob", plan)
        self.story.gone[plan] = 0
        draft = await self.upload("bob", "draft", whole=False)
        await self._media.drop("bob", draft)
        self.story.gone[draft] = 0
        await self._server.advance(3 * 3600.0)
        await collector(server).collect()
        await self.upload("bob", "kept", whole=False)


def told(directory: Path) -> tuple[Any, Story]:
    """Let a daemon and its process work on a watched disk."""
    directory.mkdir()

    async def works() -> None:
        async with in_process(directory, media={"enabled": True}) as server, started(server, memory) as media:
            await Teller(server, media, story).tell()

    with watched(directory) as disk:
        memory = MemoryDisk(directory, journal=disk.journal)
        story = Story(disk.journal)
        asyncio.run(works())
    near = {at for at, one in enumerate(disk.journal) if one.file.startswith(FOLDER)}
    near |= {at + 1 for at in near} | {one.since for one in story.places} | {*story.ready.values()}
    every = range(story.first, story.now() + 1)
    story.cuts = {at for at in every if at in near or at % EVERY == 0}
    return disk, story


def swept(directory: Path, *, is_backwards: bool = False) -> Iterator[Tally]:
    """Yield the results of one cut after the other; `is_backwards`: the last one first."""
    disk, story = told(directory)

    def check(place: Path, upto: int) -> str | None:
        return asyncio.run(found(place, upto, story))

    for cut in sorted(story.cuts, reverse=is_backwards):
        yield sweep(disk, check, chances(1, SURVIVALS), cuts=[cut])


async def found(place: Path, upto: int, story: Story) -> str | None:
    """Start both on what is left; return what is wrong."""
    left = place / FOLDER
    files = {
        path.relative_to(place).as_posix(): path.read_bytes() for path in left.rglob("*") if path.is_file()
    }
    async with in_process(place, media={"enabled": True}) as server:
        disk = MemoryDisk(place, files)
        try:
            async with started(server, disk) as media:
                return await looked_at(server, media, upto, story)
        except AssertionError as problem:
            return f"what is counted is not what the rows say: {problem}"


def offsets_found(directory: Path) -> list[str]:
    """Return the offsets that are wrong, of any cut and of many survivals: for these nothing has to start."""
    disk, story = told(directory)
    wrong = []
    for cut in sorted(story.cuts):
        for choose in chances(cut, PARTIAL_SURVIVALS):
            left = MemoryDisk(directory, disk.survivors(cut, choose))
            incoming = Incoming(directory / FOLDER, left)
            for file in {*incoming.files()} & story.sent.keys():
                offset, data = incoming.progress(file).offset, story.sent[file][1]
                if left.read(incoming.path(file))[:offset] != data[:offset]:
                    wrong.append(f"cut {cut}: the offset {offset} of {file} covers what is not stored")
    return wrong


async def looked_at(server: InProcessServer, media: MediaInLoop, upto: int, story: Story) -> str | None:
    rows, directory = Files(server), Path(server.config.storage.directory) / FOLDER
    await rows.check()
    for place in story.places:
        for file, data in place.files.items() if place.since <= upto <= place.until else ():
            access = await media.reads.placed(Asker("bob"), FilePlace(place.room, place.seq, file))
            if access.object is None:
                return f"the place of {file} is gone"
            if media.disk.read(path_of(directory, access.object.object)) != data:
                return f"an acknowledged message names {file}, which is not whole"
    for name, digest in await rows.rows("SELECT object, digest FROM objects WHERE refs > 0"):
        if sha256(media.disk.read(path_of(directory, name))).digest() != digest:
            return f"{name} is referred to and not whole"
    for file, (user, data) in story.sent.items():
        if wrong := await gone_on(server, media, upto, story, file, user, data):
            return wrong
    return await emptied(server, media, directory)


async def gone_on(
    server: InProcessServer, media: MediaInLoop, upto: int, story: Story, file: str, user: str, data: bytes
) -> str | None:
    """Let an upload go on, whose client knows no more than the server says."""
    if file in story.gone:
        return None
    state = await media.look(user, file)
    if state.status != 200:
        held = any(place.until < upto for place in story.places if file in place.files)
        was_begun = story.ready.get(file, story.now()) <= upto
        return f"the upload {file} is gone" if was_begun and not held else None
    if state.headers.get("Chatd-File") != "ready":
        offset = int(state.headers["Upload-Offset"])
        await media.append(user, file, offset, Body(pieces(data[offset:])))
    answer = await media.request("GET", f"/v1/media/own/{file}", user)
    wanted = {data, b"full " + data}
    return None if answer.body in wanted else f"{file} went on and is not what was sent: {answer.status}"


async def emptied(server: InProcessServer, media: MediaInLoop, directory: Path) -> str | None:
    """Let all time pass; return what is on the disk and belongs to nothing."""
    server.env.advance(3 * DAY_S)
    await collector(server).collect()
    server.env.advance(DAY_S)
    await collector(server).collect()
    rows = Files(server)
    await rows.check()
    if (left := (await rows.rows(LEFT))[0]) != (0, 0):
        return f"rows are left: {left}"
    names = {name for (name,) in await rows.rows("SELECT object FROM objects WHERE refs > 0")}
    there = {name.rpartition("/")[2] for name in media.disk.files}
    if there != names:
        return f"on the disk and of nobody: {there - names}, missing: {names - there}"
    return None


def test_whatever_a_power_cut_leaves_every_file_is_whole_or_gone(tmp_path: Path) -> None:
    tallies = [*swept(tmp_path / "data")]
    assert [finding for tally in tallies for finding in tally.findings] == []
    assert sum(tally.states for tally in tallies) > 200


def test_no_offset_covers_a_byte_that_is_not_stored(tmp_path: Path) -> None:
    assert offsets_found(tmp_path / "data") == []


# --- deliberate breaks


def ready_before_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects get their names, and their rows, although their bytes may not be on the disk."""

    def put(self: LocalObjects, name: str, source: Path) -> None:
        target = path_of(self._directory, name)
        self._disk.rename(source, target)
        self._disk.sync_names(target.parent)

    monkeypatch.setattr(LocalObjects, "_put", put)


def rename_without_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of objects are left to the disk."""

    def put(self: LocalObjects, name: str, source: Path) -> None:
        descriptor = self._disk.open(source)
        self._disk.sync(descriptor)
        self._disk.close(descriptor)
        self._disk.rename(source, path_of(self._directory, name))

    monkeypatch.setattr(LocalObjects, "_put", put)


def unlink_before_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects are deleted while the commit that lets them go is made."""
    disks: list[MemoryDisk] = []
    real_start, real_release = MediaInLoop.start, file_rows.release_objects

    async def start(self: MediaInLoop) -> None:
        disks.append(self.disk)
        await real_start(self)

    def release(connection: Any, released: ReleasedObjects) -> None:
        disks[-1].delete(path_of(disks[-1].root / FOLDER, released.file))
        real_release(connection, released)

    monkeypatch.setattr(MediaInLoop, "start", start)
    monkeypatch.setitem(file_rows.CHANGES, ReleasedObjects, release)  # type: ignore[misc]


def forgotten_before_unlink(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of objects go, then their bytes."""
    real = MediaService.delete

    async def delete(self: MediaService, objects: tuple[str, ...], files: tuple[str, ...]) -> bool:
        await self._doors.submit(ForgetDeleted(objects, files))
        return await real(self, objects, files)

    monkeypatch.setattr(MediaService, "delete", delete)


def refs_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forward shares objects and does not count itself."""
    monkeypatch.setattr(file_rows, "REFER", "SELECT ?")


def nothing_is_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process looks at nothing that the one before left."""

    async def resume(self: Uploads) -> None: ...

    monkeypatch.setattr(Uploads, "resume", resume)


BREAKS: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    ready_before_fsync: "not whole",
    rename_without_directory: "not whole",
    unlink_before_commit: "not whole",
    forgotten_before_unlink: "of nobody",
    refs_by_hand: "what is counted",
    nothing_is_resumed: "of nobody",
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_break_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Callable[[pytest.MonkeyPatch], None]
) -> None:
    broken(monkeypatch)
    # Most of them leave something wrong until the end.
    tallies = swept(tmp_path / "data", is_backwards=True)
    findings = next((tally.findings for tally in tallies if tally.findings), [])
    assert any(BREAKS[broken] in finding for finding in findings), findings


def test_an_offset_noted_before_its_bytes_are_synced_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The break offset-before-sync."""

    def keep(self: Incoming, file: str, descriptor: int, progress: Progress) -> None:
        self.note(file, progress)
        self._disk.sync(descriptor)

    monkeypatch.setattr(Incoming, "keep", keep)
    assert offsets_found(tmp_path / "data")
