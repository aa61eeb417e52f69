from pathlib import Path

import pytest

from chatd.core.read_set import DAY_MS
from chatd.jobs import join_expiry
from chatd.jobs.join_expiry import JoinExpiry
from chatd.protocol.groups import Policy
from chatd.protocol.joining import InvitesCreate, JoinsDecide
from chatd.protocol.members import RoomJoin
from chatd.protocol.rooms import RoomCreate, RoomDelete
from tests.kit.inprocess import in_process, new_key


async def test_what_waits_ends_in_slices_when_its_time_is_up_or_its_room_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join_expiry, "ENDED_AT_ONCE", 2)
    async with in_process(tmp_path) as server:
        submit, store = server.app.writer.submit_and_wait, server.app.store
        expiry = JoinExpiry(store.joining, server.env, server.app.writer)
        rooms = [
            (
                await submit(
                    "ann",
                    RoomCreate(key=new_key(), kind="group", title="t", policy=Policy(join="request")),
                )
            ).summary.room
            for _ in range(2)
        ]
        for user in ("bob", "cat", "dan"):
            for room in rooms:
                await submit(user, RoomJoin(room=room, key=new_key()))
        kept, gone = [(await server.app.rooms.get(room)) for room in rooms]
        await submit("ann", JoinsDecide(room=rooms[0], key=new_key(), users=["bob"], accept=False))
        await submit("ann", InvitesCreate(room=rooms[0], key=new_key()))

        async def waiting(room: int) -> dict[str, str]:
            places = [(room, user) for user in ("bob", "cat", "dan")]
            return {join.user: join.kind for join in await store.joining.joins(places)}

        await expiry.expire()
        assert await waiting(kept.number) == {"bob": "declined", "cat": "asked", "dan": "asked"}
        await submit("ann", RoomDelete(room=rooms[1], key=new_key()))
        await server.advance(DAY_MS / 1000)
        await expiry.expire()
        assert await waiting(kept.number) == {"cat": "asked", "dan": "asked"}
        assert await waiting(gone.number) == {}
        await server.advance(29 * DAY_MS / 1000)
        await expiry.expire()
        assert await waiting(kept.number) == {}
        assert kept.details.joins == 0
        assert len(await store.joining.invites((), (), [kept.number])) == 1
        await server.advance(8 * DAY_MS / 1000)
        await expiry.expire()
        assert await store.joining.invites((), (), [kept.number]) == []
        rows = await store.rows_of_section(["bob", "cat", "dan"], "joins")
        assert rows == []
