"""Files of the client against a real daemon and its process: on good networks, on bad ones, and through kills."""

import asyncio
import hashlib
import io
import os
import random
import signal
import ssl
import stat
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chatd.client import (
    Client,
    Closed,
    FileStorage,
    NotFound,
    NotSupported,
    QuotaReached,
    Settings,
    Timing,
    TooLarge,
    Unreadable,
)
from chatd.media.layout import incoming_on_disk
from tests.kit import http
from tests.kit.bad_network import bad_network
from tests.kit.certificates import write_certificate
from tests.kit.daemon import config_for, running_daemon
from tests.kit.media_samples import photograph
from tests.kit.soak import scaled, seed_base
from tests.kit.tokens import token_for
from tests.kit.waiting import until

MEDIA = {"enabled": True, "address": "127.0.0.1:0", "inspectors": 1}
QUICK = Timing(backoff_base_s=0.02, file_retry_s=0.01, file_retry_cap_s=0.05, inspecting_s=0.02)
SIZE = 3_000_000
BYTES = random.Random(7).randbytes(SIZE)
DIGEST = hashlib.sha256(BYTES).hexdigest()


def client_of(daemon, user="ann", **more):
    async def get_token():
        return token_for(user)

    settings = Settings(timing=QUICK, **more.pop("settings", {}))
    return Client(daemon.url, get_token, settings=settings, **more)


@pytest.fixture
async def daemon(tmp_path):
    async with running_daemon(config_for(tmp_path / "data", media=MEDIA)) as running:
        yield running


@pytest.fixture
async def ann(daemon):
    async with client_of(daemon) as client:
        yield client


def digest_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def behind(client, port):
    """Have a client reach the files through another port of this machine."""
    client.media["url"] = f"http://127.0.0.1:{port}"


async def sent(client, *files, text="Look"):
    room = await client.direct("bob")
    receipt = await room.send(text, files=files)
    return room.messages[receipt.seq]


class TestUpload:
    async def test_a_path_becomes_a_message_and_a_file_again(self, daemon, ann, tmp_path):
        (tmp_path / "Ä.bin").write_bytes(BYTES)
        progress = []
        file = await ann.upload(tmp_path / "Ä.bin", on_progress=progress.append)
        assert (file.name, file.size, file.mime) == ("Ä.bin", SIZE, "application/octet-stream")
        assert (progress, progress[-1]) == (sorted(progress), SIZE)
        message = await sent(ann, file.described("Noise"))
        (attachment,) = message.body["attachments"]
        assert (attachment["name"], attachment["size"], attachment["alt"]) == ("Ä.bin", SIZE, "Noise")
        async with client_of(daemon, "bob") as bob:
            seen = []
            saved = await bob.download(
                message, attachment, tmp_path / "saved", on_progress=lambda *state: seen.append(state)
            )
        assert (digest_of(saved), seen[-1]) == (DIGEST, (SIZE, SIZE))
        assert stat.S_IMODE(saved.stat().st_mode) == 0o600
        assert {path.name for path in tmp_path.iterdir()} == {"Ä.bin", "data", "saved"}

    async def test_streams_are_uploaded_from_where_they_stand(self, ann, tmp_path):
        stream = io.BytesIO(b"...Hello")
        stream.seek(3)
        reading, writing = os.pipe()
        os.write(writing, b"from a pipe")
        os.close(writing)
        with open(reading, "rb") as pipe:
            files = [await ann.upload(stream, name="one.txt"), await ann.upload(pipe, name="two.txt")]
        saved = [await ann.download(None, file.attachment, tmp_path / file.name) for file in files]
        assert [path.read_bytes() for path in saved] == [b"Hello", b"from a pipe"]
        assert [file.mime for file in files] == ["text/plain"] * 2

    async def test_nothing_is_a_file_too(self, ann):
        assert (await ann.upload(b"", name="empty")).size == 0

    async def test_a_picture_is_one_for_all_and_has_smaller_sizes(self, ann, tmp_path):
        message = await sent(
            ann, await ann.upload(photograph(6, 1600, 1200), kind="picture", name="p.jpg"), text=""
        )
        assert "text" not in message.body
        (attachment,) = message.body["attachments"]
        assert (attachment["kind"], attachment["mime"]) == ("picture", "image/jpeg")
        for size in ("", *attachment["sizes"]):
            saved = await ann.download(message, attachment, tmp_path / f"p{size}.jpg", size=size)
            assert saved.read_bytes()[:3] == b"\xff\xd8\xff"
        assert (tmp_path / "p.jpg").stat().st_size == attachment["size"]
        link = await ann.file_link(message, attachment, size=attachment["sizes"][-1])
        assert urlsplit(link).path.endswith(attachment["sizes"][-1])

    async def test_an_avatar_is_there_for_all(self, tmp_path):
        config = config_for(tmp_path / "data", media=MEDIA, people={"enabled": True})
        async with running_daemon(config) as daemon, client_of(daemon) as ann:
            url = await ann.set_avatar(photograph(6))
            assert (await ann.fetch_card("ann"))["avatar"] == url
            assert (await http.request(ann.public_url(url, "s"))).headers["content-type"] == "image/jpeg"
            assert ann.public_url("https://elsewhere.example/1") == ""

    @pytest.mark.parametrize(
        ("content", "kind", "error"),
        [
            (b"no picture", "picture", NotSupported),
            (b"\xff\xd8\xff\xe0" + bytes(5000), "picture", Unreadable),
            (bytes(2**20 + 1), "file", TooLarge),
        ],
    )
    async def test_what_is_not_taken_has_its_own_error(self, tmp_path, content, kind, error):
        limits = {**MEDIA, "file_bytes": 2**20}
        async with (
            running_daemon(config_for(tmp_path / "data", media=limits)) as daemon,
            client_of(daemon) as ann,
        ):
            with pytest.raises(error):
                await ann.upload(content, kind=kind)

    async def test_a_quota_says_whose(self, tmp_path):
        limits = {**MEDIA, "user_bytes": 10_000}
        async with (
            running_daemon(config_for(tmp_path / "data", media=limits)) as daemon,
            client_of(daemon) as ann,
        ):
            with pytest.raises(QuotaReached) as refused:
                await ann.upload(b"x" * 20_000)
            assert refused.value.scope == "user"

    async def test_without_media_it_says_so(self, tmp_path):
        async with (
            running_daemon(config_for(tmp_path / "data")) as daemon,
            client_of(daemon) as ann,
        ):
            assert ann.media is None
            for attempt in (ann.upload(b"x"), ann.download(None, {"url": "media:x"}, tmp_path / "x")):
                with pytest.raises(NotSupported, match="takes no files"):
                    await attempt
            with pytest.raises(NotSupported):
                await ann.own_files()


