"""What was said in a deleted room goes 30 days later, and the room stays one that was deleted."""

import asyncio
from pathlib import Path

from chatd.jobs.purge import KEPT_MS
from chatd.protocol.messages import React, Send, SentBody
from chatd.protocol.rooms import RoomDelete
from tests.kit.inprocess import in_process, new_key
from tests.kit.random_workload import SECTIONS

PLANTED = "Zq7planted"


async def test_a_deleted_room_is_purged_after_thirty_days(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    async with in_process(directory, **SECTIONS) as server:
        ann = await server.connect("ann")
        room, other = await ann.create_group("bob"), await ann.create_group("bob")
        ask = server.app.writer.submit_and_wait
        texts = [Send(room=room, key=new_key(), body=SentBody(text=PLANTED)) for _ in range(1200)]
        await asyncio.gather(*(ask("ann", text) for text in texts))
        await ask("bob", React(room=room, key=new_key(), target=2, emoji="👍", set=True))
        await ann.send(other, "stays")
        await ask("ann", RoomDelete(room=room, key=new_key()))
        server.env.advance(KEPT_MS / 1000 - 1)
        await server.app.persons.purge.purge()
        store = server.app.store
        assert await store.erasures.purgeable(server.env.now_ms() + 2000, 9) == [room]
        server.env.advance(2)
        await server.app.persons.purge.purge()
        assert await store.erasures.purgeable(server.env.now_ms(), 9) == []
        assert await store.erasures.truncate_log()
        assert PLANTED.encode() not in (directory / "chatd.sqlite").read_bytes()
        ann = await server.connect("ann")
        assert (await ann.request(type="history", room=room))["code"] == "gone"
        assert len((await ann.request(type="history", room=other))["events"]) == 1
