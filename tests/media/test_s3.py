"""Objects in a bucket, of two stores: one with ranges and without signatures, one that checks signatures."""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from chatd.config.media import S3
from chatd.config.secret import Secret
from chatd.media.disk import SystemDisk
from chatd.media.downloads import Allowed, Elsewhere, redirect, shown_as
from chatd.media.engines.bucket import Bucket
from chatd.media.engines.local import LocalObjects
from chatd.media.engines.s3 import PART_BYTES, S3Objects
from chatd.media.layout import key_of
from chatd.protocol.errors import Unavailable
from chatd.server.system_env import SystemEnv
from chatd.storage.media import StoredObject
from tests.kit import http
from tests.kit.object_stores import SECRET, STORES, ObjectStore, object_store
from tests.kit.waiting import until

NAME, OTHER = "Fz3kQ0aaaaaaaaaaaaaaaa", "Fz3kQ0aaaaaaaaaaaaaaaa-m"
SHOWN = {
    "Content-Type": "image/jpeg",
    "Content-Disposition": "inline; filename*=UTF-8''%E8%87%AA%E8%A1%8C%E8%BD%A6.jpg",
    "Cache-Control": "private, max-age=60, immutable",
}


@pytest.fixture(params=STORES)
async def store(request, tmp_path) -> AsyncIterator[ObjectStore]:
    async with object_store(request.param, tmp_path) as running:
        yield running


@pytest.fixture
async def signing(tmp_path) -> AsyncIterator[ObjectStore]:
    async with object_store("rclone", tmp_path) as running:
        yield running


