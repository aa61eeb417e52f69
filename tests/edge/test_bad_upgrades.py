"""What is no upgrade: every row gets the answer in the table, and a bystander chats on."""

import asyncio
import base64
import os

import pytest

from tests.kit.echo import WAIT_S, client_frame, echo_server, upgrade_request

HOST = b"Host: chat.example\r\n"
KEY = base64.b64encode(os.urandom(16)).decode()


def changed(name: str, *values: str) -> bytes:
    """A handshake with this header replaced by headers of these values."""
    return upgrade_request(without=(name,), more=tuple(f"{name}: {value}" for value in values))


def with_line(line: bytes) -> bytes:
    """A handshake with these bytes as one more header line."""
    return upgrade_request()[:-2] + line + b"\r\n\r\n"


# id -> (request, status); status 0: closed or reset without an answer
REJECTED: dict[str, tuple[bytes, int]] = {
    "bare LF": (upgrade_request().replace(b"\r\n", b"\n"), 400),
    "request line of 100 kB": (upgrade_request(target="/v1/ws?" + "x" * 100_000), 431),
    "10,000 headers": (upgrade_request(more=("A: b",) * 10_000), 431),
    "65 headers": (upgrade_request(more=("A: b",) * 60), 431),
    "one header of 1 MB": (upgrade_request(more=("A: " + "b" * 1_000_000,)), 431),
    "a head just over 16 KiB": (upgrade_request(more=("A: " + "b" * 8000, "B: " + "b" * 8300)), 431),
    "header without colon": (with_line(b"Nonsense"), 400),
    "obs-fold": (with_line(b"A: b\r\n c"), 400),
    "space before colon": (with_line(b"A : b"), 400),
    "NUL in a value": (with_line(b"A: b\x00c"), 400),
    "CR in a value": (with_line(b"A: b\rc"), 400),
    "control character in a name": (with_line(b"A\x01: b"), 400),
    "two Hosts": (upgrade_request(more=("Host: other.example",)), 400),
    "no Host": (upgrade_request(without=("Host",)), 400),
    "Content-Length and Transfer-Encoding": (
        upgrade_request(more=("Content-Length: 5", "Transfer-Encoding: chunked")) + b"hello",
        400,
    ),
    "a body with the GET": (upgrade_request(more=("Content-Length: 5",)) + b"hello", 400),
    "a chunked body with the GET": (upgrade_request(more=("Transfer-Encoding: chunked",)), 400),
    "POST": (upgrade_request(start="POST /v1/ws HTTP/1.1"), 405),
    "CONNECT": (b"CONNECT chat.example:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/1.0": (upgrade_request(start="GET /v1/ws HTTP/1.0"), 400),
    "HTTP/9.9": (upgrade_request(start="GET /v1/ws HTTP/9.9"), 400),
    "no version": (upgrade_request(start="GET /v1/ws"), 400),
    "unknown method": (upgrade_request(start="BREW /v1/ws HTTP/1.1"), 400),
    "no key": (changed("Sec-WebSocket-Key"), 400),
    "two keys": (changed("Sec-WebSocket-Key", KEY, KEY), 400),
    "short key": (changed("Sec-WebSocket-Key", "c2hvcnQ="), 400),
    "key that is no base64": (changed("Sec-WebSocket-Key", "*" * 24), 400),
    "version 8": (changed("Sec-WebSocket-Version", "8"), 400),
    "version 0": (changed("Sec-WebSocket-Version", "0"), 400),
    "no version header": (changed("Sec-WebSocket-Version"), 400),
    "version 13 twice": (changed("Sec-WebSocket-Version", "13", "13"), 400),
    "no subprotocol": (upgrade_request(None), 400),
    "1,000 unknown subprotocols": (upgrade_request(", ".join(f"p{number}" for number in range(1000))), 400),
    "our subprotocol in odd case": (upgrade_request("Chatd.V1.MsgPack"), 400),
    "a subprotocol that is no token": (upgrade_request("chatd.v1.msgpack;"), 400),
    "path with slashes": (upgrade_request(target="//v1/ws"), 404),
    "path with dots": (upgrade_request(target="/v1/../v1/ws"), 404),
    "path with escaped dots": (upgrade_request(target="/v1/%2e%2e/v1/ws"), 404),
    "path with escaped letters": (upgrade_request(target="/v1/w%73"), 404),
    "path with NUL": (upgrade_request(target="/v1/ws%00"), 404),
    "path with a slash at the end": (upgrade_request(target="/v1/ws/"), 404),
    "another path": (upgrade_request(target="/"), 404),
    "absolute URI": (upgrade_request(target="http://chat.example/v1/ws"), 404),
    "star": (upgrade_request(target="*"), 404),
    "token in the query": (upgrade_request(target="/v1/ws?token=abc"), 400),
    "access_token in the query": (upgrade_request(target="/v1/ws?x=1&access_token=abc"), 400),
    "escaped token in the query": (upgrade_request(target="/v1/ws?%74oken=abc"), 400),
    "empty token in the query": (upgrade_request(target="/v1/ws?Token="), 400),
    "space in the path": (upgrade_request(target="/v1/ws HTTP/1.1 x"), 400),
    "SSH banner": (b"SSH-2.0-OpenSSH_9.6\r\n", 400),
    "SMTP": (b"EHLO example.org\r\n", 400),
    "redis": (b"*1\r\n$4\r\nPING\r\n", 400),
    "PROXY v1": (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + upgrade_request(), 400),
    "PROXY v2": (b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12), 400),
    "TLS ClientHello": (bytes.fromhex("16030100c8010000c40303") + os.urandom(200), 400),
    "random bytes": (b"\xff" + os.urandom(100_000), 400),
}

