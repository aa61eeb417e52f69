from pathlib import Path

import pytest

from chatd.core.contacts import State
from chatd.core.read_set import DAY_MS
from chatd.jobs import contact_expiry
from chatd.jobs.contact_expiry import ContactExpiry
from chatd.protocol.friends import FriendDecline, FriendRequest
from tests.kit.inprocess import in_process


async def test_what_has_run_out_ends_in_slices_and_the_rest_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_expiry, "EXPIRED_AT_ONCE", 2)
    async with in_process(tmp_path, people={"enabled": True}) as server:
        writer, store = server.app.writer, server.app.store
        users = [f"u{number}" for number in range(5)]
        for user in users:
            await writer.submit_and_wait(user, FriendRequest(user="bob"))
        await writer.submit_and_wait("bob", FriendDecline(user="u0"))
        await server.advance(30 * DAY_MS / 1000)
        await writer.submit_and_wait("late", FriendRequest(user="bob"))
        before = store.stamp
        await ContactExpiry(store, server.env, writer).expire()
        assert store.stamp - before >= len(users) // 2
        rows = await store.contacts([("bob", user) for user in (*users, "late")])
        assert [row.state for row in rows] == [State.NONE] * 5 + [State.RECEIVED]
        # Who was declined began a quiet time then, which is over.
        assert [row.quiet > server.env.now_ms() for row in rows] == [False, *[True] * 4, False]
        assert await store.due_contacts(server.env.now_ms(), 10) == []
