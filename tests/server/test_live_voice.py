"""Pushes about live notes: to whom, in which order, and never to those who block the speaker."""

import pytest

from chatd.core.files import BeginFile
from chatd.media.interface import Live
from chatd.server.live_voice import LiveVoice
from chatd.writer.submission import submit_and_wait
from tests.kit.inprocess import in_process

FILE = "Fz3kQ0aaaaaaaaaaaaaaaa"
OPTIONS = {
    "people": {"enabled": True},
    "media": {"enabled": True, "address": "127.0.0.1:0"},
    "delivery": {"typing_members": 3},
}


@pytest.fixture
async def server(tmp_path):
    async with in_process(tmp_path, **OPTIONS) as server:
        yield server


class Scene:
    """Ann, Bob and Cat, who are friends, in a room that all have on screen, where Bob speaks."""

    @classmethod
    async def open(cls, server):
        scene = cls()
        scene.server = server
        scene.clients = [
            await server.connect(user, features=["account", "people"]) for user in ("ann", "bob", "cat")
        ]
        for one in scene.clients:
            for other in scene.clients:
                if one is not other:
                    await one.request(type="friend.request", user=other.session.user)
        scene.ann, scene.bob, scene.cat = scene.clients
        scene.room = await scene.ann.create_group("bob", "cat")
        for one in scene.clients:
            await one.request(type="focus", rooms=[scene.room])
        scene.voice = LiveVoice(server.store, server.app.context)
        begin = BeginFile(FILE, "bob", "a-key-of-bob", "voice", "message", None, room=scene.room)
        await submit_and_wait(server.app.context.writer.submit, "", begin)
        return scene

    async def told(self, state):
        for client in self.clients:
            client.take()
        await self.voice.on_state(Live(FILE, state))
        return [[push["state"] for push in client.take("voice")] for client in self.clients]


async def test_those_who_look_at_the_room_are_told(server):
    scene = await Scene.open(server)
    assert await scene.told("live") == [["live"], [], ["live"]]
    await scene.cat.request(type="focus", rooms=[])
    assert await scene.told("done") == [["done"], [], []]
    # It is over, and that is said once.
    assert await scene.told("cut") == [[], [], []]


async def test_neither_hears_of_the_other_who_is_blocked(server):
    scene = await Scene.open(server)
    assert (await scene.ann.request(type="contact.set", user="bob", blocked=True))["type"] == "ok"
    assert await scene.told("live") == [[], [], ["live"]]
    assert (await scene.bob.request(type="contact.set", user="cat", blocked=True))["type"] == "ok"
    assert await scene.told("live") == [[], [], []]


async def test_nobody_is_told_where_the_speaker_may_not_write(server):
    scene = await Scene.open(server)
    await scene.ann.request(type="members.remove", room=scene.room, users=["bob"], key="a-key-of-ann")
    assert await scene.told("live") == [[], [], []]


async def test_in_larger_rooms_nobody_is_told(server):
    scene = await Scene.open(server)
    dora = await server.connect("dora", features=["account", "people"])
    for one, other in ((dora, "ann"), (scene.ann, "dora")):
        await one.request(type="friend.request", user=other)
    await scene.ann.request(type="members.add", room=scene.room, users=["dora"], key="a-key-of-ann")
    assert await scene.told("live") == [[], [], []]


async def test_of_an_upload_that_is_no_live_note_nobody_is_told(server):
    scene = await Scene.open(server)
    await scene.voice.on_state(Live("Ab3kQ0aaaaaaaaaaaaaaaa", "live"))
    assert all(not client.take("voice") for client in scene.clients)


async def test_when_the_process_is_gone_all_notes_are_over(server):
    scene = await Scene.open(server)
    await scene.told("live")
    await scene.voice.on_state(None)
    assert await scene.told("done") == [[], [], []]
