"""docs/bots.md: its commands run as they are written, and its example is a bot that can be killed at any time."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.http.api.conftest import ADDRESS, Caller, WithKey
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, daemon_process, running_daemon
from tests.kit.document_commands import needs_curl, run_commands
from tests.kit.newcomer import ROOT
from tests.kit.waiting import until

DOCUMENT = ROOT / "docs" / "bots.md"
EXAMPLE = ROOT / "docs" / "examples" / "rain_bot.py"
LINES_MAX = 60


@needs_curl
async def test_the_commands_work(tmp_path: Path) -> None:
    async with daemon_process(tmp_path, EVENTS__ENABLED="true", BOTS__ENABLED="true") as daemon:
        answers = await run_commands(DOCUMENT, daemon, tmp_path)
    assert '"user":"shop","kind":"official"' in answers
    assert '"type":"events"' in answers


def test_the_example_is_short() -> None:
    lines = len(EXAMPLE.read_text().splitlines())
    assert lines < LINES_MAX
    assert f"in {lines} lines" in DOCUMENT.read_text()


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    on = {name: {"enabled": True} for name in ("people", "events", "bots")}
    async with running_daemon(config_for(tmp_path / "data", listen=ADDRESS, **on)) as running:
        yield running


@asynccontextmanager
async def example(directory: Path, key: Caller) -> AsyncIterator[None]:
    """The example while it runs; it is killed, not stopped."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLE), key.url, key.secret, cwd=directory
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def test_the_example_answers_everything_once(
    daemon: RunningDaemon, clients: Clients, with_key: WithKey, tmp_path: Path
) -> None:
    key, cursor = await with_key("bots", "users", "messages"), tmp_path / "rain_bot.cursor"
    ann = await clients.connect("ann")
    async with example(tmp_path, key):
        await until(lambda: daemon.app.host.bots._waiting)
        room = await ann.open_direct("rain")
        greeting = await ann.next_event(room)
        (vienna, _), *_ = greeting["body"]["buttons"]
        press = {"reply_to": greeting["seq"], "data": vienna["data"]}
        sent = await ann.send(room, vienna["label"], body=press)
        answer = await ann.next_event(room)
        assert (answer["user"], answer["body"]["text"]) == ("rain", "In Vienna it rains.")
        assert answer["body"]["reply_to"] == sent["seq"]
    await ann.send(room, "nonsense", body={"data": {"city": ["vie"]}})
    bob = await clients.connect("bob")
    await bob.send(await bob.open_direct("rain"), "Who are you?")
    await bob.request({"type": "contact.set", "user": "rain", "blocked": True})
    await ann.send(room, "/rain")
    async with example(tmp_path, key):
        assert (await ann.next_event(room))["body"]["text"] == "Where are you?"
        assert (await ann.next_event(room))["body"]["buttons"] == greeting["body"]["buttons"]
    # As if it had died each time just before it noted its cursor.
    cursor.unlink(missing_ok=True)
    await ann.send(room, "still there?")
    async with example(tmp_path, key):
        assert (await ann.next_event(room))["body"]["text"] == "Where are you?"
    texts = [event["body"]["text"] for event in await ann.read_log(room) if event["kind"] == "message"]
    assert texts == [
        "Where are you?",
        "Vienna",
        "In Vienna it rains.",
        "nonsense",
        "/rain",
        "Where are you?",
        "Where are you?",
        "still there?",
        "Where are you?",
    ]
