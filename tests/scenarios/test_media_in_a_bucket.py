"""Files that lie in a bucket: sent, fetched and recalled over real sockets, with a store that is not ours."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatd.cli.bucket_files import compared_in_bucket
from chatd.cli.exits import Failure
from chatd.config.media import S3
from chatd.jobs.media import Collector
from chatd.media.engines.bucket import Bucket
from chatd.media.layout import key_of
from tests.kit import http
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.media_client import attached
from tests.kit.object_stores import ObjectStore, object_store
from tests.scenarios.test_media import TEXT, person

REDIRECT_S = 60


def media_in(store: ObjectStore, **other: Any) -> dict[str, Any]:
    s3 = S3(**store.settings, redirect_s=REDIRECT_S)
    return {"enabled": True, "address": "127.0.0.1:0", "inspectors": 1, "engine": "s3", "s3": s3, **other}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    async with object_store("rclone", tmp_path) as running:
        yield running


@pytest.fixture
async def daemon(store: ObjectStore, tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path, media=media_in(store))) as running:
        yield running


async def opened(files, path: str) -> http.Answer:
    """Wait until the process has looked at the bucket; return the answer to a fetch."""
    while (answer := await files.fetch(path)).status == 503:
        await asyncio.sleep(0.02)
    return answer


def compared(daemon: RunningDaemon, store: ObjectStore, tmp_path: Path):
    return compared_in_bucket(S3(**store.settings), tmp_path / "media", daemon.database, contents=True)


async def test_a_file_in_a_bucket_is_sent_fetched_and_recalled(daemon, store, tmp_path):
    alice, bob, eve = [await person(daemon, user) for user in ("alice", "bob", "eve")]
    room = await alice.chat.create_group("Bicycle", "bob")
    file = await alice.files.upload(TEXT, filename="自行车.html", filetype="text/html")
    sent = await alice.chat.mutate("send", room, body=attached(file, name="自行车.html"))
    place = f"{room}/{sent['seq']}/{file}"
    sent_on = await opened(bob.files, place)
    assert (sent_on.status, sent_on.body) == (302, b"")
    assert sent_on.headers["cache-control"] == f"private, max-age={REDIRECT_S // 2}"
    assert "etag" not in sent_on.headers
    address = sent_on.headers["location"]
    assert f"X-Amz-Expires={REDIRECT_S}&" in address
    fetched = await http.request(address)
    assert (fetched.status, fetched.body) == (200, TEXT)
    # What was sent as a page is none, in the origin of the bucket either.
    assert fetched.headers["content-type"] == "application/octet-stream"
    assert fetched.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E8")
    looked = await bob.files._ask("HEAD", f"/v1/media/{place}")
    assert (looked.status, looked.headers["content-length"]) == (200, str(len(TEXT)))
    known = await bob.files.fetch(place, **{"If-None-Match": looked.headers["etag"]})
    assert known.status == 304
    assert (await bob.files.fetch(place, Range=f"bytes={len(TEXT)}-")).status == 416
    assert (await eve.files.fetch(place)).status == 404
    assert not list(compared(daemon, store, tmp_path).problems)
    assert not [path for path in (tmp_path / "media").rglob(f"{file}*") if path.is_file()]
    await alice.chat.recall(room, sent["seq"])
    assert (await bob.files.fetch(place)).status == 404


async def test_a_link_that_ends_soon_leads_no_further_than_that(daemon):
    alice = await person(daemon, "alice")
    room = await alice.chat.create_group("Bicycle", "bob")
    file = await alice.files.upload(TEXT)
    sent = await alice.chat.mutate("send", room, body=attached(file, name="a"))
    places = [{"room": room, "seq": sent["seq"], "file": file}]
    (link,) = (await alice.chat.request({"type": "file.link", "places": places}))["links"]
    await opened(alice.files, f"own/{file}")
    sent_on = await http.request(link["url"])
    assert (await http.request(sent_on.headers["location"])).body == TEXT


async def test_what_is_taken_down_leaves_the_bucket_and_what_is_lost_is_named(daemon, store, tmp_path):
    alice = await person(daemon, "alice")
    gone, lost = await alice.files.upload(TEXT), await alice.files.upload(TEXT + b"more")
    assert (await daemon.api("DELETE", f"/v1/files/{gone}?block=true")).status == 200
    app = daemon.app
    while app.media.service.condition is None:
        await asyncio.sleep(0.01)
    await Collector(app.store, app.context.env, app.writer, app.media.service.delete).collect()
    found = compared(daemon, store, tmp_path)
    assert (found.objects, list(found.problems)) == (1, [])
    obstore = pytest.importorskip("obstore")
    bucket, stranger = Bucket(S3(**store.settings)).store, "a" * 22
    obstore.put(bucket, key_of(lost), b"x")
    assert compared(daemon, store, tmp_path).damaged == [lost]
    obstore.delete(bucket, key_of(lost))
    obstore.put(bucket, key_of(stranger), b"x")
    found = compared(daemon, store, tmp_path)
    assert (found.missing, [one.name for one in found.unknown]) == ([lost], [stranger])
    store.write_key("aWrongSecretOfTests")
    with pytest.raises(Failure, match="refuses the key: SignatureDoesNotMatch"):
        compared(daemon, store, tmp_path)


async def test_while_the_bucket_is_away_chat_goes_on_uploads_wait_and_operators_know(tmp_path):
    async with (
        object_store("rclone", tmp_path) as store,
        running_daemon(config_for(tmp_path, media=media_in(store))) as daemon,
    ):
        alice = await person(daemon, "alice")
        room = await alice.chat.create_group("Bicycle", "bob")
        first = await alice.files.upload(TEXT)
        assert (await opened(alice.files, f"own/{first}")).status == 302
        await store.stop()
        begun = await alice.files.begin(len(TEXT))
        second = begun.headers["location"].rpartition("/")[2]
        appending = asyncio.create_task(alice.files.append(second, TEXT))
        await alice.chat.mutate("send", room, body={"text": "chat goes on"})

        def taken() -> list[list[str]]:
            return [path.read_text().split()[:1] for path in tmp_path.glob(f"**/incoming/{second}.at")]

        # A look would end the append, as the newest request of an upload does.
        while taken() != [[str(len(TEXT))]]:
            await asyncio.sleep(0.02)
        # A daemon that starts now does so, and loses nothing that waits.
        appending.cancel()
        await asyncio.gather(appending, return_exceptions=True)
        await daemon.restart()
        alice = await person(daemon, "alice")
        assert (await alice.files.fetch(f"own/{first}")).status == 503
        while "media" not in daemon.app.store.troubles.now:
            await asyncio.sleep(0.05)
        assert "cannot be reached" in daemon.app.store.troubles.now["media"].why
        await store.start()
        while (await alice.files.head(second)).headers.get("chatd-file") != "ready":
            await asyncio.sleep(0.05)
        sent_on = await opened(alice.files, f"own/{second}")
        assert (await http.request(sent_on.headers["location"])).body == TEXT


async def test_pages_of_the_web_client_may_load_from_the_bucket(daemon, store):
    assert daemon.app.media_urls == (daemon.app.media_url, store.endpoint)
