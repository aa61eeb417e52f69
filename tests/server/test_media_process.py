"""The process `chatd-media` beside a daemon: started, replaced, killed, ended."""

import asyncio
import json
import os
import ssl
import urllib.request
from pathlib import Path

import pytest

from bench.machine import free_ports
from chatd.config.problems import ConfigError
from chatd.http.sockets import AddressInUse
from tests.kit import http
from tests.kit.certificates import write_certificate
from tests.kit.client import TestClient
from tests.kit.daemon import RunningDaemon, config_for, daemon_process, running_daemon
from tests.kit.media_client import MediaClient
from tests.kit.tokens import token_for

MEDIA = {"enabled": True, "address": "127.0.0.1:0", "inspectors": 1}
TEXT = b"bicycle\n" * 1000


def child_of(daemon):
    return daemon._daemon.children._children["media"]


async def up(daemon, other_than=0):
    """Return the id of the process when it works."""
    while (child := child_of(daemon)).state != "ok" or child.pid in (0, other_than):
        await asyncio.sleep(0.01)
    return child.pid


def files_of(daemon, user="alice"):
    return MediaClient(daemon.app.context.media.url, token_for(user))


async def test_it_has_a_name_yields_its_core_and_goes_first_when_memory_is_short(tmp_path):
    async with running_daemon(config_for(tmp_path, media=MEDIA)) as daemon:
        pid = await up(daemon)
        assert Path(f"/proc/{pid}/comm").read_text() == "chatd-media\n"
        assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "500\n"
        assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + 5
        ready = (await http.request(f"{daemon.ops_url}/readyz")).json
        assert ready["processes"]["media"].startswith("ok")
        shown = (await daemon._daemon._console.now())["media"]
        assert (shown["state"], shown["connections_max"]) == (ready["processes"]["media"], 1000)
    assert not Path(f"/proc/{pid}").exists()


async def test_another_setting_replaces_it_and_an_upload_goes_on(tmp_path):
    async with running_daemon(config_for(tmp_path, media=MEDIA)) as daemon:
        pid, files = await up(daemon), files_of(daemon)
        begun = await files.begin(len(TEXT))
        file = begun.headers["location"].rpartition("/")[2]
        assert (await files.append(file, TEXT[:1000])).status == 204
        daemon.reconfigure(media={"connections": 50})
        assert await up(daemon, other_than=pid) != pid
        offset = int((await files.head(file)).headers["upload-offset"])
        # It was told to end, so it kept what it had.
        assert offset == 1000
        await files.end(file, TEXT[offset:], offset)
        assert not Path(f"/proc/{pid}").exists()


async def test_the_same_settings_leave_it_alone(tmp_path):
    async with running_daemon(config_for(tmp_path, media=MEDIA)) as daemon:
        pid = await up(daemon)
        daemon.reconfigure(limits={"connections": 5000})
        await files_of(daemon).upload(TEXT)
        assert child_of(daemon).pid == pid


async def test_the_certificate_of_the_daemon_serves_files_too(tmp_path):
    pem = write_certificate(tmp_path / "both.pem")
    config = config_for(tmp_path / "data", media=MEDIA, listen=pem)
    async with running_daemon(config) as daemon:
        await up(daemon)
        url = daemon.app.context.media.url
        assert url.startswith("https://")
        trust = ssl.create_default_context(cafile=pem["tls_cert"])
        trust.check_hostname = False
        request = urllib.request.Request(f"{url}/v1/files", method="OPTIONS")
        with await asyncio.to_thread(urllib.request.urlopen, request, context=trust) as answer:
            assert answer.status == 204


async def test_an_address_in_use_and_a_directory_that_cannot_be_refuse_the_start(tmp_path):
    async with running_daemon(config_for(tmp_path / "one", media=MEDIA)) as daemon:
        address = daemon.app.media.address
        taken = RunningDaemon(config_for(tmp_path / "two", media={**MEDIA, "address": address}))
        with pytest.raises(AddressInUse):
            await taken.start()
    (tmp_path / "file").write_text("no directory")
    nowhere = RunningDaemon(
        config_for(tmp_path / "three", media={**MEDIA, "directory": str(tmp_path / "file")})
    )
    with pytest.raises(ConfigError, match=r"media\.directory"):
        await nowhere.start()
    # Nothing of it is left open.
    async with running_daemon(config_for(tmp_path / "three", media=MEDIA)) as daemon:
        await up(daemon)


async def test_where_media_are_off_nothing_of_them_is_there(tmp_path):
    async with running_daemon(config_for(tmp_path)) as daemon:
        alice = await TestClient.connect(daemon.url, "alice")
        hello = await alice.say_hello(features=["media"])
        assert "media" not in hello
        assert hello["features"] == []
        assert daemon.app.media is None
        assert json.loads((await http.request(f"{daemon.ops_url}/readyz")).body).get("processes") is None
        metrics = (await http.request(f"{daemon.ops_url}/metrics")).body
        assert b"chatd_media" not in metrics
    assert not os.path.exists(tmp_path / "media")


def children_of(pid):
    """Return the processes below one, by their names."""
    below = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        if lines["PPid"] == str(pid):
            below[lines["Name"]] = int(lines["Pid"])
    return below


async def test_it_ends_with_a_daemon_that_is_killed_and_frees_the_address(tmp_path):
    (port,) = free_ports(1)
    settings = {"MEDIA__ENABLED": "true", "MEDIA__ADDRESS": f"127.0.0.1:{port}", "MEDIA__INSPECTORS": "1"}
    async with daemon_process(tmp_path, **settings) as server:
        files = MediaClient(f"http://127.0.0.1:{port}", token_for("alice"))
        begun = await files.begin(len(TEXT))
        file = begun.headers["location"].rpartition("/")[2]
        assert (await files.append(file, TEXT[:1000])).status == 204
        pid = children_of(server.pid)["chatd-media"]
        await server.kill9()
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.01)
        await server.start()
        offset = int((await files.head(file)).headers["upload-offset"])
        assert offset <= 1000
        await files.end(file, TEXT[offset:], offset)
        assert (await files.fetch(f"own/{file}")).body == TEXT
        pid = children_of(server.pid)["chatd-media"]
        assert await server.terminate() == 0
        assert not Path(f"/proc/{pid}").exists()
        assert "Traceback" not in server.log
