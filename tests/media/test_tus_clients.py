"""Clients of tus that are not ours, unmodified, against a daemon with its process: on good networks and on bad ones."""

import asyncio
import hashlib
import io
import json
import os
import random
import shutil
import signal
from urllib.parse import urlsplit

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from tests.kit.bad_network import bad_network
from tests.kit.client import fresh_key
from tests.kit.daemon import config_for, running_daemon
from tests.kit.media_client import MediaClient
from tests.kit.node import WEB
from tests.kit.node import node as node
from tests.kit.soak import scaled, seed_base
from tests.kit.tokens import token_for

SIZE = 3_000_000
BYTES = random.Random(11).randbytes(SIZE)
DIGEST = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
async def daemon(tmp_path):
    media = {"enabled": True, "address": "127.0.0.1:0", "inspectors": 1}
    async with running_daemon(config_for(tmp_path, media=media)) as running:
        running.media_url = running.app.context.media.url
        yield running


@pytest.fixture
def alice(daemon):
    return MediaClient(daemon.media_url, token_for("alice"))


async def stored(alice, location):
    answer = await alice.fetch(f"own/{location.rpartition('/')[2]}")
    assert answer.status == 200
    return hashlib.sha256(answer.body).hexdigest()


def tuspy(url, data=BYTES, **options):
    """Return what makes uploaders of tuspy for one file, each of which goes on where the last one stopped."""
    tus = TusClient(f"{url}/v1/files", headers={"Authorization": f"Bearer {token_for('alice')}"})
    metadata = {"key": fresh_key(), "kind": "file", "filename": "Ä.bin"}

    def uploader(location=None):
        return tus.uploader(file_stream=io.BytesIO(data), url=location, metadata=metadata, **options)

    return uploader


class TestTuspy:
    async def test_it_uploads(self, daemon, alice):
        for options in {}, {"chunk_size": 700_001}, {"chunk_size": 1 << 20, "upload_checksum": True}:
            uploader = tuspy(daemon.media_url, **options)()
            await asyncio.to_thread(uploader.upload)
            assert await stored(alice, uploader.url) == DIGEST, options

    async def test_it_goes_on_where_it_stopped(self, daemon, alice):
        make = tuspy(daemon.media_url, chunk_size=500_000)
        first = make()
        await asyncio.to_thread(first.upload, 1_000_000)
        second = await asyncio.to_thread(make, first.url)
        assert second.offset == 1_000_000
        await asyncio.to_thread(second.upload)
        assert await stored(alice, first.url) == DIGEST


@pytest.mark.parametrize("seed", range(seed_base(), seed_base() + scaled(1, 20)))
async def test_whatever_the_network_does_and_the_process_dies_of_every_byte_arrives(daemon, alice, seed):
    """Four phones; connections break after at most 400 kB, some on one side alone; the process is killed twice."""
    chance = random.Random(seed)
    kills = sorted(chance.randrange(SIZE) for _ in range(2))
    (child,) = daemon._daemon.children._children.values()

    def on_bytes(count):
        if kills and count > kills[0] and child.state == "ok":
            kills.pop(0)
            os.kill(child.pid, signal.SIGKILL)

    async with bad_network(urlsplit(daemon.media_url).port, seed, 400_000, on_bytes) as network:
        urls = await asyncio.gather(
            *(_survived(f"http://127.0.0.1:{network.port}", chance) for _ in range(4))
        )
    assert (network.breaks > 10, kills) == (True, []), seed
    assert [await stored(alice, url) for url in urls] == [DIGEST] * 4, seed


async def _survived(url, chance):
    """Upload with tuspy, which is asked again whenever it gives up, as an app does; return the location."""
    make = tuspy(url, chunk_size=chance.choice([100_000, 1 << 20, SIZE]))
    location, is_whole = None, False
    while not is_whole:
        uploader = None
        try:
            uploader = await asyncio.to_thread(make, location)
            await asyncio.to_thread(uploader.upload)
            is_whole = True
        except (OSError, TusCommunicationError):
            pass
        if uploader is not None:
            location = uploader.url
    return location


SCRIPT = """
import { readFileSync } from "node:fs";
import tus from "tus-js-client";
const { url, token, key, path, options, stopAt } = JSON.parse(readFileSync(0, "utf8"));
const data = readFileSync(path);
const begin = (more) => new Promise((resolve, reject) => {
  const upload = new tus.Upload(data, {
    endpoint: `${url}/v1/files`,
    headers: { Authorization: `Bearer ${token}` },
    metadata: { key, kind: "file", filename: "Ä.bin" },
    retryDelays: Array(200).fill(10),
    storeFingerprintForResuming: false,
    ...options,
    ...more,
    onError: reject,
    onSuccess: () => resolve(upload.url),
    onProgress: (sent) => {
      if (more.stopAt && sent >= more.stopAt) upload.abort().then(() => resolve(upload.url));
    },
  });
  upload.start();
});
let location = null;
if (stopAt) location = await begin({ stopAt });
console.log(await begin(location ? { uploadUrl: location } : {}));
"""


@pytest.fixture
def tus_js(node, tmp_path):
    """Returns a function that uploads with tus-js-client and returns the location."""
    if not (WEB / "node_modules" / "tus-js-client").exists():
        pytest.skip("tus-js-client is not installed: npm ci in web/")
    script, path = WEB / "node_modules" / f".upload-{os.getpid()}.mjs", tmp_path / "bytes"
    script.write_text(SCRIPT)
    path.write_bytes(BYTES)

    async def upload(url, options=None, stop_at=0):
        wanted = {
            "url": url, "token": token_for("alice"), "key": fresh_key(), "path": str(path),
            "options": options or {}, "stopAt": stop_at,
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            node.node,
            script,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, failed = await process.communicate(json.dumps(wanted).encode())
        assert process.returncode == 0, failed.decode()
        return said.decode().strip()

    yield upload
    script.unlink()


class TestTusJs:
    async def test_it_uploads(self, daemon, alice, tus_js):
        for options in (
            {},
            {"chunkSize": 700_001, "uploadDataDuringCreation": True},
            {"overridePatchMethod": True},
            {"uploadLengthDeferred": True, "chunkSize": 1_000_000},
        ):
            assert await stored(alice, await tus_js(daemon.media_url, options)) == DIGEST, options

    async def test_it_goes_on_where_it_stopped(self, daemon, alice, tus_js):
        location = await tus_js(daemon.media_url, {"chunkSize": 300_000}, stop_at=1_000_000)
        assert await stored(alice, location) == DIGEST

    async def test_it_arrives_over_a_bad_network(self, daemon, alice, tus_js):
        async with bad_network(urlsplit(daemon.media_url).port, 5, 400_000) as network:
            location = await tus_js(f"http://127.0.0.1:{network.port}")
        assert network.breaks > 3
        assert await stored(alice, location) == DIGEST


async def test_curl_uploads_with_a_request_to_begin_and_one_to_end(daemon, alice, tmp_path):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    (tmp_path / "bytes").write_bytes(BYTES)
    file = (await alice.begin(SIZE)).headers["location"]
    process = await asyncio.create_subprocess_exec(
        curl, "-sS", "--fail", "-X", "PATCH", "-D", "-", f"{daemon.media_url}{file}",
        "-H", f"Authorization: Bearer {token_for('alice')}", "-H", "Tus-Resumable: 1.0.0", "-H", "Upload-Offset: 0",
        "-H", "Content-Type: application/offset+octet-stream", "--data-binary", f"@{tmp_path / 'bytes'}",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert b"Chatd-File: ready" in said
    assert await stored(alice, file) == DIGEST
