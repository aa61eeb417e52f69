"""Files under all that happens to them at once, on a real store: what is counted stays what the rows say."""

import asyncio
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from msgspec import UNSET

from chatd.core.erasure_steps import EraseEvents, EraseFiles
from chatd.core.files import (
    CollectFiles,
    DropFile,
    FinishFile,
    ForgetDeleted,
    NewObject,
    RefuseFile,
    TakeDown,
    file_of,
)
from chatd.core.friends import Befriend
from chatd.core.held_files import PutSticker
from chatd.core.removal import Stretch
from chatd.protocol.errors import Refused
from chatd.protocol.media import Place
from chatd.protocol.messages import Attachment, Edit, Recall, Send, SentAttachment, SentBody
from chatd.protocol.users import ProfileSet
from tests.kit.files import Files
from tests.kit.inprocess import in_process, new_key
from tests.kit.soak import scaled, seed_base

USERS = ("ann", "bob", "cat")
ROUNDS = 40
# Requests at once, which the writer decides in one batch.
AT_ONCE = 12


def test_an_address_names_a_file_of_this_server_or_none() -> None:
    assert (file_of("media:abc"), file_of("https://media/abc"), file_of("")) == ("abc", "", "")


class Crowd:
    """Users of two rooms who upload, send, forward, edit and recall, and a server that collects and takes down."""

    def __init__(self, files: Files, rooms: list[str], random: Random) -> None:
        self.files, self.rooms, self.random = files, rooms, random
        # All files; those that are ready, with owner and purpose; which file a message (room, seq) holds.
        self.known: list[str] = []
        self.ready: list[tuple[str, str, str]] = []
        self.begun: list[str] = []
        self.holds: dict[tuple[str, int], str] = {}
        # Messages (room, seq, author).
        self.sent: list[tuple[str, int, str]] = []

    async def act(self) -> None:
        """Do one thing; what is refused changes nothing."""
        acts = (
            *[self.send] * 4,
            self.begin, self.begin, self.finish, self.finish, self.send, self.send, self.send, self.edit,
            self.recall, self.drop, self.collect, self.hold, self.take_down, self.erase, self.sticker,
        )  # fmt: skip
        with suppress(Refused):
            await self.random.choice(acts)()

    def file(self, owner: str = "", purpose: str = "message") -> str:
        """Return a file, mostly one that is ready, for a purpose, and the owner's if one is given."""
        ready = [file for file, of, what in self.ready if owner in ("", of) and what == purpose]
        if ready and self.random.random() < 0.85:
            return self.random.choice(ready)
        return self.random.choice(self.known or ["none" * 5])

    async def begin(self) -> None:
        user, kind = (
            self.random.choice((*USERS, "")),
            self.random.choice(("file", "voice", "sticker", "picture")),
        )
        purpose = self.random.choice(("message", "message", "message", "avatar"))
        begun = await self.files.begin(user, kind, purpose=purpose, length=self.random.randrange(1, 1500))
        self.known.append(begun.file)

    async def finish(self) -> None:
        file, source = (
            self.random.choice(self.begun or self.known or ["none"]),
            bytes([self.random.randrange(60)]) * 32,
        )
        if self.random.random() < 0.05:
            await self.files.ask(RefuseFile(file, "unreadable"))
            return
        objects = tuple(
            NewObject(variant, file + suffix, "x/x", size, source)
            for variant, suffix, size in (("full", "", 700), ("m", "-m", 300))
        )
        await self.files.ask(FinishFile(file, Attachment("media:", "x/x"), objects, source, 1))

    def body(self, user: str) -> SentBody:
        attachments = [
            SentAttachment(f"media:{self.file(user)}", "x/x") for _ in range(self.random.randrange(3))
        ]
        if self.sent and self.random.random() < 0.4:
            room, seq, _ = self.random.choice(self.sent)
            file = self.file() if self.random.random() < 0.3 else self.held(room, seq)
            attachments.append(SentAttachment(f"media:{file}", "x/x", from_=Place(room, seq)))
        return SentBody(text="x", attachments=attachments or UNSET)

    def held(self, room: str, seq: int) -> str:
        return self.holds.get((room, seq)) or self.file()

    async def send(self) -> None:
        user, room = self.random.choice(USERS), self.random.choice(self.rooms)
        ack: Any = await self.files.ask(Send(room=room, key=new_key(), body=self.body(user)), user)
        self.sent.append((room, ack.seq, user))

    async def edit(self) -> None:
        room, seq, user = self.random.choice(self.sent or [(self.rooms[0], 1, "ann")])
        await self.files.ask(Edit(room=room, key=new_key(), target=seq, body=self.body(user)), user)

    async def recall(self) -> None:
        room, seq, user = self.random.choice(self.sent or [(self.rooms[0], 1, "ann")])
        await self.files.ask(Recall(room=room, key=new_key(), target=seq), user)

    async def drop(self) -> None:
        await self.files.ask(DropFile(self.file(), self.random.choice((None, *USERS))))

    async def collect(self) -> None:
        files = tuple(self.file() for _ in range(8))
        await self.files.ask(CollectFiles(files))
        await self.files.ask(ForgetDeleted((files[0], f"{files[0]}-m"), files[:4]))

    async def hold(self) -> None:
        user = self.random.choice(USERS)
        avatar = f"media:{self.file(user, 'avatar')}" if self.random.random() < 0.8 else ""
        await self.files.ask(ProfileSet(avatar=avatar), user)

    async def take_down(self) -> None:
        if self.random.random() < 0.2:
            await self.files.ask(TakeDown(self.file(), block=self.random.random() < 0.2))

    async def erase(self) -> None:
        if self.random.random() < 0.1:
            user, room = self.random.choice(USERS), self.random.choice(self.rooms)
            seqs = [seq for at, seq, author in self.sent if (at, author) == (room, user)][-9:]
            await self.files.ask(EraseEvents(room, user, seqs, recall=True, stretch=Stretch()))
            await self.files.ask(EraseFiles(user, [self.file(user)], [f"avatar:u:{user}"]))

    async def sticker(self) -> None:
        await self.files.ask(
            PutSticker(self.random.choice("ab"), self.file("") if self.random.random() < 0.7 else "")
        )

    async def look(self) -> None:
        """Learn which files there are, and which messages hold them."""
        rows = await self.files.rows(
            "SELECT r.name, a.position & 0xffffffff, a.file FROM attached a JOIN rooms r ON r.number = a.position >> 32"
        )
        begun = await self.files.rows("SELECT file FROM files WHERE state = 'uploading'")
        self.begun = [file for (file,) in begun]
        self.ready = await self.files.rows("SELECT file, owner, purpose FROM files WHERE state = 'ready'")
        self.holds = {(room, seq): file for room, seq, file in rows}


@pytest.mark.parametrize("seed", range(seed_base(), seed_base() + scaled(3, 300)))
async def test_what_is_counted_is_what_the_rows_say(tmp_path, seed: int) -> None:
    media = {"enabled": True, "user_bytes": 20_000, "room_bytes": 60_000}
    on = {"media": media, "people": {"enabled": True}}
    async with in_process(tmp_path, rates={"enabled": False}, **on) as server:
        files, random = Files(server), Random(seed)
        ann = await server.connect("ann")
        for other in ("bob", "cat"):
            await files.ask(Befriend(other), "ann")
        rooms = [await ann.create_group("bob", "cat"), await ann.create_group("bob")]
        crowd = Crowd(files, rooms, random)
        most = 0
        for _ in range(ROUNDS):
            await crowd.look()
            await asyncio.gather(*(crowd.act() for _ in range(AT_ONCE)))
            await files.check()
            server.env.advance(random.choice((1, 1, 3600, 20_000)))
            most = max(most, len(crowd.holds))
        assert most, "nobody sent files"
