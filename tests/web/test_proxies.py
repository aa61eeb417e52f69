"""The snippets of docs/web.md for proxies: the client below a path, in the real programs where they are installed."""

import re
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from bench.machine import free_ports
from chatd.auth.passwords import Passwords
from chatd.web import assets
from tests.kit import http
from tests.kit.built_files import SCRIPT, write_built
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.leak_detector import PASSWORD
from tests.kit.newcomer import ROOT, blocks
from tests.kit.proxies import CADDY, NGINX, caddy, nginx


def snippet(language: str) -> str:
    return next(block.text for block in blocks(ROOT / "docs" / "web.md") if block.language == language)


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
async def daemon(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningDaemon]:
    """A daemon whose pages are opened at /chat/ of a proxy."""
    monkeypatch.setattr(assets, "STATIC", write_built(tmp_path / "static"))
    web = {"enabled": True, "url": f"http://127.0.0.1:{port}/chat/"}
    async with running_daemon(config_for(tmp_path / "store", web=web)) as running:
        passwords = Passwords()
        hashed = await passwords.hash(PASSWORD)
        passwords.close()
        await running.api("PUT", "/v1/users/alice", password_hash=hashed)
        yield running


async def works_below_its_path(port: int) -> None:
    url, origin = f"http://127.0.0.1:{port}/chat", f"http://127.0.0.1:{port}"
    bare = await http.request(url)
    assert bare.status in (301, 302)
    assert bare.headers["location"].endswith("/chat/")
    assert (await http.request(f"{url}/")).status == 200
    # Caddy asks for it compressed, and answers who did not in chunks.
    assert SCRIPT in (await http.request(f"{url}/main-ABCDEFG1.js")).body.decode()
    assert (await http.request(f"{url}/client.json")).json["socket"] == "v1/ws"
    login = {"user": "alice", "password": PASSWORD, "remember": True}
    answer = await http.request(f"{url}/v1/login", "POST", content=login, headers={"Origin": origin})
    cookie = SimpleCookie(answer.headers["set-cookie"])["chatd_session"]
    assert cookie["path"] == "/chat/v1/session"
    headers = {"Origin": origin, "Cookie": f"chatd_session={cookie.value}", "Sec-Fetch-Site": "same-origin"}
    assert (await http.request(f"{url}/v1/session", "POST", headers=headers)).status == 200
    subprotocols = ["chatd.v1.json"]
    async with connect(f"{url.replace('http', 'ws')}/v1/ws", origin=origin, subprotocols=subprotocols):
        pass


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
async def test_nginx_as_documented(daemon: RunningDaemon, tmp_path: Path, port: int) -> None:
    upstream = f"upstream chatd {{ server {daemon.http_url.removeprefix('http://')}; }}"
    text = f"{upstream} server {{ listen 127.0.0.1:{port}; {snippet('nginx')} }}"
    async with nginx(port, tmp_path, text):
        await works_below_its_path(port)


@pytest.mark.skipif(CADDY is None, reason="Caddy is not installed")
async def test_caddy_as_documented(daemon: RunningDaemon, tmp_path: Path, port: int) -> None:
    text = re.sub(r"^example\.org", f"http://127.0.0.1:{port}", snippet("caddyfile"), flags=re.MULTILINE)
    async with caddy(port, tmp_path, text.replace("127.0.0.1:8470", daemon.http_url.removeprefix("http://"))):
        await works_below_its_path(port)
