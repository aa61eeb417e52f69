"""`GET /v1/events`: pages of the feed, and waiting for the next entry."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.commands.event_feed import WAITERS_MAX
from chatd.storage.views import FeedBounds
from tests.http.api.conftest import ADDRESS, Caller, WithKey
from tests.kit import http
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.waiting import until


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path, listen=ADDRESS, events={"enabled": True})) as running:
        yield running


@pytest.fixture
async def caller(with_key: WithKey) -> Caller:
    return await with_key("events.read")


def waiting(daemon: RunningDaemon) -> int:
    return daemon.app.host.feed_pages._waiting


async def test_a_page_holds_what_happened_and_the_next_one_what_comes_then(
    caller: Caller, clients: Clients
) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    await alice.send(room, "hello")
    page = await caller.get("/v1/events?types=event.message")
    assert (page["type"], page["timestamp"][-1]) == ("events", "Z")
    assert [one["event"]["body"] for one in page["events"]] == [{"text": "hello"}]
    assert {one["room"] for one in page["events"]} == {room}
    await alice.send(room, "there")
    rest = await caller.get(f"/v1/events?types=event&after={page['next']}")
    assert [one["event"]["body"] for one in rest["events"]] == [{"text": "there"}]
    assert rest["after"] == page["next"]


async def test_what_the_host_does_names_its_key(caller: Caller, with_key: WithKey) -> None:
    users = await with_key("users")
    assert (await users("PUT", "/v1/users/ann", {"name": "Ann"})).status == 200
    (account,) = (await caller.get("/v1/events?types=account"))["events"]
    assert (account["user"], account["change"], account["by"]) == ("ann", "profile", users.id)


async def test_the_lines_of_an_import_name_their_key(tmp_path: Path) -> None:
    people = {"enabled": True, "host_owns": ("friends",)}
    sections = {"listen": ADDRESS, "events": {"enabled": True}, "people": people}
    async with running_daemon(config_for(tmp_path, **sections)) as daemon:
        made = await daemon.api("POST", "/v1/keys", name="graph", scopes=["people", "events.read"])
        caller = Caller(daemon.api_url, made.json["secret"])
        lines = b'{"user": "u1", "friends": ["u2"]}\n{"user": "u3", "friends": ["u4"]}\n'
        assert (await caller("POST", "/v1/people/import", lines)).status == 200
        told = (await caller.get("/v1/events?types=friend"))["events"]
        by = made.json["key"]["id"]
        assert [(one["user"], one["other"], one["change"], one["by"]) for one in told] == [
            ("u1", "u2", "friends", by),
            ("u3", "u4", "friends", by),
        ]


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ("after=x", 400, "bad_cursor", "after"),
        ("types=event,mesage", 400, "bad_request", "types"),
        ("limit=501", 400, "bad_request", "limit"),
        ("wait=31", 400, "bad_request", "wait"),
        ("until=3", 400, "bad_request", "until"),
    ],
)
async def test_what_is_asked_wrongly_is_named(
    caller: Caller, query: str, status: int, code: str, field: str
) -> None:
    answer = await caller("GET", f"/v1/events?{query}")
    assert (answer.status, answer.json["code"], answer.json["field"]) == (status, code, field)


async def test_a_request_waits_for_the_next_entry_and_only_so_many_do(
    daemon: RunningDaemon, clients: Clients
) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    latest = (await daemon.api("GET", "/v1/events?after=latest")).json["next"]

    async def wait() -> http.Answer:
        return await daemon.api("GET", f"/v1/events?wait=30&types=event.message&after={latest}")

    waiters = [asyncio.ensure_future(wait()) for _ in range(WAITERS_MAX)]
    await until(lambda: waiting(daemon) == WAITERS_MAX)
    refused = await wait()
    assert (refused.status, refused.json["code"]) == (503, "overloaded")
    at_once = await daemon.api("GET", f"/v1/events?after={latest}&types=event")
    assert at_once.json["events"] == []
    await alice.send(room, "wake up")
    for answer in await asyncio.gather(*waiters):
        assert [one["event"]["body"]["text"] for one in answer.json["events"]] == ["wake up"]
    assert waiting(daemon) == 0


async def test_a_client_that_hangs_up_waits_no_more(daemon: RunningDaemon, caller: Caller) -> None:
    host, _, port = caller.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"GET /v1/events?wait=30&after=latest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {caller.secret}\r\n\r\n"
    writer.write(head.encode())
    await until(lambda: waiting(daemon) == 1)
    writer.close()
    await until(lambda: waiting(daemon) == 0)
    del reader


async def test_a_daemon_that_stops_answers_those_who_wait(daemon: RunningDaemon) -> None:
    asked = asyncio.ensure_future(daemon.api("GET", "/v1/events?wait=30&after=latest"))
    await until(lambda: waiting(daemon) == 1)
    await daemon.stop()
    answer = await asked
    assert (answer.status, answer.json["events"]) == (200, [])


async def test_without_a_feed_nothing_is_asked_for_nor_written(tmp_path: Path) -> None:
    async with running_daemon(config_for(tmp_path / "off", listen=ADDRESS)) as off:
        before = off.app.store.stamp
        clients = Clients(off.url)
        room, (alice, _) = await clients.in_direct("alice", "bob")
        await alice.send(room, "hello")
        await clients.leave()
        answer = await off.api("GET", "/v1/events")
        assert (answer.status, answer.json["code"]) == (501, "not_supported")
        assert off.app.store.stamp > before
        assert await off.app.store.feed.bounds() == FeedBounds(is_on=False)
        assert off.app.event_feed is None
