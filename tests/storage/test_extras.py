"""The extras of a member: nothing that happens to the member, the daemon or the file loses or changes them."""

from collections.abc import Awaitable, Callable
from os import urandom
from pathlib import Path

import pytest

from chatd.protocol.codec import encode
from chatd.storage.sqlite.backup import backup, restore
from tests.kit.adapters import sqlite
from tests.kit.history_builder import HistoryBuilder
from tests.kit.inprocess import InProcessServer, in_process, new_key

EXTRAS = encode({"heard": [7, 8]})

Change = Callable[[InProcessServer, str], Awaitable[None]]


async def asks(server: InProcessServer, user: str, type: str, **keys: object) -> None:
    client = await server.connect(user)
    reply = await client.request(type=type, **keys)
    assert reply["type"] == "ok", reply


async def marks(server: InProcessServer, room: str) -> None:
    await asks(server, "bob", "read", room=room, seq=2)


async def prefers(server: InProcessServer, room: str) -> None:
    await asks(server, "bob", "preferences", room=room, pinned=True, muted_until=1)


async def rises(server: InProcessServer, room: str) -> None:
    users = [{"user": "bob", "role": "admin"}]
    await asks(server, "ann", "members.role", room=room, key=new_key(), users=users)


async def leaves_and_comes_back(server: InProcessServer, room: str) -> None:
    await asks(server, "bob", "room.leave", room=room, key=new_key())
    await asks(server, "ann", "members.add", room=room, key=new_key(), users=["bob"])


async def is_put_out_and_comes_back_later(server: InProcessServer, room: str) -> None:
    await asks(server, "ann", "members.remove", room=room, key=new_key(), users=["bob"])
    server.app.rooms.cache.forget_beyond(0, ())
    await asks(server, "ann", "members.add", room=room, key=new_key(), users=["bob"])


async def with_extras(directory: Path) -> str:
    """A database with a group in which bob has extras and ann has none; its name."""
    store = await sqlite(directory)
    builder = HistoryBuilder(store)
    room = await builder.group("ann", "bob")
    await builder.post(room, "ann", key="key-of-the-first")
    await builder.prefer(room, "bob", extras=EXTRAS)
    await store.close()
    return room.name


async def extras(directory: Path, room: str) -> dict[str, bytes]:
    """The extras of the members, as a daemon that starts now finds them."""
    store = await sqlite(directory)
    loaded = (await store.load_rooms([room]))[room]
    await store.close()
    return {user: member.extras for user, member in loaded.members.items()}


@pytest.mark.parametrize(
    "change", [marks, prefers, rises, leaves_and_comes_back, is_put_out_and_comes_back_later]
)
async def test_extras_outlive_what_happens_to_their_member(directory: Path, change: Change) -> None:
    room = await with_extras(directory)
    async with in_process(directory) as server:
        await change(server, room)
        loaded = server.app.rooms.cache.rooms[room]
        assert loaded.members["bob"].extras == EXTRAS
    assert await extras(directory, room) == {"ann": b"", "bob": EXTRAS}


async def test_extras_are_in_a_backup(directory: Path, tmp_path: Path) -> None:
    room = await with_extras(directory)
    backup(directory, tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "elsewhere", urandom)
    assert await extras(tmp_path / "elsewhere", room) == {"ann": b"", "bob": EXTRAS}
