"""Files from a sender to others and back to nobody: over real sockets, with the process that a daemon starts."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pyvips

from chatd.cli.media_files import compared
from chatd.jobs.media import Collector
from tests.kit import http
from tests.kit.client import TestClient
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.media_client import BYTES, MediaClient, attached
from tests.kit.tokens import token_for
from tests.kit.waiting import until

MEDIA = {"enabled": True, "address": "127.0.0.1:0", "inspectors": 1}
TEXT = b"what was said about the bicycle\n" * 1000


@dataclass
class Person:
    chat: TestClient
    files: MediaClient


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path, media=MEDIA)) as running:
        yield running


async def person(daemon: RunningDaemon, user: str) -> Person:
    chat = await TestClient.connect(daemon.url, user)
    offer = (await chat.say_hello(features=["media"]))["media"]
    return Person(chat, MediaClient(offer["url"], token_for(user)))


async def test_a_file_is_uploaded_sent_fetched_and_recalled(daemon):
    alice, bob, eve = [await person(daemon, user) for user in ("alice", "bob", "eve")]
    room = await alice.chat.create_group("Bicycle", "bob")
    file = await alice.files.upload(TEXT, filename="bicycle.txt", filetype="text/plain")
    assert (await alice.files.fetch(f"own/{file}")).body == TEXT
    assert (await bob.files.fetch(f"own/{file}")).status == 404
    sent = await alice.chat.mutate("send", room, body=attached(file, name="bicycle.txt"))
    place = f"{room}/{sent['seq']}/{file}"
    event = await bob.chat.next_event(room, "message")
    (shown,) = event["body"]["attachments"]
    assert (shown["url"], shown["size"], shown["name"]) == (f"media:{file}", len(TEXT), "bicycle.txt")
    fetched = await bob.files.fetch(place)
    assert (fetched.status, fetched.body) == (200, TEXT)
    assert fetched.headers["content-disposition"].startswith("attachment")
    part = await bob.files.fetch(place, Range="bytes=5-9")
    assert (part.status, part.body) == (206, TEXT[5:10])
    assert (await eve.files.fetch(place)).status == 404
    await alice.chat.recall(room, sent["seq"])
    assert (await bob.files.fetch(place)).status == 404


async def test_a_link_opens_a_file_for_its_user_as_long_as_they_may_see_it(daemon):
    alice, bob = [await person(daemon, user) for user in ("alice", "bob")]
    room = await alice.chat.create_group("Bicycle", "bob")
    file = await alice.files.upload(TEXT)
    sent = await alice.chat.mutate("send", room, body=attached(file, name="bicycle.txt"))
    places = [{"room": room, "seq": sent["seq"], "file": file}]
    (link,) = (await bob.chat.request({"type": "file.link", "places": places}))["links"]
    assert (await http.request(link["url"])).body == TEXT
    assert (await daemon.api("POST", "/v1/media/links/rotate")).status == 200
    await until_served(alice.files)
    assert (await http.request(link["url"])).status == 401
    (link,) = (await bob.chat.request({"type": "file.link", "places": places}))["links"]
    assert (await http.request(link["url"])).body == TEXT
    await alice.chat.mutate("members.remove", room, users=["bob"])
    assert (await http.request(link["url"])).status == 404


async def until_served(files: MediaClient) -> None:
    """Wait until a process that was replaced has a successor: what comes meanwhile waits in the listener."""
    assert (await files.fetch("own/" + "a" * 22)).status == 404


async def test_an_upload_goes_on_when_the_process_was_killed(daemon):
    alice = await person(daemon, "alice")
    begun = await alice.files.begin(len(TEXT))
    file = begun.headers["location"].rpartition("/")[2]
    assert (await alice.files.append(file, TEXT[:1000])).status == 204
    (child,) = daemon._daemon.children._children.values()
    os.kill(child.pid, signal.SIGKILL)
    while child.state == "ok":
        await asyncio.sleep(0.01)
    stands = await alice.files.head(file)
    offset = int(stands.headers["upload-offset"])
    assert offset <= 1000
    await alice.files.end(file, TEXT[offset:], offset)
    assert (await alice.files.fetch(f"own/{file}")).body == TEXT


async def test_what_was_stored_is_there_after_a_restart(daemon):
    alice = await person(daemon, "alice")
    file = await alice.files.upload(TEXT)
    await daemon.restart()
    alice = await person(daemon, "alice")
    assert (await alice.files.fetch(f"own/{file}")).body == TEXT


async def test_a_file_that_is_taken_down_leaves_every_place_and_the_disk(daemon, tmp_path):
    alice, bob = [await person(daemon, user) for user in ("alice", "bob")]
    room = await alice.chat.create_group("Bicycle", "bob")
    file = await alice.files.upload(TEXT)
    sent = await alice.chat.mutate("send", room, body=attached(file, name="bicycle.txt"))
    media = tmp_path / "media"
    (stored,) = media.glob(f"objects/*/{file}")
    answer = await daemon.api("DELETE", f"/v1/files/{file}?block=true")
    assert answer.status == 200, answer.body
    assert (await bob.files.fetch(f"{room}/{sent['seq']}/{file}")).status == 404
    app = daemon.app
    while app.media.service.condition is None:
        await asyncio.sleep(0.01)
    await Collector(app.store, app.context.env, app.writer, app.media.service.delete).collect()
    assert not stored.exists()
    assert not list(compared(media, daemon.database, contents=True).problems)
    begun = await bob.files.begin(len(TEXT))
    again = await bob.files.append(begun.headers["location"].rpartition("/")[2], TEXT)
    assert (again.status, again.json["code"]) == (403, "rejected")


async def test_the_host_sees_what_a_user_has_and_moderators_see_the_bytes(daemon):
    alice = await person(daemon, "alice")
    file = await alice.files.upload(TEXT, filename="a.txt")
    (row,) = (await daemon.api("GET", "/v1/users/alice/files")).json["files"]
    assert (row["file"], row["name"], row["size"]) == (file, "a.txt", len(TEXT))
    key = (await daemon.api("POST", "/v1/keys", name="moderators", scopes=["moderation"])).json["secret"]
    assert (await MediaClient(alice.files.url, key).fetch(f"own/{file}")).body == TEXT
    other = (await daemon.api("POST", "/v1/keys", name="others", scopes=["users"])).json["secret"]
    assert (await MediaClient(alice.files.url, other).fetch(f"own/{file}")).status in (403, 404)
    assert (await http.request(daemon.app.context.media.host_link(file))).body == TEXT


async def test_a_picture_has_what_its_message_says_and_a_broken_one_is_refused(daemon):
    for package in ("pyvips", "pillow_heif", "av"):
        pytest.importorskip(package, reason="what opens pictures is not installed")
    from tests.kit.media_samples import picture

    alice, bob = [await person(daemon, user) for user in ("alice", "bob")]
    room = await alice.chat.create_group("Bicycle", "bob")
    file = await alice.files.upload(picture("jpeg", 1600, 900), "picture", filetype="image/png")
    sent = await alice.chat.mutate("send", room, body=attached(file, "image/png"))
    (shown,) = sent["event"]["body"]["attachments"]
    assert (shown["mime"], shown["kind"], shown["width"], shown["height"]) == (
        "image/jpeg",
        "picture",
        1600,
        900,
    )
    place = f"{room}/{sent['seq']}/{file}"
    whole = await bob.files.fetch(place)
    assert (whole.status, whole.headers["content-type"], len(whole.body)) == (
        200,
        "image/jpeg",
        shown["size"],
    )
    for size in shown["sizes"]:
        part = await bob.files.fetch(f"{place}/{size}")
        assert part.body.startswith(b"\xff\xd8")
        assert len(part.body) < shown["size"]
    begun = await alice.files.begin(1000, "picture")
    broken = begun.headers["location"].rpartition("/")[2]
    refused = await alice.files.append(broken, bytes(1000))
    assert (refused.status, refused.json["code"]) == (415, "not_supported")
    assert (await alice.files.head(broken)).status == 415
    # More than any disk has: refused for good, not until there is space.
    vast = await alice.files.begin(1 << 50)
    assert (vast.status, vast.json) == (413, {"code": "too_large", "field": "length"})


async def test_what_came_of_an_upload_is_kept_when_the_daemon_stops(daemon, tmp_path):
    """Also the bytes that nobody has synced yet: the process does it when it ends."""
    alice, content = await person(daemon, "alice"), TEXT * 10
    file = (await alice.files.begin(len(content))).headers["location"].rpartition("/")[2]
    parts = urlsplit(alice.files.url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = (
        f"PATCH /v1/files/{file} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token_for('alice')}\r\n"
        f"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: {BYTES}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    writer.write(head.encode() + content[:200_000])
    written = tmp_path / "media" / "incoming" / file
    await until(lambda: written.exists() and written.stat().st_size > 0)
    size = written.stat().st_size
    await daemon.restart()
    writer.transport.abort()
    alice = await person(daemon, "alice")
    offset = int((await alice.files.head(file)).headers["upload-offset"])
    assert size <= offset <= 200_000
    await alice.files.end(file, content[offset:], offset)
    assert (await alice.files.fetch(f"own/{file}")).body == content


async def test_the_host_uploads_for_users_and_offers_stickers_to_everybody(daemon):
    alice, bob = [await person(daemon, user) for user in ("alice", "bob")]
    key = (await daemon.api("POST", "/v1/keys", name="app", scopes=["media"])).json["secret"]
    host = MediaClient(alice.files.url, key)
    given = await host.upload(TEXT, owner="bob")
    assert (await bob.files.fetch(f"own/{given}")).body == TEXT
    assert (await alice.files.begin(len(TEXT), owner="bob")).status == 403
    png = pyvips.Image.black(64, 64, bands=3).pngsave_buffer()
    sticker = await host.upload(png, "sticker", filename="cat.png", filetype="image/png")
    public = f"{alice.files.url}/v1/media/public/{sticker}"
    assert (await http.request(public)).status == 404
    assert (await daemon.api("PUT", "/v1/stickers/cat", file=given)).status == 404
    assert (await daemon.api("PUT", "/v1/stickers/cat", file=sticker)).status == 200
    assert (await http.request(public)).status == 200
    assert (await daemon.api("GET", "/v1/stickers")).json == {"stickers": [{"name": "cat", "file": sticker}]}
    assert (await daemon.api("PUT", "/v1/stickers/asleep", file=sticker)).status == 200
    first = await alice.chat.request({"type": "sticker.list", "limit": 1})
    assert (first["stickers"], first["more"]) == ([{"name": "asleep", "file": sticker}], "asleep")
    rest = await alice.chat.request({"type": "sticker.list", "more": first["more"]})
    assert (rest["stickers"], "more" in rest) == ([{"name": "cat", "file": sticker}], False)
    assert (await daemon.api("DELETE", "/v1/stickers/asleep")).status == 200
    room = await alice.chat.create_group("Bicycle", "bob")
    sent = await alice.chat.mutate("send", room, body=attached(sticker, "image/png"))
    (shown,) = sent["event"]["body"]["attachments"]
    place = f"{room}/{sent['seq']}/{shown['url'].removeprefix('media:')}"
    assert (await daemon.api("DELETE", "/v1/stickers/cat")).status == 200
    assert (await http.request(public)).status == 404
    assert (await bob.files.fetch(place)).status == 200
