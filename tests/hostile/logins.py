"""POST /v1/login, the one route that reads a body from strangers, with bodies that are none (protocol.md "Plain
HTTP").

The content of its JSON is tested in tests/http/test_routes.py; here are false lengths, depth, and clients that leave.
"""

import json

from tests.hostile.case import Case

NUMBER = 165
CHUNKED = b"POST /v1/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
GOOD = {"user": "mallory", "password": "long enough"}


def posted(body: bytes, *more: str, length: int | None = None) -> bytes:
    """Return a login with this body; `length` is its declared size when that is not true."""
    lines = ["POST /v1/login HTTP/1.1", "Host: chat.example", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body) if length is None else length}", *more, "", ""]
    return "\r\n".join(lines).encode() + body


def login(**changes: object) -> bytes:
    return posted(json.dumps({**GOOD, **changes}).encode())


ROWS: list[tuple[str, bytes, str]] = [
    ("half a surrogate pair", posted(b'{"user":"\\ud800","password":"long enough"}'), "status 400"),
    ("2,000 maps", posted(b'{"a":' * 800 + b"1" + b"}" * 800), "status 400"),
    ("depth beside what is right",
     posted(b'{"x":' + b"[" * 1900 + b"]" * 1900 + b',"user":"m","password":"p"}'), "status 400"),
    ("a user that is a map", login(user={"$ne": None}), "status 400"),
    ("4 MB", posted(b" " * (4 << 20)), "status 400"),
    ("an unknown user", login(), "status 401"),
    ("a length below zero", posted(b"{}", length=-1), "status 400"),
    ("a length of 2^64", posted(b"{}", length=2**64), "status 400"),
    ("two lengths", posted(b"{}", "Content-Length: 3"), "status 400"),
    ("a chunk that is none", CHUNKED + b"zz\r\n", "cut"),
    ("a chunk of 2^64", CHUNKED + b"ffffffffffffffffff\r\n", "cut"),
    ("a coding nobody knows", CHUNKED.replace(b"chunked", b"gzip") + b"{}", "status 400"),
    ("a coding below chunks", CHUNKED.replace(b"chunked", b"gzip, chunked") + b"2\r\n{}\r\n0\r\n\r\n", "status 400"),
    ("half of a body", posted(b'{"user":', length=100), "waits"),
    ("half of a chunk", CHUNKED + b"ff\r\n{", "waits"),
    ("GET", b"GET /v1/login HTTP/1.1\r\nHost: a\r\n\r\n", "status 405"),
    ("another path", b"POST /v1/logins HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "status 404"),
    ("health with a body", b"GET /v1/health HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", "status 200"),
]  # fmt: skip

CASES = tuple(Case(NUMBER, f"login: {what}", sent, outcome, "connect") for what, sent, outcome in ROWS)
