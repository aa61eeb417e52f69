"""What a message pays for push: one entry a room, and nothing that waits."""

import asyncio
import inspect
from pathlib import Path
from unittest.mock import Mock

import pytest

from chatd.core.write_set import WriteSet
from chatd.push.planner import Planner
from chatd.push.service import Push
from tests.kit.inprocess import in_process
from tests.kit.push_peer import pushing

MESSAGES = 50


def pay(push: Push, commits: list[WriteSet]) -> int:
    """Call the hook for commits of one room; return the entries it made. Raises AssertionError when it does more."""
    parts, tasks = push.parts, asyncio.all_tasks()
    real, parts.store = parts.store, Mock(spec=[])
    try:
        for writes in commits:
            assert not inspect.isawaitable(push.on_commit(writes))
    except AttributeError as error:
        raise AssertionError("the hook asks the store") from error
    finally:
        parts.store = real
    assert asyncio.all_tasks() == tasks
    return len(push._planner._due)


async def committed(server, push) -> list[WriteSet]:
    """Return the commits of messages that push was not told of."""
    alice = await server.connect("alice")
    await push.register("bob")
    room = (await alice.request(type="room.direct", user="bob"))["summary"]["room"]
    await push.idle()
    commits: list[WriteSet] = []
    server.app.push.push = None
    server.app.hooks.published.subscribe(commits.append)
    for number in range(MESSAGES):
        await alice.send(str(room), str(number))
    server.app.push.push = push.push
    return [writes for writes in commits if writes.steps]


async def test_a_message_pays_for_push_one_entry_of_its_room_and_waits_for_nothing(tmp_path: Path) -> None:
    async with in_process(tmp_path, rates={"enabled": False}) as server, pushing(server) as push:
        commits = await committed(server, push)
        assert len(commits) == MESSAGES
        assert pay(push.push, commits) == 1
        [one] = await push.sent()
        assert one.notification.count == MESSAGES


async def test_a_hook_that_waits_for_the_store_is_found_out(tmp_path: Path, monkeypatch) -> None:
    """The break: what a message is to be told of is read where it is committed."""
    async with in_process(tmp_path, rates={"enabled": False}) as server, pushing(server) as push:
        commits = await committed(server, push)

        def on_commit(self: Planner, writes: WriteSet) -> None:
            self.reading = asyncio.ensure_future(self._parts.store.number_of("room"))

        with monkeypatch.context() as broken:
            broken.setattr(Planner, "on_commit", on_commit)
            with pytest.raises(AssertionError, match="asks the store"):
                pay(push.push, commits)