ACCEPTED: dict[str, bytes] = {
    "Connection with more words": changed("Connection", "close, Upgrade"),
    "two Connection headers": changed("Connection", "keep-alive", "Upgrade"),
    "Upgrade in odd case": changed("Upgrade", "WebSocket"),
    "our subprotocol among 500": upgrade_request(
        ", ".join([*(f"p{number}" for number in range(500)), "chatd.v1.msgpack"])
    ),
    "a query that means nothing": upgrade_request(target="/v1/ws?v=1&codec=json&tokens=2"),
    "Content-Length of nothing": upgrade_request(more=("Content-Length: 0",)),
    "Expect": upgrade_request(more=("Expect: 100-continue",)),
    "empty lines before": b"\r\n\r\n" + upgrade_request(),
    "64 headers": upgrade_request(more=("A: b",) * 58),
}

OFFERS = {
    "permessage-deflate": "permessage-deflate",
    "window 8": "permessage-deflate; server_max_window_bits=8",
    "window 16": "permessage-deflate; client_max_window_bits=16",
    "the same parameter twice": "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "200 offers": ", ".join(["permessage-deflate"] * 200),
    "nonsense": ";;;===",
}

# protocol.md 2.1 and RFC 6454: the list names https://app.example and http://localhost:3000
ORIGINS = ("https://app.example", "http://localhost:3000")
FOREIGN = {
    "null": "null",
    "star": "*",
    "empty": "",
    "another host": "https://evil.example",
    "another scheme": "http://app.example",
    "another port": "https://app.example:8443",
    "the default port spelt out": "https://app.example:443",
    "no port": "http://localhost",
    "a longer port": "http://localhost:30000",
    "a suffix of the host": "https://evil-app.example",
    "a subdomain": "https://chat.app.example",
    "a longer host": "https://app.example.evil.test",
    "the host as user": "https://app.example@evil.test",
    "a path": "https://app.example/",
    "a query": "https://app.example?x",
    "upper case": "https://APP.example",
    "trailing dot": "https://app.example.",
    "punycode of a look-alike": "https://xn--pp-7ka.example",
    "both in one value": "https://app.example http://localhost:3000",
    "both in one list": "https://app.example, http://localhost:3000",
    "a tab inside": "https://app.\texample",
}


