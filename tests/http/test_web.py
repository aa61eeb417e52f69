"""web.py: the web client over HTTP."""

import gzip

import pytest

from chatd.config.web import Web
from chatd.web import assets
from tests.kit import http
from tests.kit.built_files import SCRIPT, write_built
from tests.kit.daemon import RunningDaemon, config_for, running_daemon

OWN = "https://chat.example"


@pytest.fixture
async def daemon(tmp_path, monkeypatch) -> RunningDaemon:
    monkeypatch.setattr(assets, "STATIC", write_built(tmp_path / "static"))
    async with running_daemon(
        config_for(tmp_path / "store", web={"enabled": True, "url": f"{OWN}/"})
    ) as running:
        yield running


async def test_the_page_and_its_files_are_served(daemon):
    page = await http.request(f"{daemon.http_url}/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "no-cache"
    assert "require-trusted-types-for 'script'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    script = await http.request(f"{daemon.http_url}/main-ABCDEFG1.js", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(script.body).decode() == SCRIPT
    assert "immutable" in script.headers["cache-control"]
    again = await http.request(
        f"{daemon.http_url}/main-ABCDEFG1.js", headers={"If-None-Match": script.headers["etag"]}
    )
    assert (again.status, again.body) == (304, b"")
    head = await http.request(f"{daemon.http_url}/embed", "HEAD")
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/main-ABCDEFG2.js",
        "/rooms/7",
        "/manifest.json",
        "/console/",
        "/console/index.html",
        "/../pyproject.toml",
        "/%2e%2e/site.py",
        "//",
        "/embed/",
        "/icons/",
    ],
)
async def test_a_missing_file_is_not_the_page(daemon, path):
    answer = await http.request(daemon.http_url + path)
    assert (answer.status, answer.json) == (404, {"code": "not_found"})


async def test_files_are_only_read(daemon):
    assert (await http.request(f"{daemon.http_url}/sw.js", "POST", content={})).status == 404
    assert (await http.request(f"{daemon.http_url}/v1/login")).status == 405


async def test_its_settings_are_not_stored(daemon):
    answer = await http.request(f"{daemon.http_url}/client.json")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json["socket"] == "v1/ws"
    assert answer.json["login"] is True


async def test_pages_that_may_connect_may_use_the_files(daemon):
    daemon.reconfigure(listen={"origins": ("https://app.example",)})
    for path in ("/embed.js", "/client.json", "/main-ABCDEFG1.js"):
        listed = await http.request(daemon.http_url + path, headers={"Origin": "https://app.example"})
        assert listed.headers["access-control-allow-origin"] == "https://app.example"
        assert "Origin" in listed.headers["vary"]
        other = await http.request(daemon.http_url + path, headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "chatd.v1.json",
}


async def status_of_upgrade(daemon, origin):
    lines = [f"{name}: {value}" for name, value in {**UPGRADE, "Origin": origin}.items()]
    # The second request is none of a WebSocket: the connection ends.
    raw = "\r\n".join(["GET /v1/ws HTTP/1.1", "Host: chat.example", *lines, "", ""]).encode() + b"\xff\xff"
    return (await http.exchange(daemon.http_url, raw)).status


async def test_its_own_page_may_open_sockets_and_no_host_is_believed(daemon):
    assert await status_of_upgrade(daemon, OWN) == 101
    assert await status_of_upgrade(daemon, "https://chat.example.evil.example") == 403
    daemon.reconfigure(web={"enabled": True, "url": "https://other.example/"})
    assert await status_of_upgrade(daemon, OWN) == 403


async def test_switched_off_there_is_no_page(daemon):
    daemon.reconfigure(web={"enabled": False})
    for path in ("/", "/client.json", "/sw.js"):
        assert (await http.request(daemon.http_url + path)).status == 404
    assert await status_of_upgrade(daemon, OWN) == 403
    daemon.reconfigure(web={"enabled": True})
    assert (await http.request(f"{daemon.http_url}/")).status == 200


async def test_a_client_that_is_not_built_is_told_to_those_who_look(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "STATIC", tmp_path / "nothing")
    config = config_for(tmp_path / "store", web={"enabled": True, "url": f"{OWN}/"})
    async with running_daemon(config) as daemon:
        answer = await http.request(f"{daemon.http_url}/")
        assert answer.status == 503
        assert b"make web" in answer.body
        assert (await http.request(f"{daemon.http_url}/sw.js")).status == 404
        assert (await http.request(f"{daemon.http_url}/v1/health")).status == 200


def test_the_defaults_serve_nothing():
    assert Web().enabled is False
