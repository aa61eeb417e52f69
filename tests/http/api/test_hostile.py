"""Requests that no honest back end sends: none is a defect, none is told anything, none changes anything."""

import asyncio

import pytest

from tests.http.api.conftest import Caller, WithKey
from tests.kit import http
from tests.kit.daemon import RunningDaemon

GOOD = "PUT /v1/users/u1 HTTP/1.1"
# Name -> (request line, headers besides, body); {key} is that of somebody who may do it.
HOSTILE: dict[str, tuple[str, str, bytes]] = {
    "a host that is none": (GOOD, "Host: [\r\nAuthorization: Bearer x", b"{}"),
    "a long key": (GOOD, "Authorization: Bearer ck_" + "a" * 8000, b"{}"),
    "a key of other letters": (GOOD, "Authorization: Bearer ck_\xe4\xf6\xfc_\xff", b"{}"),
    "a key without a scheme": (GOOD, "Authorization: {key}", b"{}"),
    "a key as a password": (GOOD, "Authorization: Basic {key}", b"{}"),
    "a key and another": (GOOD, "Authorization: Bearer {key}, Bearer {key}", b"{}"),
    "a key with a space behind": (GOOD, "Authorization: Bearer  {key}", b"{}"),
    "a key in a cookie": (GOOD, "Cookie: key={key}", b"{}"),
    "a parent": ("PUT /v1/users/..%2Fkeys HTTP/1.1", "Authorization: Bearer {key}", b"{}"),
    "an empty user": ("PUT /v1/users/ HTTP/1.1", "Authorization: Bearer {key}", b"{}"),
    "a NUL in a user": ("PUT /v1/users/u%00 HTTP/1.1", "Authorization: Bearer {key}", b"{}"),
    "half a letter": ("PUT /v1/users/u%ff HTTP/1.1", "Authorization: Bearer {key}", b"{}"),
    "a query beside a body": (GOOD.replace("u1", "u1?seen=1"), "Authorization: Bearer {key}", b"{}"),
    "an unknown key": (GOOD, "Authorization: Bearer {key}", b'{"admin":true}'),
    "a list": (GOOD, "Authorization: Bearer {key}", b"[]"),
    "a text": (GOOD, "Authorization: Bearer {key}", b'"x"'),
    "no JSON": (GOOD, "Authorization: Bearer {key}", b"name=Ann"),
    "a deep body": (GOOD, "Authorization: Bearer {key}", b'{"name":' + b"[" * 100_000),
    "a long body": (GOOD, "Authorization: Bearer {key}", b" " * ((1 << 20) + 1)),
    "a hash that is none": (GOOD, "Authorization: Bearer {key}", b'{"password_hash":"plain text"}'),
    "a packed body": (GOOD, "Authorization: Bearer {key}\r\nContent-Encoding: gzip", b"\x1f\x8b\x08\x00"),
    "a query twice": ("GET /v1/users?limit=1&limit=2 HTTP/1.1", "Authorization: Bearer {key}", b""),
    "no limit": ("GET /v1/users?limit=0 HTTP/1.1", "Authorization: Bearer {key}", b""),
    "a limit of letters": ("GET /v1/users?limit=%D9%A1 HTTP/1.1", "Authorization: Bearer {key}", b""),
    "a long more": (f"GET /v1/users?more={'x' * 65} HTTP/1.1", "Authorization: Bearer {key}", b""),
    "a more of others": ("GET /v1/users/u1/rooms?more=-1 HTTP/1.1", "Authorization: Bearer {key}", b""),
}


async def sent(url: str, line: str, headers: str, body: bytes) -> http.Answer:
    host = "" if "Host:" in headers else "Host: x\r\n"
    head = f"{line}\r\n{host}{headers}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return await http.exchange(url, head.encode("latin-1") + body)


async def test_what_no_back_end_sends_is_refused_with_a_problem(
    daemon: RunningDaemon, with_key: WithKey, caplog: pytest.LogCaptureFixture
) -> None:
    caller = await with_key("users")
    for name, (line, headers, body) in HOSTILE.items():
        answer = await sent(caller.url, line, headers.replace("{key}", caller.secret), body)
        assert 400 <= answer.status < 500, name
        assert answer.headers["content-type"] == "application/problem+json", name
        assert (answer.json["status"], len(answer.body) < 1000) == (answer.status, True), name
        assert caller.secret not in answer.body.decode(), name
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
    assert (await caller.get("/v1/users"))["users"] == []
    assert [one["action"] for one in (await daemon.api("GET", "/v1/audit")).json["audit"]] == [
        "POST /v1/keys"
    ]


async def test_a_body_that_never_ends_is_cut(daemon: RunningDaemon, with_key: WithKey) -> None:
    caller = await with_key("users")
    host, port = caller.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"PUT /v1/users/u1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {caller.secret}\r\n"
    writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
    piece = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    answered = asyncio.create_task(reader.readuntil(b"\r\n"))
    for _ in range(64):
        if answered.done():
            break
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    assert b"413" in await answered
    writer.close()
    assert await Caller(caller.url, caller.secret).get("/v1/users") == {"users": []}
