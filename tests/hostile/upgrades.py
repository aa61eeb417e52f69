"""Layer B, requests that are no upgrade, or a strange one; also clients of TLS, mail and shells (layer A)."""

import base64
import os

from tests.hostile.case import Case
from tests.kit.frames import upgrade_request

KEY = base64.b64encode(os.urandom(16)).decode()
# An origin that the daemon allows.
ORIGIN = "https://app.example"


def changed(name: str, *values: str) -> bytes:
    """Return a handshake with this header replaced by headers of these values."""
    return upgrade_request(without=(name,), more=tuple(f"{name}: {value}" for value in values))


def with_line(line: bytes) -> bytes:
    """Return a handshake with these bytes as one more header line."""
    return upgrade_request()[:-2] + line + b"\r\n\r\n"


def started(line: str) -> bytes:
    """Return a handshake with another request line."""
    return upgrade_request(start=line)


def on(target: str) -> bytes:
    """Return a handshake with another target."""
    return upgrade_request(target=target)


def offering(extensions: str) -> bytes:
    return upgrade_request(more=(f"Sec-WebSocket-Extensions: {extensions}",))


def from_page(*origins: str) -> bytes:
    return upgrade_request(more=tuple(f"Origin: {origin}" for origin in origins))


# number, description, request, status
ROWS: list[tuple[int, str, bytes, int]] = [
    (6, "a TLS ClientHello", bytes.fromhex("16030100c8010000c40303") + os.urandom(200), 400),
    (7, "the banner of SSH", b"SSH-2.0-OpenSSH_9.6\r\n", 400),
    (7, "a mailer", b"EHLO example.org\r\n", 400),
    (7, "a redis client", b"*1\r\n$4\r\nPING\r\n", 400),
    (8, "PROXY v1", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + upgrade_request(), 400),
    (8, "PROXY v1, cut", b"PROXY TCP4 192.0.2.1\r\n" + upgrade_request(), 400),
    (8, "PROXY v2", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12), 400),
    (11, "random bytes", b"\xff" + os.urandom(100_000), 400),
    (13, "bare LF", upgrade_request().replace(b"\r\n", b"\n"), 400),
    (14, "a request line of 100 kB", on("/v1/ws?" + "x" * 100_000), 431),
    (14, "a target of 9 kB is right", on("/v1/ws?" + "x" * 9_000), 101),
    (15, "10,000 headers", upgrade_request(more=("A: b",) * 10_000), 431),
    (15, "65 headers", upgrade_request(more=("A: b",) * 60), 431),
    (15, "64 headers are right", upgrade_request(more=("A: b",) * 58), 101),
    (16, "one header of 1 MB", upgrade_request(more=("A: " + "b" * 1_000_000,)), 431),
    (16, "one header of 9 kB is right", upgrade_request(more=("A: " + "b" * 9_000,)), 101),
    (16, "a head just over 16 KiB", upgrade_request(more=("A: " + "b" * 8000, "B: " + "b" * 8300)), 431),
    (17, "a header without colon", with_line(b"Nonsense"), 400),
    (18, "a folded header", with_line(b"A: b\r\n c"), 400),
    (19, "a space before the colon", with_line(b"A : b"), 400),
    (20, "NUL in a value", with_line(b"A: b\x00c"), 400),
    (20, "CR in a value", with_line(b"A: b\rc"), 400),
    (20, "a control character in a name", with_line(b"A\x01: b"), 400),
    (21, "two Hosts", upgrade_request(more=("Host: other.example",)), 400),
    (22, "no Host", upgrade_request(without=("Host",)), 400),
    (23, "Content-Length and Transfer-Encoding",
     upgrade_request(more=("Content-Length: 5", "Transfer-Encoding: chunked")) + b"hello", 400),
    (24, "a body with the GET", upgrade_request(more=("Content-Length: 5",)) + b"hello", 400),
    (24, "a chunked body with the GET", upgrade_request(more=("Transfer-Encoding: chunked",)), 400),
    (24, "a body of nothing is right", upgrade_request(more=("Content-Length: 0",)), 101),
    (25, "POST", started("POST /v1/ws HTTP/1.1"), 405),
    (25, "CONNECT", b"CONNECT chat.example:443 HTTP/1.1\r\nHost: chat.example\r\n\r\n", 400),
    (25, "the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    (25, "an unknown method", started("BREW /v1/ws HTTP/1.1"), 400),
    (26, "HTTP/1.0", started("GET /v1/ws HTTP/1.0"), 426),
    (27, "HTTP/9.9", started("GET /v1/ws HTTP/9.9"), 400),
    (27, "no version", started("GET /v1/ws"), 400),
    (28, "no key", changed("Sec-WebSocket-Key"), 400),
    (28, "two keys", changed("Sec-WebSocket-Key", KEY, KEY), 400),
    (28, "a short key", changed("Sec-WebSocket-Key", "c2hvcnQ="), 400),
    (28, "a key that is no base64", changed("Sec-WebSocket-Key", "*" * 24), 400),
    (29, "version 8", changed("Sec-WebSocket-Version", "8"), 426),
    (29, "version 0", changed("Sec-WebSocket-Version", "0"), 426),
    (29, "no version header", changed("Sec-WebSocket-Version"), 426),
    (29, "version 13 twice", changed("Sec-WebSocket-Version", "13", "13"), 400),
    (30, "Connection with more words is right", changed("Connection", "close, Upgrade"), 101),
    (30, "two Connection headers are right", changed("Connection", "keep-alive", "Upgrade"), 101),
    (30, "Upgrade in odd case is right", changed("Upgrade", "WebSocket"), 101),
    (30, "Connection without Upgrade", changed("Connection", "keep-alive"), 426),
    (31, "an upgrade twice", changed("Upgrade", "websocket", "websocket"), 426),
    (31, "an upgrade to h2c", changed("Upgrade", "h2c"), 426),
    (33, "no subprotocol", upgrade_request(None), 400),
    (33, "1,000 unknown subprotocols", upgrade_request(", ".join(f"p{n}" for n in range(1000))), 400),
    (33, "our subprotocol in odd case", upgrade_request("Chatd.V1.MsgPack"), 400),
    (33, "a subprotocol that is no token", upgrade_request("chatd.v1.msgpack;"), 400),
    (33, "our subprotocol behind 500 others is right",
     upgrade_request(", ".join([*(f"p{n}" for n in range(500)), "chatd.v1.msgpack"])), 101),
    (35, "slashes", on("//v1/ws"), 404),
    (35, "dots", on("/v1/../v1/ws"), 404),
    (35, "escaped dots", on("/v1/%2e%2e/v1/ws"), 404),
    (35, "escaped letters", on("/v1/w%73"), 404),
    (35, "NUL", on("/v1/ws%00"), 404),
    (35, "a slash at the end", on("/v1/ws/"), 404),
    (35, "another path", on("/"), 404),
    (35, "an absolute URI", on("http://chat.example/v1/ws"), 404),
    (35, "a star", on("*"), 404),
    (35, "a space", on("/v1/ws HTTP/1.1 x"), 400),
    (36, "token in the query", on("/v1/ws?token=abc"), 400),
    (36, "access_token in the query", on("/v1/ws?x=1&access_token=abc"), 400),
    (36, "an escaped token in the query", on("/v1/ws?%74oken=abc"), 400),
    (36, "an empty token in the query", on("/v1/ws?Token="), 400),
    (36, "a query that means nothing is right", on("/v1/ws?v=1&codec=json&tokens=2"), 101),
    (39, "Expect is right", upgrade_request(more=("Expect: 100-continue",)), 101),
    (40, "empty lines before are right", b"\r\n\r\n" + upgrade_request(), 101),
]  # fmt: skip

