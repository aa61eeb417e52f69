"""Scenarios that live longer than a load: each finds the lies of a server that lies, and none in an honest one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench.checks import COUNTERS, Tally
from bench.client import user as users
from bench.engine.record import SECOND_NS, Script
from bench.engine.roles import Idle, Sessions
from bench.engine.run_state import Access, Pacing
from bench.engine.workers import Plan, measure
from bench.scenarios import peers, reconnect, stalled
from bench.scenarios import reconnect as storms
from bench.scenarios.reconnect import Crowd
from bench.server import Daemon, Endpoint
from bench.wire import ENCODINGS
from tests.kit.faulty_server import FaultyServer, canary
from tests.kit.longer import longer

SECRET = "secret"


def target_of(bird: FaultyServer) -> Endpoint:
    """The canary as a scenario sees it."""
    return Endpoint(bird.url, SECRET, ENCODINGS["msgpack"], None)


def found(tally: Tally) -> set[str]:
    """What was counted."""
    return {name for name, count in tally.counts().items() if count}


class Cage:
    """Where a canary lives: for `reconnect` its home, and its daemon."""

    def __init__(self, bird: FaultyServer) -> None:
        self.url, self.secret, self.settings, self.ready_s = bird.url, SECRET, {}, 0.0
        # No process has this number, so that nothing is seen of it.
        self._watched = Daemon(bird.url, SECRET, 0, Path("/dev/null"), 0, {})

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[Any]:
        yield self._watched

    @asynccontextmanager
    async def endpoint(self, encoding: str) -> AsyncIterator[Endpoint]:
        yield Endpoint(self.url, SECRET, ENCODINGS[encoding], self._watched)


@pytest.mark.parametrize(
    ("fault", "counted"),
    [
        ("none", set()),
        ("swallow", {"lost"}),
        ("store_twice", {"duplicated"}),
        ("reverse", {"reordered"}),
        ("alter", {"altered"}),
        ("skip", {"lost"}),
        ("later", set()),
        ("silence", set()),  # he asks again, with the same key, when he is back
    ],
)
async def test_a_storm_finds_every_lie(
    fault: str, counted: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "BASE_S", 0.1)
    if (
        counted
    ):  # what never comes is not waited for; where all comes, it may take as long as the machine likes
        monkeypatch.setattr(storms, "STORM_S", 1.0)
    monkeypatch.setattr(storms, "LAST_ACKS_NS", (1 if counted else 60) * SECOND_NS)
    monkeypatch.setattr(storms, "KILL_AT", 0.5)
    loop = asyncio.get_running_loop()
    async with canary(fault, faulty=2) as bird:  # in every room before the daemon is killed
        monkeypatch.setattr(Daemon, "kill", lambda daemon: loop.call_soon_threadsafe(bird.crash))
        storm, _ = await reconnect.play(Cage(bird), Crowd(clients=4, rooms_each=2, missed=16))  # type: ignore[arg-type]
    tally = storm.state.tally
    assert found(tally) >= counted, tally.counts()
    assert bool(found(tally)) == bool(counted), tally.examples


@pytest.mark.parametrize(
    ("fault", "counted"),
    [
        ("none", set()),
        ("lag", set()),
        ("skip", {"lost"}),
        ("forget", {"lost"}),
        ("double", {"duplicated"}),
        ("swap", {"reordered"}),
    ],
)
async def test_a_group_with_a_stalled_reader_finds_every_lie(fault: str, counted: set[str]) -> None:
    for pacing in longer(Pacing(0.3, 0.0, rate=100.0, quiet_s=0.3 if counted else 60.0)):
        async with canary(fault, faulty=stalled.PAGE_MESSAGES + 5) as bird:
            _, seen = await stalled.play(target_of(bird), Script("dull"), pacing, members=4, reads=True)
        if found(seen.tally) >= counted:
            break
    assert bool(found(seen.tally)) == bool(counted), seen.tally.examples


@pytest.mark.parametrize(("fault", "lost"), [("none", 0), ("hang_up", 1)])
async def test_a_session_that_is_lost_while_idle_is_noticed(fault: str, lost: int) -> None:
    async with canary(fault) as bird:
        plan = Plan(Idle, Access(bird.url, SECRET), Script("idle"), Pacing(0.5, 0.0), Sessions(3, rooms=0))
        seen, _ = await measure(plan, 1, target_of(bird))
    assert seen.tally.counts() == dict.fromkeys(COUNTERS, 0) | {"unacked": lost}


async def test_a_session_without_its_rooms_is_noticed() -> None:
    async with canary("none") as bird:
        plan = Plan(Idle, Access(bird.url, SECRET), Script("idle"), Pacing(0.1, 0.0), Sessions(3, rooms=10))
        seen, _ = await measure(plan, 1, target_of(bird))
    assert seen.tally.counts() == dict.fromkeys(COUNTERS, 0) | {"altered": 3}


@pytest.mark.parametrize(("fault", "code"), [("none", 0), ("double", 1), ("swap", 1)])
async def test_a_lie_is_exit_code_1(
    fault: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_AUTH__SECRET", SECRET)
    monkeypatch.setattr("bench.peers.table.found", lambda program: None)
    if fault != "none":
        monkeypatch.setattr(peers, "QUIET_S", 0.5)
    out = tmp_path / "r.json"
    small = ["--members", "4", "--senders", "2", "--only", "ejabberd"]
    short = ["--rate", "60", "--duration", "0.4", "--warmup", "0", "--json", str(out)]
    async with canary(fault) as bird:
        called = await asyncio.to_thread(command.main, ["peers", *small, *short, "--url", bird.url])
    assert called == code, json.loads(out.read_text())["examples"]
