"""Access that is taken away: no fetch that begins after the acknowledgement succeeds, by token or link."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chatd.media.access import Access
from chatd.storage.sqlite.media_reads import SqliteMediaReads
from tests.kit.client import TestClient
from tests.kit.media_client import MediaClient, attached
from tests.kit.media_downloads import ServedFiles, served_files
from tests.kit.tokens import earlier_token

DATA = b"what was shown for a while"
BEFORE, AFTER = 20, 10


@dataclass
class Scene:
    """A message of Alice that Bob fetches; `is_over`: it was acknowledged that he may not any more."""

    files: ServedFiles
    alice: TestClient
    room: str
    seq: int
    is_over: bool = False
    fetched: asyncio.Event = field(default_factory=asyncio.Event)
    statuses: list[tuple[bool, int]] = field(default_factory=list)

    async def fetch(self, client: MediaClient, path: str) -> None:
        """Fetch again and again, until it was refused some times after the end."""
        after = 0
        while after < AFTER:
            began_after = self.is_over
            answer = await client.fetch(path)
            assert (answer.body == DATA) == (answer.status == 200)
            self.statuses.append((began_after, answer.status))
            after += began_after
            if len(self.statuses) >= BEFORE:
                self.fetched.set()


async def recall(scene: Scene) -> None:
    await scene.alice.recall(scene.room, scene.seq)


async def edit(scene: Scene) -> None:
    await scene.alice.edit(scene.room, scene.seq, "nothing to see")


async def remove(scene: Scene) -> None:
    await scene.alice.mutate("members.remove", scene.room, users=["bob"])


async def delete(scene: Scene) -> None:
    await scene.alice.mutate("room.delete", scene.room)


async def disable(scene: Scene) -> None:
    assert (await scene.files.daemon.api("PUT", "/v1/users/bob", disabled=True)).status == 200


async def ban(scene: Scene) -> None:
    path = "/v1/users/bob/restriction"
    assert (await scene.files.daemon.api("PUT", path, what="ban", until=1, reason="spam")).status == 200


async def revoke(scene: Scene) -> None:
    assert (await scene.files.daemon.api("POST", "/v1/users/bob/revoke")).status == 200


CHANGES = [recall, edit, remove, delete, disable, ban, revoke]


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[ServedFiles]:
    async with served_files(tmp_path) as served:
        yield served


async def judge(files: ServedFiles, change: Callable[[Scene], Awaitable[None]]) -> None:
    """Have Bob fetch while he loses access; the order of acknowledgements and requests is the judge."""
    alice = await files.clients.connect("alice")
    file = files.add("alice", "shown", DATA)
    room = await alice.create_group("group", "bob")
    seq = (await alice.mutate("send", room, body=attached(file)))["seq"]
    token = earlier_token("bob")
    bob = await files.clients.connect("bob", token=token)
    places = [{"room": room, "seq": seq, "file": file}]
    (link,) = (await bob.request({"type": "file.link", "places": places}))["links"]
    scene, path = Scene(files, alice, room, seq), f"{room}/{seq}/{file}"
    by_link = link["url"].removeprefix(f"{files.url}/v1/media/")
    async with asyncio.TaskGroup() as fetching:
        for _ in range(2):
            fetching.create_task(scene.fetch(MediaClient(files.url, token), path))
            fetching.create_task(scene.fetch(MediaClient(files.url, ""), by_link))
        await scene.fetched.wait()
        assert {status for _, status in scene.statuses} == {200}
        await change(scene)
        scene.is_over = True
    assert 200 not in {status for began_after, status in scene.statuses if began_after}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_is_taken_away_is_fetched_no_more(
    files: ServedFiles, change: Callable[[Scene], Awaitable[None]]
) -> None:
    await judge(files, change)


@pytest.mark.parametrize("change", CHANGES)
async def test_access_that_is_remembered_is_found_out(
    files: ServedFiles, change: Callable[[Scene], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    known: dict[Any, Any] = {}
    placed = SqliteMediaReads.placed

    async def remembered(reads: SqliteMediaReads, *asked: Any) -> Any:
        if asked not in known:
            known[asked] = await placed(reads, *asked)
        return known[asked]

    monkeypatch.setattr(SqliteMediaReads, "placed", remembered)
    with pytest.raises(AssertionError, match="200 not in"):
        await judge(files, change)


@pytest.mark.parametrize("change", [disable, ban, revoke])
async def test_a_token_that_is_believed_until_it_ends_is_found_out(
    files: ServedFiles, change: Callable[[Scene], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Access, "check", lambda *_: None)
    with pytest.raises(AssertionError, match="200 not in"):
        await judge(files, change)
