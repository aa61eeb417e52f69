"""Live notes through a daemon, its process of media and real sockets: who hears what, and what ends it."""

import asyncio
import os
import signal

import pytest

from chatd.media.ogg import Note, without_comments
from tests.kit.client import TestClient
from tests.kit.daemon import config_for, running_daemon
from tests.kit.live_notes import Listener, pages
from tests.kit.media_client import MediaClient, attached
from tests.kit.tokens import token_for
from tests.kit.waiting import until

MEDIA = {"enabled": True, "address": "127.0.0.1:0", "inspectors": 1}
NOTE = pages(4)
WHOLE = b"".join(NOTE)
KEPT = b"".join(without_comments([WHOLE], Note()))
BEGINNING = len(b"".join(NOTE[:3]))


class Scene:
    """Alice speaks in a room with Bob and Carol, who have it on screen."""

    def __init__(self, daemon, alice, bob, carol, room):
        self.daemon, self.alice, self.bob, self.carol, self.room = daemon, alice, bob, carol, room
        self.url = daemon.app.context.media.url
        self.files = MediaClient(self.url, token_for("alice"))
        self.file = ""

    @classmethod
    async def open(cls, daemon):
        people = [await TestClient.connect(daemon.url, name) for name in ("alice", "bob", "carol")]
        for person in people:
            await person.say_hello()
        alice, bob, carol = people
        room = await alice.create_group("group", "bob", "carol")
        for person in people:
            await person.request({"type": "focus", "rooms": [room]})
        return cls(daemon, alice, bob, carol, room)

    async def begin(self):
        begun = await self.files.begin(None, "voice", live=self.room)
        assert begun.status == 201, begun
        self.file = begun.headers["location"].rpartition("/")[2]

    async def speak(self, start, stop, **headers):
        done = await self.files.append(self.file, WHOLE[start:stop], start, **headers)
        assert done.status == 204, done
        return done

    def address(self, offset=0, file=None, room=None):
        return f"{self.url}/v1/media/live/{room or self.room}/{file or self.file}?from={offset}"

    async def listen(self, user="bob", offset=0):
        return await Listener.open(self.address(offset), token_for(user))

    async def status(self, user="bob", **other):
        listener = await Listener.open(self.address(**other), token_for(user) if user else "")
        await until(lambda: listener.status)
        await listener.close()
        return listener.status


@pytest.fixture
async def scene(tmp_path):
    async with running_daemon(config_for(tmp_path, media=MEDIA)) as daemon:
        yield await Scene.open(daemon)


async def test_a_note_is_heard_while_it_is_spoken_then_sent(scene):
    await scene.begin()
    await scene.speak(0, BEGINNING)
    push = await scene.bob.receive("voice")
    assert push == {"type": "voice", "room": scene.room, "user": "alice", "file": scene.file, "state": "live"}
    early = await scene.listen()
    await until(lambda: early.heard)
    assert KEPT.startswith(early.heard)
    assert (early.status, "audio/ogg" in early.headers, "no-store" in early.headers) == (200, True, True)
    late = await scene.listen("carol", offset=len(early.heard))
    await scene.speak(BEGINNING, len(WHOLE) - 100)
    await until(lambda: late.heard)
    said = {"Upload-Length": str(len(WHOLE))}
    await scene.files.end(scene.file, WHOLE[-100:], len(WHOLE) - 100, **said)
    await asyncio.gather(early.ended(), late.ended())
    assert early.heard == KEPT
    assert KEPT.endswith(late.heard)
    assert early.is_whole
    assert (await scene.bob.receive("voice"))["state"] == "done"
    assert await scene.status() == 410
    seq = (await scene.alice.mutate("send", scene.room, body=attached(scene.file, "audio/ogg")))["seq"]
    bob = MediaClient(scene.url, token_for("bob"))
    assert (await bob.fetch(f"{scene.room}/{seq}/{scene.file}")).body == KEPT


async def test_only_those_who_look_at_the_room_are_told(scene):
    await scene.carol.request({"type": "focus", "rooms": []})
    await scene.begin()
    await scene.speak(0, BEGINNING)
    await scene.bob.receive("voice")
    for person in (scene.alice, scene.carol):
        await person.expect_silence("voice")


async def test_what_is_dropped_is_cancelled(scene):
    await scene.begin()
    await scene.speak(0, BEGINNING)
    listener = await scene.listen()
    await until(lambda: listener.heard)
    assert (await scene.files.drop(scene.file)).status == 204
    await listener.ended()
    await scene.bob.receive("voice", state="cancelled")
    assert await scene.status() in (404, 410)


async def test_a_bad_page_ends_it(scene):
    await scene.begin()
    await scene.speak(0, BEGINNING)
    listener = await scene.listen()
    bad = await scene.files.append(scene.file, bytes(100), BEGINNING)
    assert (bad.status, bad.json["code"]) == (422, "unreadable")
    await listener.ended()
    assert KEPT.startswith(listener.heard)
    await scene.bob.receive("voice", state="cancelled")
    assert (await scene.files.head(scene.file)).status == 422


