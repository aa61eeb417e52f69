"""POST /v1/import: one answer for all lines, and what a reader then finds."""

import asyncio
import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from tests.http.api.conftest import WithKey
from tests.http.api.test_bulk import BOMBS, lines
from tests.kit import http
from tests.kit.daemon import DaemonProcess, RunningDaemon, daemon_process
from tests.kit.waiting import until

THEN = 1_546_215_120_000
ROOM = {
    "type": "room",
    "room": "C1",
    "kind": "group",
    "time": THEN,
    "title": "general",
    "members": ["ann", "bob"],
}


def said(key: str, user: str = "ann", **keys: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "room": "C1",
        "key": key,
        "user": user,
        "time": THEN + 1000,
        "text": key,
        **keys,
    }


async def test_all_lines_have_one_answer_and_what_came_is_there(with_key: WithKey) -> None:
    caller = await with_key("import", "rooms.read", "messages.read", "users.read")
    attachment = {"url": "https://a/b.png", "mime": "image/png"}
    body = lines(
        {"type": "user", "user": "ann", "name": "A" * 70, "since": THEN},
        ROOM | {"creator": "ann", "data": {"topic": "x"}, "public": True},
        {"type": "member", "room": "C1", "user": "cat", "role": "admin"},
        said("1"),
        said("2", "bob", body={"text": "look", "attachments": [attachment], "data": {"n": 1}}),
        said("3", "bob", reply_to={"user": "ann", "key": "1"}, reactions={":yes:": ["ann", "cat"]}),
        said("4", time="yesterday"),
        {"type": "poll"},
    )
    answer = await caller("POST", "/v1/import", body)
    assert answer.status == 200, answer.body
    assert {name: answer.json[name] for name in ("lines", "users", "rooms", "members", "messages")} == {
        "lines": 8, "users": 1, "rooms": 1, "members": 3, "messages": 3,
    }  # fmt: skip
    assert answer.json["mended"] == {"name_cut": {"count": 1, "first": 1}}
    assert (left := answer.json["left_out"]["invalid"]) == {"count": 2, "first": 7, "detail": left["detail"]}
    assert "`time`" in left["detail"]
    (room,) = (await caller.get("/v1/users/ann/rooms"))["rooms"]
    assert (room["title"], room["role"], room["joined_at"]) == ("general", "owner", THEN)
    one, two, three = (await caller.get(f"/v1/rooms/{room['room']}/messages"))["messages"]
    assert one["body"] == {"text": "1"}
    assert two["body"] == {"text": "look", "attachments": [attachment], "data": {"n": 1}}
    assert (three["body"]["reply_to"], three["reactions"]) == (one["seq"], [{"emoji": ":yes:", "count": 2}])
    again = (await caller("POST", "/v1/import", body)).json
    assert (again["duplicates"], again["rooms"], again["members"], again["messages"]) == (6, 0, 0, 0)


async def test_a_group_moves_in_with_its_rules_and_into_the_directory(
    with_key: WithKey, daemon: RunningDaemon
) -> None:
    caller = await with_key("import")
    listed = {"policy": {"join": "open", "listed": True}, "about": "For all", "tags": ["bike"]}
    answer = await caller(
        "POST",
        "/v1/import",
        lines(
            ROOM | listed,
            ROOM | {"room": "C2", "policy": {"join": "open"}},
            ROOM | {"room": "C3", "policy": {"slow_s": -1}},
        ),
    )
    assert (answer.json["rooms"], [*answer.json["left_out"]]) == (2, ["invalid"]), answer.body
    store = daemon.app.store
    for title, tag in (("gen", ""), ("", "#bike")):
        (found,) = await store.listed_rooms(title, tag, 1, (1 << 53, ""), 10)
        assert found.room.details.about == "For all"


async def test_lines_that_are_bombs_are_left_out(with_key: WithKey) -> None:
    caller = await with_key("import")
    bombs = b"".join(bomb + b"\n" for bomb in BOMBS.values())
    answer = await caller("POST", "/v1/import", bombs + lines(ROOM))
    assert (answer.status, answer.json["rooms"]) == (200, 1), answer.body
    assert sum(noted["count"] for noted in answer.json["left_out"].values()) == len(BOMBS)
    assert len(answer.body) < 1000


def kept(daemon: DaemonProcess) -> list[Any]:
    """Return what everybody reads, without the names of rooms here."""
    with closing(sqlite3.connect(daemon.database)) as database:
        statements = (
            "SELECT position & 0xffffffff, kind, user, time, client_key, blob FROM events ORDER BY position",
            "SELECT user, role, joined_at, first_visible, read, gone FROM members ORDER BY room, user",
            "SELECT user, emoji, seq FROM reactions ORDER BY room, seq, user",
            "SELECT kind, title, seq, ordinal, time, members FROM rooms ORDER BY number",
        )
        return [database.execute(statement).fetchall() for statement in statements]


async def test_killed_in_the_middle_and_begun_again_it_is_as_if_it_ran_once(tmp_path: Path) -> None:
    parts = [
        lines(ROOM, *(said(f"{part}-{one}", time=THEN + one * (part + 1), reactions={":yes:": ["dan"]})
                      for one in range(1500)))
        for part in range(3)
    ]  # fmt: skip
    found = []
    for name in ("cut", "whole"):
        directory = tmp_path / name
        directory.mkdir()
        async with daemon_process(directory) as daemon:
            if name == "cut":
                assert (await upload(daemon, parts[0])).status == 200
                task = asyncio.create_task(upload(daemon, parts[1]))
                # As soon as a part of this one is stored.
                await until(lambda daemon=daemon: len(kept(daemon)[0]) > 1 + 1500)
                await daemon.kill9()
                with suppress(OSError, IndexError):
                    await task
        async with daemon_process(directory) as daemon:
            for part in parts:
                assert (answer := await upload(daemon, part)).status == 200
                assert json.loads(answer.body)["left_out"] == {}
            await daemon.terminate()
            found.append(kept(daemon))
    cut, whole = found
    assert cut == whole
    assert len(whole[0]) == 1 + 3 * 1500


async def upload(daemon: DaemonProcess, body: bytes) -> http.Answer:
    socket_path = daemon.database.parent / "chatd.sock"
    return await http.request("http://admin/v1/import", "POST", content=body, socket_path=socket_path)
