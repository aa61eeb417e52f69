"""Uploads over HTTP: who may, what is answered, on the listener with rows in memory."""

import os
import random
import socket
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from chatd.config.media import Media
from chatd.media.access import Access
from chatd.media.disk import SystemDisk
from chatd.media.engines.local import LocalObjects
from chatd.media.finishing import Finishing
from chatd.media.http.listener import HttpListener
from chatd.media.incoming import Incoming
from chatd.media.inspection import Refusal
from chatd.media.layout import path_of
from chatd.media.live import LiveNotes
from chatd.media.routes import Routes
from chatd.media.upload_requests import UploadRequests
from chatd.media.uploads import Parts, Uploads
from chatd.protocol.errors import Refused, Unavailable
from chatd.server.system_env import SystemEnv
from chatd.storage.media import Standing
from tests.kit import http
from tests.kit.media_rows_in_memory import CopyingInspector, MemoryRows

SIZE = 300_000
BYTES = random.Random(5).randbytes(SIZE)
KEY = "AZqxkQ7mPfR2"


class Server:
    """Uploads behind a listener, with clients that hold a token."""

    def __init__(self, directory, pool, url=""):
        env, disk = SystemEnv(), SystemDisk()
        self.directory, self.rows = directory, MemoryRows(env)
        self.inspector = CopyingInspector(disk, lambda descriptor: os.pread(descriptor, SIZE, 0))
        objects = LocalObjects(directory, disk, pool)
        incoming = Incoming(directory, disk)
        finishing = Finishing(incoming, objects, pool, self.rows, self.rows, self.inspector)
        live = LiveNotes(incoming, disk, pool, self.rows, env, 300_000)
        parts = Parts(directory, disk, pool, objects, self.rows, self.rows, env, 0)
        self.uploads = Uploads(parts, finishing, live)
        access = Access(self.rows, b"", env)
        requests = UploadRequests(
            Media(url=url, file_bytes=1 << 20), access, self.rows, self.rows, self.uploads, self.known
        )
        self.objects, self.listener = (
            objects,
            HttpListener(Routes((), {"/v1/files": requests}), env, pool, 100),
        )

    async def known(self):
        return self.inspector.libraries

    async def request(self, method, path, body=b"", token="bob", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        all_headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {token}"} | named
        url = f"http://127.0.0.1:{self.port}{path}"
        return await http.request(url, method, content=body, headers=all_headers)

    async def begin(self, length=SIZE, token="bob", body=b"", **said):
        values = {"key": KEY, "kind": "file"} | said
        metadata = ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in values.items())
        headers = {"Upload-Length": str(length)} if length is not None else {"Upload-Defer-Length": "1"}
        if body:
            headers["Content-Type"] = "application/offset+octet-stream"
        return await self.request("POST", "/v1/files", body, token, Upload_Metadata=metadata, **headers)

    async def append(self, location, body, offset=0, token="bob", **headers):
        named = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)} | headers
        return await self.request("PATCH", location, body, token, **named)

    def stored(self, location, suffix=""):
        return path_of(self.directory, location.rsplit("/", 1)[1] + suffix).read_bytes()


