"""docs/examples/link_card.py: it opens public addresses only, reads little, and makes cards that chatd takes."""

import http.client
import importlib.util
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from typing import Any

import pytest
from msgspec import convert

from chatd.core.cards import check_card
from chatd.protocol.cards import SentCard
from tests.kit.newcomer import ROOT

PAGE = """<html><head><title>A  title\n</title><meta name="description" content="Some &amp; more">
<meta property="og:title" content="Tour \u202e2026"></head><body><svg><title>An icon</title></svg></body></html>"""
PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "::ffff:8.8.8.8",
    "64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::", "2001:db8::1", "ff02::1",
]  # fmt: skip


@pytest.fixture
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("link_card", ROOT / "docs" / "examples" / "link_card.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def resolving(addresses: dict[str, list[str]]) -> Any:
    """Return a resolver that knows these hosts."""

    def getaddrinfo(host: str, port: int, **keys: Any) -> list[Any]:
        if host not in addresses:
            raise socket.gaierror("unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses[host]]

    return getaddrinfo


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_inside_is_opened(
    example: ModuleType, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(socket, "create_connection", lambda *where: opened.append(where))
    for found in ([address], ["93.184.216.34", address]):
        monkeypatch.setattr(socket, "getaddrinfo", resolving({"rebound.example": found}))
        with pytest.raises(example.NoCard):
            example.link_card("https://rebound.example/")
    assert opened == []


def test_what_was_looked_at_is_what_is_opened(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is resolved again may have another address."""
    opened: list[Any] = []

    def refuse(where: Any, timeout: float) -> Any:
        opened.append(where)
        raise OSError("refused")

    monkeypatch.setattr(socket, "getaddrinfo", resolving({"example.org": ["93.184.216.34"]}))
    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(example.NoCard):
        example.link_card("https://example.org/")
    assert opened == [("93.184.216.34", 443)]


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/",
        "https://a.example:22/",
        "https://u@a.example/",
        "file:///etc/passwd",
        "https://[/",
        "",
    ],
)
def test_only_https_at_its_own_port_is_opened(
    example: ModuleType, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving({}))
    with pytest.raises(example.NoCard):
        example.link_card(url)


@pytest.fixture
def site(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, tuple[int, str, str]]]:
    """A site in the place of any host: by path the status, the type or the place it redirects to, and the content."""
    pages: dict[str, tuple[int, str, str]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, content = pages[self.path]
            self.send_response(status)
            self.send_header("Location" if 300 <= status < 400 else "Content-Type", kind)
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setattr(
        example, "Connection", lambda host: http.client.HTTPConnection("127.0.0.1", server.server_port)
    )
    yield pages
    server.shutdown()
    server.server_close()


def test_a_page_becomes_a_card_that_chatd_takes(
    example: ModuleType, site: dict[str, tuple[int, str, str]]
) -> None:
    site["/a?b"] = (200, "text/html; charset=utf-8", PAGE)
    site["/old"] = (302, "/a?b", "")
    site["/plain"] = (200, "text/html", "<title>A  title\n</title>" + "x" * 600_000)
    card = example.link_card("https://example.org/old")
    assert card == {
        "type": "link", "url": "https://example.org/old", "title": "Tour 2026", "text": "Some & more",
    }  # fmt: skip
    check_card(convert(card, SentCard), ())
    assert example.link_card("https://example.org/plain")["title"] == "A title"


def test_where_there_is_nothing_to_show_there_is_no_card(
    example: ModuleType, site: dict[str, tuple[int, str, str]]
) -> None:
    site["/round"] = (302, "/round", "")
    site["/inside"] = (302, "http://169.254.169.254/latest", "")
    site["/data"] = (200, "application/json", "{}")
    site["/untitled"] = (200, "text/html", "<p>Hello</p>")
    site["/gone"] = (404, "text/html", PAGE)
    for path in site:
        with pytest.raises(example.NoCard):
            example.link_card(f"https://example.org{path}")