@asynccontextmanager
async def opened(store: ObjectStore, **other: str) -> AsyncIterator[S3Objects]:
    """Open the bucket, and look at it as the process does."""
    disk, directory = SystemDisk(), store.directory / "media"
    directory.mkdir(exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        local = LocalObjects(directory, disk, pool)
        objects = S3Objects(S3(**(store.settings | other)), local, disk, pool, SystemEnv())
        await objects.prepare()
        watching = asyncio.create_task(objects.watch())
        try:
            await until(lambda: objects.problem or objects._works)
            yield objects
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def put(objects: S3Objects, directory: Path, data: bytes, name: str = NAME) -> None:
    source = directory / "source"
    source.write_bytes(data)
    await objects.put(name, source)
    assert not source.exists()


async def test_what_is_put_is_there_and_what_is_deleted_is_not(store, tmp_path):
    async with opened(store) as objects:
        for size in (0, 1000, PART_BYTES + 1000):
            await check_life(objects, tmp_path, bytes(range(250)) * (size // 250))


async def check_life(objects: S3Objects, tmp_path: Path, data: bytes) -> None:
    assert await objects.size(NAME) is None
    await put(objects, tmp_path, data)
    assert await objects.size(NAME) == len(data)
    # As it was brought, then as it lies there.
    assert [await objects.digest(NAME) for _ in range(2)] == [sha256(data).digest()] * 2
    await put(objects, tmp_path, b"other", OTHER)
    # Twice, and with one that never was: what was asked for is the state, not the change.
    for _ in range(2):
        await objects.delete([NAME, "Gz3kQ0aaaaaaaaaaaaaaaa"])
        assert await objects.size(NAME) is None
    assert await objects.size(OTHER) == 5


async def test_an_address_says_how_its_object_is_shown_and_without_one_it_is_a_download(store, tmp_path):
    async with opened(store) as objects:
        await put(objects, tmp_path, b"<script>alert(1)</script>")
        shown = await http.request(objects.address(NAME, 60, SHOWN))
        assert (shown.status, shown.body) == (200, b"<script>alert(1)</script>")
        assert {name: shown.headers[name.lower()] for name in SHOWN} == SHOWN
        plain = await http.request(objects.address(NAME, 60, {}))
        assert plain.headers["content-type"] == "application/octet-stream"
        assert plain.headers["content-disposition"] == "attachment"


async def test_a_part_of_an_object_is_fetched(tmp_path):
    async with object_store("moto", tmp_path) as store, opened(store) as objects:
        await put(objects, tmp_path, b"0123456789")
        part = await http.request(objects.address(NAME, 60, SHOWN), headers={"Range": "bytes=3-5"})
        assert (part.status, part.body, part.headers["content-range"]) == (206, b"345", "bytes 3-5/10")


async def test_an_address_that_was_changed_or_has_ended_opens_nothing(signing, tmp_path):
    async with opened(signing) as objects:
        for name in (NAME, OTHER):
            await put(objects, tmp_path, b"secret", name)
        address = objects.address(NAME, 60, SHOWN)
        bucket = objects._bucket
        assert bucket is not None
        key, now = key_of(NAME), SystemEnv().now_ms()
        wrong = {
            "another object": address.replace(NAME, OTHER),
            "a page": address.replace("image%2Fjpeg", "text%2Fhtml"),
            "shown": objects.address(NAME, 60, {**SHOWN, "Content-Disposition": "attachment"}).replace(
                "=attachment", "=inline"
            ),
            "longer": address.replace("Expires=60", "Expires=3600"),
            "unsigned": address.partition("?")[0],
            "of another key": replace(bucket.signer, secret=Secret("another")).address(key, now, 60, {}),
            "ended": bucket.signer.address(key, now - 3_600_000, 60, SHOWN),
        }
        assert (await http.request(address)).status == 200
        for what, changed in wrong.items():
            assert changed != address
            answer = await http.request(changed)
            assert (answer.status in (400, 401, 403), b"secret" in answer.body) == (True, False), what


async def test_what_is_wrong_with_a_bucket_is_said_and_no_secret_is(signing, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    async with opened(signing, bucket="another-bucket") as objects:
        assert objects.problem == "the bucket another-bucket is not there: make it, or change media.s3"
        with pytest.raises(Unavailable):
            objects.address(NAME, 60, SHOWN)
    async with opened(signing, key_file=str(tmp_path / "nothing")) as objects:
        assert "cannot be opened" in objects.problem
    signing.write_key("aWrongSecretOfTests")
    async with opened(signing) as objects:
        assert objects.problem == "the bucket files-of-users refuses the key: SignatureDoesNotMatch"
    (tmp_path / "key").chmod(0o644)
    async with opened(signing) as objects:
        assert "other users may open it" in objects.problem
    assert not [one for one in ("aWrongSecretOfTests", SECRET) if one in caplog.text]


async def test_while_the_bucket_is_away_objects_wait_and_nothing_is_fetched(signing, tmp_path, monkeypatch):
    monkeypatch.setattr("chatd.media.engines.s3.LOOK_S", 0.05)
    monkeypatch.setattr("chatd.media.engines.s3.RETRY_MAX_S", 0.05)
    async with opened(signing) as objects:
        await signing.stop()
        waiting = asyncio.create_task(put(objects, tmp_path, b"it waits"))
        await until(lambda: not objects._works)
        assert "cannot be reached" in objects.problem
        for asked in (objects.size(NAME), objects.delete([NAME])):
            with pytest.raises(Unavailable):
                await asked
        with pytest.raises(Unavailable):
            objects.address(NAME, 60, SHOWN)
        assert not waiting.done()
        await signing.start()
        await waiting
        await until(lambda: not objects.problem)
        assert (await http.request(objects.address(NAME, 60, {}))).body == b"it waits"


def test_an_address_ends_with_the_link_that_led_to_it():
    asked = []
    elsewhere = Elsewhere(
        lambda name, seconds, headers: asked.append((seconds, headers)) or "https://s/", 300
    )
    stored = StoredObject(NAME, "image/jpeg", 5, b"", "picture", "")
    for kept_s in (31_536_000, 7, 0):
        redirect(elsewhere, Allowed(stored, kept_s=kept_s), shown_as(stored))
    assert [seconds for seconds, _ in asked] == [300, 7, 1]
    assert asked[1][1]["Cache-Control"] == "private, max-age=7, immutable"


@pytest.mark.parametrize(
    ("error", "says"),
    {
        "<Code>NoSuchBucket</Code>": "is not there",
        "<Code>RequestTimeTooSkewed</Code>": "the clock of this machine is not that of the store",
        "<Code>InvalidAccessKeyId</Code>": "refuses the key: InvalidAccessKeyId",
        "<Code>AccessDenied</Code>": "refuses what chatd asks: AccessDenied",
        "error sending request\nwith more": "cannot be reached: error sending request",
    }.items(),
)
def test_errors_of_a_store_are_said_in_words(error, says, tmp_path):
    pytest.importorskip("obstore")
    store = ObjectStore("none", tmp_path, "http://127.0.0.1:9")
    store.write_key()
    said = str(Bucket(S3(**store.settings)).problem(Exception(error)))
    assert says in said
    assert "with more" not in said