# Any of them may be offered: none is negotiated, which test_corpus.py checks in the answer.
OFFERS = {
    "permessage-deflate": "permessage-deflate",
    "a window of 8": "permessage-deflate; server_max_window_bits=8",
    "a window of 16": "permessage-deflate; client_max_window_bits=16",
    "a parameter twice": "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "200 offers": ", ".join(["permessage-deflate"] * 200),
    "nonsense": ";;;===",
}
ROWS += [(34, f"offers {name}", offering(offer), 101) for name, offer in OFFERS.items()]

# protocol.md "The WebSocket" and RFC 6454: the daemon allows https://app.example and http://localhost:3000.
FOREIGN_ORIGINS = {
    "null": "null",
    "star": "*",
    "nothing": "",
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
    "a trailing dot": "https://app.example.",
    "punycode of a look-alike": "https://xn--pp-7ka.example",
    "both in one value": "https://app.example http://localhost:3000",
    "both in one list": "https://app.example, http://localhost:3000",
    "a tab inside": "https://app.\texample",
}
ROWS += [(32, f"origin: {name}", from_page(origin), 403) for name, origin in FOREIGN_ORIGINS.items()]
ROWS += [(32, "two origins, both allowed", from_page(ORIGIN, "http://localhost:3000"), 400)]

CASES = tuple(Case(number, what, sent, f"status {status}", "connect") for number, what, sent, status in ROWS)