@pytest.mark.parametrize("name", REJECTED)
async def test_a_bad_request_is_refused_and_a_bystander_chats_on(name):
    request, expected = REJECTED[name]
    async with echo_server() as server:
        bystander, raw = await server.upgrade(), await server.connect()
        raw.send(request)
        status, _ = await raw.response()
        assert status == expected
        await raw.rest()
        bystander.send(client_frame(b"still here"))
        assert await bystander.frame() == (0x82, b"still here")
        assert len(server.sessions) == 1


@pytest.mark.parametrize("name", ACCEPTED)
async def test_an_odd_request_that_is_right_is_accepted(name):
    async with echo_server() as server:
        raw = await server.connect()
        raw.send(ACCEPTED[name] + client_frame(b"hi"))
        assert (await raw.response())[0] == 101
        assert await raw.frame() == (0x82, b"hi")


@pytest.mark.parametrize("name", OFFERS)
async def test_no_extension_is_ever_negotiated(name):
    async with echo_server() as server:
        raw = await server.connect()
        raw.send(upgrade_request(more=(f"Sec-WebSocket-Extensions: {OFFERS[name]}",)))
        status, head = await raw.response()
        assert status == 101
        assert b"extensions" not in head.lower()


@pytest.mark.parametrize("offer", ["chatd.v1.json, chatd.v1.msgpack", "x, chatd.v1.json,chatd.v1.msgpack"])
async def test_the_client_decides_between_the_subprotocols(offer):
    async with echo_server() as server:
        raw = await server.upgrade(offer)
        assert server.last.wire.text
        raw.send(client_frame(b"{}", 0x81))
        assert await raw.frame() == (0x81, b"{}")


@pytest.mark.parametrize("name", FOREIGN)
async def test_a_web_page_of_another_origin_is_refused(name):
    async with echo_server(listen={"origins": (*ORIGINS, "null", "*")}) as server:
        raw = await server.connect()
        raw.send(upgrade_request(more=(f"Origin: {FOREIGN[name]}",)))
        assert (await raw.response())[0] == 403
        assert server.counters.handshakes_rejected == {"origin": 1}


@pytest.mark.parametrize("origin", ORIGINS)
async def test_a_web_page_of_an_allowed_origin_may_connect(origin):
    async with echo_server(listen={"origins": ORIGINS}) as server:
        raw = await server.connect()
        raw.send(upgrade_request(more=(f"Origin: {origin}",)))
        assert (await raw.response())[0] == 101


async def test_two_origins_are_refused_even_when_both_are_allowed():
    async with echo_server(listen={"origins": ORIGINS}) as server:
        raw = await server.connect()
        raw.send(upgrade_request(more=tuple(f"Origin: {origin}" for origin in ORIGINS)))
        assert (await raw.response())[0] == 400


async def test_any_origin_may_connect_when_the_operator_insists():
    async with echo_server(listen={"origins": ("*",), "unsafe_any_origin": True}) as server:
        raw = await server.connect()
        raw.send(upgrade_request(more=("Origin: https://evil.example",)))
        assert (await raw.response())[0] == 101


async def test_a_client_that_leaves_in_the_middle_of_the_head_costs_nothing():
    request = upgrade_request()
    async with echo_server() as server:
        for cut in range(0, len(request) - 1, 7):
            raw = await server.connect()
            raw.send(request[:cut])
            await raw.closed()
        raw = await server.upgrade()
        assert len(server.sessions) == 1
        await asyncio.wait_for(_only(server, 1), WAIT_S)


async def _only(server, count: int) -> None:
    while len(server.listener._server.server_state.connections) != count:
        await asyncio.sleep(0.01)