class TestDownload:
    async def test_nothing_is_replaced_and_nothing_of_others_is_fetched(self, daemon, ann, tmp_path):
        message = await sent(ann, await ann.upload(b"Hello", name="a.txt"))
        (attachment,) = message.body["attachments"]
        (tmp_path / "a.txt").write_text("mine")
        with pytest.raises(FileExistsError):
            await ann.download(message, attachment, tmp_path / "a.txt")
        with pytest.raises(ValueError, match="not at this server"):
            await ann.download(message, {"url": "https://example.org/a"}, tmp_path / "b.txt")
        async with client_of(daemon, "eve") as eve:
            with pytest.raises(NotFound):
                await eve.download(message, attachment, tmp_path / "b.txt")
            with pytest.raises(NotFound):
                await eve.file_link(message, attachment)
        assert ((tmp_path / "a.txt").read_text(), sorted(os.listdir(tmp_path))) == (
            "mine",
            ["a.txt", "data"],
        )

    async def test_it_goes_on_with_what_an_ended_app_left(self, daemon, ann, tmp_path):
        file = await ann.upload(BYTES, name="big")
        cut, counted = asyncio.Event(), []
        going = asyncio.create_task(
            ann.download(None, file.attachment, tmp_path / "big", on_progress=lambda *_: cut.set())
        )
        await cut.wait()
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        (part,) = tmp_path.glob(".*.part")
        os.truncate(part, 1_000_000) if part.stat().st_size > 1_000_000 else part.write_bytes(
            BYTES[:1_000_000]
        )
        async with client_of(daemon) as again:
            saved = await again.download(
                None, file.attachment, tmp_path / "big", on_progress=lambda done, _: counted.append(done)
            )
        assert (counted[0], digest_of(saved)) == (1_000_000, DIGEST)

    async def test_more_than_there_is_begins_anew(self, ann, tmp_path):
        file = await ann.upload(b"Hello", name="a")
        seen = []
        first = await ann.download(
            None,
            file.attachment,
            tmp_path / "a",
            on_progress=lambda *_: seen.extend(tmp_path.glob(".*.part")),
        )
        first.unlink()
        seen[0].write_bytes(b"much more than Hello")
        assert (await ann.download(None, file.attachment, first)).read_bytes() == b"Hello"