async def test_whoever_is_put_out_hears_no_more(scene):
    await scene.begin()
    await scene.speak(0, BEGINNING)
    bob, carol = await scene.listen("bob"), await scene.listen("carol")
    await until(lambda: bob.heard and carol.heard)
    await scene.alice.mutate("members.remove", scene.room, users=["bob"])
    await bob.ended()
    said = {"Upload-Length": str(len(WHOLE))}
    await scene.speak(BEGINNING, len(WHOLE), **said)
    await carol.ended()
    assert (bob.heard, carol.heard) == (KEPT[: len(bob.heard)], KEPT)
    assert len(bob.heard) < len(KEPT)
    assert await scene.status("bob") == 404


async def test_a_speaker_who_is_put_out_is_not_heard(scene):
    bob = scene.bob
    room = scene.room = await bob.create_group("group", "alice", "carol")
    await bob.request({"type": "focus", "rooms": [room]})
    await scene.begin()
    await scene.speak(0, BEGINNING)
    listener = await scene.listen()
    await until(lambda: listener.heard)
    await bob.mutate("members.remove", room, users=["alice"])
    await listener.ended()
    assert await scene.status() == 404


async def test_strangers_other_rooms_and_other_files_are_all_unknown(scene):
    await scene.begin()
    await scene.speak(0, BEGINNING)
    other = await scene.bob.create_group("other", "alice")
    unlike = scene.file[:-1] + ("A" if scene.file[-1] != "A" else "B")
    assert (
        await scene.status("mallory")
        == await scene.status(room=other)
        == await scene.status(file=unlike)
        == 404
    )
    plain = await scene.files.upload(WHOLE, "voice")
    assert await scene.status(file=plain) == 404
    assert await scene.status("") == 401
    assert await scene.status("bob", offset="x") == 400


async def test_a_link_opens_it_for_a_player(scene):
    await scene.begin()
    await scene.speak(0, BEGINNING)
    place = {"room": scene.room, "seq": 0, "file": scene.file}
    (link,) = (await scene.bob.request({"type": "file.link", "places": [place]}))["links"]
    stranger = await TestClient.connect(scene.daemon.url, "mallory")
    await stranger.say_hello()
    assert (await stranger.request({"type": "file.link", "places": [place]}))["links"] == []
    whole, rest = await Listener.open(link["url"], ""), await Listener.open(link["url"] + "&from=50", "")
    await until(lambda: whole.heard and rest.heard)
    assert whole.heard[50:] == rest.heard
    await asyncio.gather(whole.close(), rest.close())


@pytest.mark.parametrize("said", [{"kind": "file"}, {"kind": "voice", "length": 1000}])
async def test_a_live_note_is_a_voice_note_of_unknown_length(scene, said):
    begun = await scene.files.begin(said.get("length"), said["kind"], live=scene.room)
    assert (begun.status, begun.json["field"]) == (400, "live")


async def test_nobody_speaks_where_they_may_not_write(scene):
    room = await scene.bob.create_group("elsewhere", "carol")
    begun = await scene.files.begin(None, "voice", live=room)
    assert begun.status == 404


async def test_a_process_that_is_killed_in_the_middle_of_a_note_is_followed_by_one_that_goes_on(scene):
    child = scene.daemon._daemon.children._children["media"]
    await scene.begin()
    await scene.speak(0, BEGINNING)
    await scene.bob.receive("voice", state="live")
    first = await scene.listen()
    await until(lambda: first.heard)
    pid = child.pid
    os.kill(pid, signal.SIGKILL)
    await first.ended()
    assert not first.is_whole
    await until(lambda: child.state == "ok" and child.pid not in (0, pid))
    # A listener may come before the phone, and hears what is there.
    second = await scene.listen("bob", len(first.heard))
    early = await scene.listen("carol")
    await until(lambda: early.heard)
    await scene.bob.receive("voice", state="live")
    offset = int((await scene.files.head(scene.file)).headers["upload-offset"])
    assert KEPT[: len(first.heard)] == first.heard
    said = {"Upload-Length": str(len(WHOLE))}
    await scene.files.end(scene.file, WHOLE[offset:], offset, **said)
    await asyncio.gather(second.ended(), early.ended())
    assert first.heard + second.heard == early.heard == KEPT
    await scene.bob.receive("voice", state="done")
    own = await scene.files.fetch(f"own/{scene.file}")
    assert own.body == KEPT


async def test_one_long_request_is_heard_as_it_comes(scene):
    await scene.begin()
    reader, writer = await asyncio.open_connection(*scene.url.removeprefix("http://").split(":"))
    head = (
        f"PATCH /v1/files/{scene.file} HTTP/1.1",
        "Host: media",
        f"Authorization: Bearer {token_for('alice')}",
        "Tus-Resumable: 1.0.0",
        "Upload-Offset: 0",
        f"Upload-Length: {len(WHOLE)}",
        "Content-Type: application/offset+octet-stream",
        "Transfer-Encoding: chunked",
    )
    writer.write("\r\n".join((*head, "", "")).encode())
    for page in NOTE[:2]:
        writer.write(chunk(page))
    await scene.bob.receive("voice", state="live")
    listener = await scene.listen()
    for number in range(2, len(NOTE)):
        writer.write(chunk(NOTE[number]))
        end = len(KEPT) - len(b"".join(NOTE[number + 1 :]))
        await until(lambda end=end: len(listener.heard) == end)
    writer.write(b"0\r\n\r\n")
    assert (await reader.readuntil(b"\r\n")).split()[1] == b"204"
    await listener.ended()
    writer.close()
    assert listener.heard == KEPT


def chunk(content):
    return b"%x\r\n%b\r\n" % (len(content), content)