@asynccontextmanager
async def serving(directory, url=""):
    with ThreadPoolExecutor(2) as pool, socket.create_server(("127.0.0.1", 0)) as bound:
        server = Server(directory, pool, url)
        server.port = bound.getsockname()[1]
        await server.objects.prepare()
        await server.listener.start(bound)
        try:
            yield server
        finally:
            await server.listener.close(0)
            await server.uploads.close()


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """The 256 folders are made once."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture
async def server(directory):
    async with serving(directory) as server:
        yield server


async def test_an_upload_from_its_begin_to_its_end(server):
    begun = await server.begin()
    location = begun.headers["location"]
    assert (begun.status, begun.headers["upload-offset"], location[:10]) == (201, "0", "/v1/files/")
    part = await server.append(location, BYTES[:100_000])
    assert (part.status, part.headers["upload-offset"]) == (204, "100000")
    head = await server.request("HEAD", location)
    assert (head.status, head.headers["upload-offset"], head.headers["upload-length"]) == (
        200,
        "100000",
        "300000",
    )
    assert (head.headers["cache-control"], "upload-expires" in head.headers) == ("no-store", True)
    last = await server.append(location, BYTES[100_000:], 100_000)
    assert (last.status, last.headers["upload-offset"], last.headers["chatd-file"]) == (
        204,
        "300000",
        "ready",
    )
    assert server.stored(location) == BYTES
    assert (await server.request("HEAD", location)).headers["chatd-file"] == "ready"


async def test_bytes_may_come_with_the_begin(server):
    begun = await server.begin(body=BYTES)
    assert (begun.status, begun.headers["chatd-file"]) == (201, "ready")
    assert server.stored(begun.headers["location"]) == BYTES


async def test_a_file_may_be_empty(server):
    begun = await server.begin(0)
    assert (begun.status, begun.headers["chatd-file"]) == (201, "ready")
    assert server.stored(begun.headers["location"]) == b""


async def test_the_same_key_gives_the_first_upload_back(server):
    first = (await server.begin()).headers["location"]
    await server.append(first, BYTES[:1000])
    again = await server.begin()
    assert (again.headers["location"], again.headers["upload-offset"]) == (first, "1000")
    await server.append(first, BYTES[1000:], 1000)
    again = await server.begin()
    assert (again.headers["location"], again.headers["chatd-file"]) == (first, "ready")


async def test_an_offset_that_is_wrong_is_told_the_right_one(server):
    location = (await server.begin()).headers["location"]
    await server.append(location, BYTES[:1000])
    answer = await server.append(location, BYTES)
    assert (answer.status, answer.headers["upload-offset"], answer.json) == (
        409, "1000", {"code": "conflict", "field": "Upload-Offset"},
    )  # fmt: skip


async def test_a_checksum_that_is_wrong_has_a_status_of_its_own(server):
    location = (await server.begin()).headers["location"]
    header = f"sha1 {b64encode(bytes(20)).decode()}"
    answer = await server.append(location, BYTES, Upload_Checksum=header)
    assert (answer.status, answer.json) == (460, {"code": "bad_request", "field": "Upload-Checksum"})
    assert (await server.request("HEAD", location)).headers["upload-offset"] == "0"


async def test_a_picture_that_is_unreadable_is_told_so_for_a_day(server):
    server.inspector.answers = [Refusal("unreadable")]
    location = (await server.begin(kind="picture")).headers["location"]
    answer = await server.append(location, BYTES)
    assert (answer.status, answer.json) == (422, {"code": "unreadable"})
    for method in ("HEAD", "PATCH"):
        send = server.append(location, b"") if method == "PATCH" else server.request("HEAD", location)
        assert (await send).status == 422
    assert (await server.begin(kind="picture")).status == 422


async def test_pictures_without_what_opens_them_are_not_supported(server):
    server.inspector.libraries = ()
    for said in ({"kind": "picture"}, {"kind": "sticker"}, {"kind": "picture", "purpose": "avatar"}):
        answer = await server.begin(**said)
        assert (answer.status, answer.json) == (415, {"code": "not_supported", "field": "kind"})
    assert (await server.begin(kind="voice")).status == 201


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("token", "status"),
    [("bob", 200), ("key", 200), ("eve", 404), ("reader", 403), ("not-one", 401), ("", 401)],
)
async def test_an_upload_is_its_owners_and_the_host_apps(server, method, token, status):
    location = (await server.begin()).headers["location"]
    headers = (
        {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"} if method == "PATCH" else {}
    )
    answer = await server.request(method, location, b"", token, **headers)
    assert answer.status == (status if status != 200 or method == "HEAD" else 204)


@pytest.mark.parametrize(
    ("standing", "status", "code"),
    [
        (Standing(disabled=True), 403, "forbidden"),
        (Standing(banned_until=1 << 52), 403, "forbidden"),
        (Standing(revoked_before=1 << 52), 401, "token_invalid"),
    ],
)
async def test_who_was_shut_out_goes_on_with_no_upload(server, standing, status, code):
    location = (await server.begin()).headers["location"]
    await server.append(location, BYTES[:10])
    server.rows.standings["bob"] = standing
    answer = await server.append(location, BYTES[10:], 10)
    assert (answer.status, answer.json["code"]) == (status, code)


async def test_the_host_app_uploads_for_others(server):
    begun = await server.begin(token="key", owner="bob", body=BYTES)
    assert (begun.status, begun.headers["chatd-file"]) == (201, "ready")
    assert [row.owner for row in server.rows.files.values()] == ["bob"]


async def test_what_is_dropped_is_gone(server):
    location = (await server.begin()).headers["location"]
    await server.append(location, BYTES[:1000])
    assert (await server.request("DELETE", location)).status == 204
    assert (await server.request("HEAD", location)).status == 404
    assert list((server.directory / "incoming").glob(f"{location[-22:]}*")) == []


@pytest.mark.parametrize(
    ("failure", "status", "body"),
    [
        (Refused("quota", scope="user"), 413, {"code": "quota", "scope": "user"}),
        (Refused("too_large", field="length"), 413, {"code": "too_large", "field": "length"}),
        (Refused("rate_limited", retry_after=5000), 429, {"code": "rate_limited", "retry_after": 5000}),
        (Unavailable("timeout"), 503, {"code": "timeout"}),
    ],
)
async def test_what_the_daemon_refuses_is_told(server, failure, status, body):
    def on_ask(request):
        raise failure

    server.rows.on_ask = on_ask
    answer = await server.begin()
    assert (answer.status, answer.json, answer.headers["tus-resumable"]) == (status, body, "1.0.0")


async def test_the_location_is_at_the_public_address(directory):
    async with serving(directory, "https://media.example/files") as server:
        begun = await server.begin()
        assert begun.headers["location"].startswith("https://media.example/files/v1/files/")


async def test_what_is_offered_is_told_without_a_token(server):
    answer = await http.request(f"http://127.0.0.1:{server.port}/v1/files", "OPTIONS")
    assert (answer.status, answer.headers["tus-version"], answer.headers["tus-max-size"]) == (
        204,
        "1.0.0",
        "1048576",
    )
    assert set(answer.headers["tus-extension"].split(",")) == {
        "creation", "creation-with-upload", "creation-defer-length", "checksum", "expiration", "termination",
    }  # fmt: skip
