"""Uploads of many lines: an answer for each line, and what happens when one is cut, too large, wrong or sent again."""

import asyncio
import json
from typing import Any

import pytest

from chatd.commands.admin import Admin
from chatd.http.api import ndjson
from tests.http.api.conftest import Caller, WithKey
from tests.kit import http
from tests.kit.daemon import RunningDaemon


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def answers(answer: http.Answer) -> list[Any]:
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/x-ndjson"
    body = dechunked(answer.body) if answer.headers.get("transfer-encoding") else answer.body
    return [json.loads(line) for line in body.splitlines()]


def dechunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole, body = whole + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return whole


async def names(caller: Caller) -> dict[str, str]:
    return {row["user"]: row["name"] for row in (await caller.get("/v1/users?limit=200"))["users"]}


async def test_each_line_is_a_change_with_an_answer_in_its_order(with_key: WithKey) -> None:
    caller = await with_key("users")
    rows = [{"user": f"u{number}", "name": f"Name {number}"} for number in range(150)]
    found = answers(await caller("PUT", "/v1/users", lines(*rows)))
    assert found == [{"line": number, "ok": True} for number in range(1, 151)]
    assert await names(caller) == {row["user"]: row["name"] for row in rows}


async def test_a_wrong_line_spoils_no_other(with_key: WithKey) -> None:
    caller = await with_key("users")
    body = (
        lines({"user": "u1"}) + b"\n{]\n" + lines({"name": "nobody"}, {"user": "u/2"}, {"user": "u2", "x": 1})
    )
    found = answers(await caller("PUT", "/v1/users", body + b'{"user":"u3"}'))
    assert [(one["line"], one.get("code", "ok")) for one in found] == [
        (1, "ok"), (3, "unreadable"), (4, "bad_request"), (5, "bad_request"), (6, "bad_request"), (7, "ok"),
    ]  # fmt: skip
    assert found[1]["type"] == "/v1/errors/unreadable"
    assert found[3]["field"] == "user"
    assert sorted(await names(caller)) == ["u1", "u3"]


async def test_the_last_of_two_lines_for_one_user_counts(with_key: WithKey) -> None:
    caller = await with_key("users")
    await caller("PUT", "/v1/users", lines(*({"user": "u1", "name": f"{number}"} for number in range(100))))
    assert await names(caller) == {"u1": "99"}


async def test_an_upload_that_was_cut_changes_nothing_and_is_sent_again(
    daemon: RunningDaemon, with_key: WithKey
) -> None:
    caller = await with_key("users")
    body = lines(*({"user": f"u{number}"} for number in range(10)))
    host, port = caller.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"PUT /v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {caller.secret}\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:60])
    await writer.drain()
    writer.close()
    assert await names(caller) == {}
    for _ in range(2):
        assert all(one["ok"] for one in answers(await caller("PUT", "/v1/users", body)))
    assert len(await names(caller)) == 10
    versions = [row["version"] for row in (await caller.get("/v1/users"))["users"]]
    assert versions == [0] * 10


BEYOND = {
    "lines": b'{"user":"u1"}\n' * (ndjson.LINES_MAX + 1),
    "empty lines": b"\n" * (ndjson.LINES_MAX + 1),
    "bytes": b" " * (ndjson.BULK_BYTES_MAX + 1),
}


async def test_an_upload_beyond_its_bounds_is_refused_whole(with_key: WithKey) -> None:
    caller = await with_key("users")
    for what, body in BEYOND.items():
        answer = await caller("PUT", "/v1/users", body)
        assert (answer.status, answer.json["code"]) == (413, "too_large"), what
    assert await names(caller) == {}


BOMBS = {
    "deep": b"[" * 500_000,
    "deep in a value": b'{"user":"u1","name":' + b"[" * 400_000,
    "long": b'{"user":"u1","name":"' + b"x" * ndjson.LINE_BYTES_MAX + b'"}',
    "a long name of a key": b'{"user":"u1","' + b"x" * 500_000 + b'":1}',
    "a number without end": b'{"user":' + b"9" * 500_000 + b"}",
    "not UTF-8": b'{"user":"u1","name":"\xff\xfe"}',
    "half a letter": b'{"user":"u1","name":"\\ud800"}',
    "a NUL": b'{"user":"u1\x00"}',
}


async def test_a_bomb_is_an_error_of_its_line(with_key: WithKey) -> None:
    caller = await with_key("users")
    body = b"".join(bomb + b"\n" for bomb in BOMBS.values()) + lines({"user": "u2"})
    *bombs, fine = answers(await caller("PUT", "/v1/users", body))
    codes = dict(zip(BOMBS, [one["code"] for one in bombs], strict=True))
    assert set(codes.values()) == {"bad_request", "too_large", "unreadable"}, codes
    assert all(len(json.dumps(one)) < 500 for one in bombs), "an answer is as short as ever"
    assert fine == {"line": len(BOMBS) + 1, "ok": True}
    assert await names(caller) == {"u2": ""}


async def test_a_defect_is_an_error_of_its_line(
    with_key: WithKey, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caller, amend = await with_key("users"), Admin.amend

    async def failing(self: Admin, user: str, *arguments: Any, **named: Any) -> None:
        if user == "u2":
            raise KeyError(user)
        await amend(self, user, *arguments, **named)

    monkeypatch.setattr(Admin, "amend", failing)
    found = answers(await caller("PUT", "/v1/users", lines({"user": "u1"}, {"user": "u2"}, {"user": "u3"})))
    assert [one.get("code", "ok") for one in found] == ["ok", "internal", "ok"]
    assert sorted(await names(caller)) == ["u1", "u3"]
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.exc_info


async def test_so_many_uploads_are_taken_at_once(with_key: WithKey, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = await with_key("users")
    monkeypatch.setattr(ndjson, "UPLOADS_MAX", 0)
    answer = await caller("PUT", "/v1/users", lines({"user": "u1"}))
    assert (answer.status, answer.json["code"]) == (503, "overloaded")
    monkeypatch.setattr(ndjson, "UPLOADS_MAX", 1)
    for _ in range(3):
        assert answers(await caller("PUT", "/v1/users", lines({"user": "u1"}))) == [{"line": 1, "ok": True}]


async def test_every_line_is_in_the_audit(daemon: RunningDaemon, with_key: WithKey) -> None:
    caller = await with_key("users")
    await caller("PUT", "/v1/users", lines({"user": "u1"}, {"user": "u2"}, {"user": "!"}))
    entries = (await daemon.api("GET", "/v1/audit")).json["audit"]
    assert [(one["key"], one["action"], one["target"]) for one in entries if one["key"] == caller.id] == [
        (caller.id, "PUT /v1/users", "u2"),
        (caller.id, "PUT /v1/users", "u1"),
    ]


def test_lines_go_together_up_to_a_number_and_a_size() -> None:
    short = [(number, b"x") for number in range(ndjson.TOGETHER + 1)]
    assert [len(group) for group in ndjson.groups(short)] == [ndjson.TOGETHER, 1]
    long = [(number, b"x" * (ndjson.BYTES_TOGETHER // 2)) for number in range(5)]
    assert [len(group) for group in ndjson.groups(long)] == [2, 2, 1]
    assert [*ndjson.groups([(1, b"x" * (ndjson.BYTES_TOGETHER + 1))])] != []
