"""Access that is taken away: no fetch that begins after the acknowledgement succeeds, by token or link."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.kit.client import TestClient
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.media_client import MediaClient, attached
from tests.kit.tokens import earlier_token, token_for

MEDIA = {"enabled": True, "address": "127.0.0.1:0", "inspectors": 1}
DATA = b"what was shown for a while"
BEFORE, AFTER = 20, 10


@dataclass
class Scene:
    """A message of Alice that Bob fetches; `is_over`: it was acknowledged that he may not any more."""

    daemon: RunningDaemon
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
    assert (await scene.daemon.api("PUT", "/v1/users/bob", disabled=True)).status == 200


async def ban(scene: Scene) -> None:
    path = "/v1/users/bob/restriction"
    assert (await scene.daemon.api("PUT", path, what="ban", until=1, reason="spam")).status == 200


async def revoke(scene: Scene) -> None:
    assert (await scene.daemon.api("POST", "/v1/users/bob/revoke")).status == 200


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path, media=MEDIA)) as running:
        yield running


@pytest.mark.parametrize("change", [recall, edit, remove, delete, disable, ban, revoke])
async def test_what_is_taken_away_is_fetched_no_more(
    daemon: RunningDaemon, change: Callable[[Scene], Awaitable[None]]
) -> None:
    alice = await TestClient.connect(daemon.url, "alice")
    url = (await alice.say_hello(features=["media"]))["media"]["url"]
    file = await MediaClient(url, token_for("alice")).upload(DATA)
    room = await alice.create_group("group", "bob")
    seq = (await alice.mutate("send", room, body=attached(file)))["seq"]
    token = earlier_token("bob")
    bob = await TestClient.connect(daemon.url, "bob", token=token)
    await bob.say_hello()
    places = [{"room": room, "seq": seq, "file": file}]
    (link,) = (await bob.request({"type": "file.link", "places": places}))["links"]
    scene, path = Scene(daemon, alice, room, seq), f"{room}/{seq}/{file}"
    by_link = link["url"].removeprefix(f"{url}/v1/media/")
    async with asyncio.TaskGroup() as fetching:
        for _ in range(2):
            fetching.create_task(scene.fetch(MediaClient(url, token), path))
            fetching.create_task(scene.fetch(MediaClient(url, ""), by_link))
        await scene.fetched.wait()
        assert {status for _, status in scene.statuses} == {200}
        await change(scene)
        scene.is_over = True
    assert 200 not in {status for began_after, status in scene.statuses if began_after}