@pytest.mark.parametrize("seed", range(seed_base(), seed_base() + scaled(1, 20)))
async def test_whatever_the_network_does_and_the_process_dies_of_every_byte_arrives(
    daemon, ann, tmp_path, seed
):
    """Connections break after at most 400 kB, some on one side alone; the process is killed in both directions."""
    kills = [*sorted(random.Random(seed).randrange(SIZE) for _ in range(2)), 2 * SIZE]
    (child,) = daemon._daemon.children._children.values()

    def on_bytes(count):
        if kills and count > kills[0] and child.state == "ok":
            kills.pop(0)
            os.kill(child.pid, signal.SIGKILL)

    (tmp_path / "big").write_bytes(BYTES)
    port = urlsplit(ann.media["url"]).port
    async with bad_network(port, seed, 400_000, on_bytes) as network:
        behind(ann, network.port)
        files = await asyncio.gather(ann.upload(tmp_path / "big"), ann.upload(BYTES))
        assert network.breaks > 5, seed
        saved = await asyncio.gather(
            *(ann.download(None, file.attachment, tmp_path / file.id) for file in files)
        )
    assert ([digest_of(path) for path in saved], kills) == ([DIGEST] * 2, []), seed


async def test_an_upload_goes_on_after_a_restart_of_the_app(daemon, tmp_path):
    (tmp_path / "big").write_bytes(BYTES)
    offsets, there = [], asyncio.Event()
    files = Path(daemon.app.media.service.settings.directory)

    def watch(sent):
        offsets.append(sent)
        if sent >= 1_000_000:
            there.set()

    async with client_of(daemon, storage=FileStorage(tmp_path / "me.chat")) as first:
        going = asyncio.create_task(first.upload(tmp_path / "big", on_progress=watch))
        await there.wait()
        # What was sent may still be on its way.
        await until(lambda: sum(one.stat().st_size for one in incoming_on_disk(files)))
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
    offsets.clear()
    async with client_of(daemon, storage=FileStorage(tmp_path / "me.chat")) as second:
        file = await second.upload(tmp_path / "big", on_progress=watch)
        assert offsets[0] > 0
        saved = await second.download(None, file.attachment, tmp_path / "saved")
        assert digest_of(saved) == DIGEST
        # The same file again is another upload, since the first is done.
        assert (await second.upload(tmp_path / "big")).id != file.id
        assert len((await second.own_files())["files"]) == 2


async def test_a_stopped_client_ends_what_is_under_way(daemon, ann, tmp_path):
    begun = asyncio.Event()
    async with asyncio.timeout(60), bad_network(urlsplit(ann.media["url"]).port, 1, 100) as network:
        behind(ann, network.port)
        going = asyncio.create_task(ann.upload(BYTES))
        going.add_done_callback(lambda _: begun.set())
        while not network.breaks:
            await asyncio.sleep(0)
        await ann.close()
        with pytest.raises(Closed):
            await going


async def test_over_tls(tmp_path):
    pem = write_certificate(tmp_path / "both.pem")
    trust = ssl.create_default_context(cafile=pem["tls_cert"])
    trust.check_hostname = False
    async with running_daemon(config_for(tmp_path / "data", media=MEDIA, listen=pem)) as daemon:

        async def get_token():
            return token_for("ann")

        url = daemon.url.replace("ws://", "wss://")
        async with Client(url, get_token, settings=Settings(timing=QUICK, ssl=trust)) as ann:
            file = await ann.upload(BYTES)
            saved = await ann.download(None, file.attachment, tmp_path / "saved")
            assert digest_of(saved) == DIGEST


async def test_the_example_sends_a_picture(daemon, tmp_path):
    (tmp_path / "p.jpg").write_bytes(photograph(6))
    arguments = (daemon.url, token_for("ann"), "bob", str(tmp_path / "p.jpg"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chatd.client.picture_example", *arguments
    )
    assert await process.wait() == 0
    async with client_of(daemon, "bob") as bob:
        (room,) = bob.rooms.values()
        (message,) = await room.timeline()
        assert (message.text, message.body["attachments"][0]["kind"]) == ("Look!", "picture")
