"""A deleted channel is gone at once; the rows of its followers follow, some in a commit, also after a restart."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatd.core.channels import RemoveFollowers
from chatd.jobs import deleted_channels
from chatd.protocol.rooms import RoomDelete
from tests.kit.inprocess import InProcessServer, in_process, new_key
from tests.kit.random_workload import SECTIONS
from tests.kit.waiting import until

CHANNELS = SECTIONS | {"channels": {"enabled": True, "create": "users"}}
FOLLOWERS = 12


def following(directory: Path) -> list[str]:
    with closing(sqlite3.connect(directory / "chatd.sqlite")) as connection:
        found = connection.execute("SELECT user FROM members WHERE gone IS NULL ORDER BY user")
        return [user for (user,) in found]


async def with_channel(server: InProcessServer) -> str:
    ann = await server.connect("ann")
    users = [f"u{number:02}" for number in range(FOLLOWERS)]
    made = await ann.request(type="room.create", key=new_key(), kind="channel", title="t", users=users)
    return str(made["summary"]["room"])


async def test_its_rows_follow_some_in_a_commit_and_a_restart_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deleted_channels, "REMOVED_AT_ONCE", 5)
    directory = tmp_path / "data"
    slices: list[int] = []
    async with in_process(directory, **CHANNELS) as server:
        room = await with_channel(server)
        ask = server.app.writer.submit_and_wait
        job = server.app.persons.deleted_channels

        async def once(user: str, request: Any) -> Any:
            slices.append(len(request.users))
            if len(slices) == 2:
                raise asyncio.CancelledError
            return await ask(user, request)

        await ask("ann", RoomDelete(room=room, key=new_key()))
        monkeypatch.setattr(job._writer, "submit_and_wait", once)
        with pytest.raises(asyncio.CancelledError):
            await job.remove()
        assert slices == [5, 5]
        assert len(following(directory)) == 1 + FOLLOWERS - 5
        monkeypatch.undo()
        # No follower of a channel that is there is removed.
        other = await with_channel(server)
        await ask("", RemoveFollowers(other, ["ann", "u00"]))
    async with in_process(directory, **CHANNELS) as server:
        task = asyncio.create_task(server.app.persons.deleted_channels.run())
        await until(lambda: len(following(directory)) == 1 + FOLLOWERS)
        task.cancel()
        u00 = await server.connect("u00")
        summaries = (await u00.request(type="sync"))["rooms"]
        assert [row["room"] for row in summaries] == [other]
        assert (await u00.request(type="room.get", room=room))["code"] == "gone"
