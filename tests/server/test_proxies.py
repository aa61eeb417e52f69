"""The snippets of docs/operations.md for proxies, in the real programs where they are installed."""

import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from bench.machine import free_ports
from chatd.protocol import close_codes
from tests.kit import http
from tests.kit.certificates import write_certificate
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.newcomer import ROOT, blocks
from tests.kit.proxies import CADDY, NGINX, caddy, nginx

OPERATIONS = ROOT / "docs" / "operations.md"


def snippet(language: str) -> str:
    return next(block.text for block in blocks(OPERATIONS) if block.language == language)


class Visitor:
    """A client that reaches the proxy from an address of its own."""

    def __init__(self, port: int, certificate: str) -> None:
        self._url = f"wss://127.0.0.1:{port}/v1/ws"
        self._trust = ssl.create_default_context(cafile=certificate)

    async def connects(self, address: str, **headers: str) -> ClientConnection:
        return await connect(
            self._url,
            ssl=self._trust,
            subprotocols=["chatd.v1.json"],  # type: ignore[list-item]
            additional_headers=headers,
            local_addr=(address, 0),
        )


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    """A daemon that believes one proxy, and lets every address have one connection."""
    listen = {"address": "127.0.0.1:0", "trusted_proxies": ("127.0.0.1/32",)}
    async with running_daemon(
        config_for(tmp_path, listen=listen, limits={"connections_per_address": 1})
    ) as running:
        yield running


async def everybody_has_his_own_address(port: int, certificate: str) -> None:
    """A WebSocket goes through, and limits count the client behind the proxy, whatever header it sends."""
    visitor = Visitor(port, certificate)
    first = await visitor.connects("127.0.0.2")
    with pytest.raises(InvalidStatus, match="503"):
        await visitor.connects("127.0.0.2", **{"X-Forwarded-For": "192.0.2.99"})
    second = await visitor.connects("127.0.0.3")
    await first.send('{"type": "ping"}')
    await first.wait_closed()
    assert first.close_code == close_codes.PROTOCOL, "what chatd says comes through"
    await second.close()


def certificate(directory: Path) -> str:
    return write_certificate(directory / "proxy.pem")["tls_cert"]


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
async def test_nginx_as_documented(daemon: RunningDaemon, tmp_path: Path) -> None:
    (port,), pem = free_ports(1), certificate(tmp_path)
    text = snippet("nginx").replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    text = text.replace("127.0.0.1:8470", daemon.http_url.removeprefix("http://"))
    text = re.sub(r"/etc/ssl/\S+\.pem", pem, text)
    async with nginx(port, tmp_path, text):
        await everybody_has_his_own_address(port, pem)


@pytest.mark.skipif(CADDY is None, reason="Caddy is not installed")
async def test_caddy_as_documented(daemon: RunningDaemon, tmp_path: Path) -> None:
    (port,), pem = free_ports(1), certificate(tmp_path)
    text = snippet("caddyfile").replace("127.0.0.1:8470", daemon.http_url.removeprefix("http://"))
    text = text.replace("chat.example.org {", f"https://127.0.0.1:{port} {{\n\ttls {pem} {pem}", 1)
    async with caddy(port, tmp_path, text):
        await everybody_has_his_own_address(port, pem)


@pytest.mark.parametrize("line", ["proxy_http_version 1.1;", "proxy_set_header Upgrade $http_upgrade;"])
@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
async def test_nginx_that_was_not_told_everything_says_what_is_missing(
    daemon: RunningDaemon, tmp_path: Path, line: str
) -> None:
    (port,) = free_ports(1)
    text = snippet("nginx").replace("listen 443 ssl", f"listen 127.0.0.1:{port}").replace(line, "")
    text = text.replace("127.0.0.1:8470", daemon.http_url.removeprefix("http://"))
    text = re.sub(r"^\s*ssl_.*\n", "", text, flags=re.MULTILINE)
    async with nginx(port, tmp_path, text):
        await says_how_the_proxy_is_told(port, line)


@pytest.mark.skipif(CADDY is None, reason="Caddy is not installed")
async def test_caddy_that_drops_the_upgrade_says_what_is_missing(
    daemon: RunningDaemon, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    to = daemon.http_url.removeprefix("http://")
    text = f"http://127.0.0.1:{port} {{\n\trequest_header -Upgrade\n\treverse_proxy {to}\n}}\n"
    async with caddy(port, tmp_path, text):
        await says_how_the_proxy_is_told(port, "Caddy")


async def says_how_the_proxy_is_told(port: int, line: str) -> None:
    with pytest.raises(InvalidStatus, match="426") as refused:
        await connect(f"ws://127.0.0.1:{port}/v1/ws", subprotocols=["chatd.v1.json"])  # type: ignore[list-item]
    assert line in (refused.value.response.body or b"").decode()


async def test_tls_by_chatd_itself_with_certificate_files(tmp_path: Path) -> None:
    pem = write_certificate(tmp_path / "own.pem")
    async with running_daemon(config_for(tmp_path, listen={**pem, "address": "127.0.0.1:0"})) as daemon:
        port = int(daemon.http_url.rpartition(":")[2])
        connection = await Visitor(port, pem["tls_cert"]).connects("127.0.0.1")
        assert connection.subprotocol == "chatd.v1.json"
        await connection.close()
        with pytest.raises((OSError, IndexError)):  # TLS is not spoken in plain
            await http.request(f"{daemon.http_url}/v1/health")
