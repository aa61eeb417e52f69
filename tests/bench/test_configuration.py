"""Both configurations are in a result, whole and without secrets; who was measured and how to repeat it is printed."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import __main__ as command
from bench import outcome, printout, rooms
from bench.engine import workers
from bench.report import page
from bench.results import Threshold
from bench.scenarios import history
from bench.scenarios.floor import own_floor
from bench.server import own_daemon, own_endpoint
from chatd.config.model import Config

SECTIONS = Config.__struct_fields__


def fields_of(section: str) -> tuple[str, ...]:
    return tuple(getattr(Config(), section).__struct_fields__)


async def test_all_settings_of_our_own_daemon_are_told_but_no_secret() -> None:
    async with own_daemon() as daemon:
        told = outcome.of_daemon(daemon)
        assert daemon.secret not in json.dumps(told)
    assert told["rates.enabled"] == {"value": False, "origin": "env CHATD_RATES__ENABLED"}
    assert set(told) == {f"{section}.{key}" for section in SECTIONS for key in fields_of(section)}
    beyond = page.changed(told)
    assert beyond["log.level"] == "warning"
    assert "delivery.deflate_min_bytes" not in beyond


async def test_of_a_daemon_at_a_url_there_is_the_url_and_of_a_floor_nothing() -> None:
    assert outcome.of_daemon(None, "ws://x/") == {"url": "ws://x/"}
    async with own_floor("push") as there:
        assert outcome.of_daemon(there.daemon) == {}


def test_settings_that_cannot_be_told_cost_no_result() -> None:
    broken = (("CHATD_LIMITS__FRAME_BYTES", "many"),)
    assert "FRAME_BYTES" in outcome._in_force(broken)["not told"].upper()


def test_the_options_of_the_generator_are_told_as_they_were_said() -> None:
    limits = [Threshold.parse("lost==0"), Threshold.parse("ack.p99<5ms")]
    options = argparse.Namespace(
        scenario="x", command="y", rate=2.0, url=None, closed=False, threshold=limits
    )
    assert outcome.of_generator(options) == {"rate": "2.0", "threshold": "lost==0 ack.p99<5ms"}


def test_a_run_says_who_was_measured_and_how_to_repeat_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "with space.json"
    arguments = ["direct", "--clients", "2", "--rate", "20", "--duration", "0.2", "--warmup", "0"]
    assert command.main([*arguments, "--json", str(out)]) == 0
    said, result = capsys.readouterr().out.splitlines(), json.loads(out.read_text())
    assert said[1].startswith(f"server  chatd {result['environment']['chatd']} · SQLite ")
    assert said[1].endswith(f"ws://{result['config']['daemon']['listen.address']['value']}/v1/ws")
    repeat = f"python -m bench {' '.join(arguments)} --json '{out}'"
    assert said[-1] == f"  repeat      {repeat}"
    assert result["command"] == repeat
    assert result["config"]["generator"]["clients"] == "2"


def test_who_is_not_started_here_is_named_by_his_url_only() -> None:
    (line,) = printout.server({"config": {"daemon": {"url": "ws://far/v1/ws"}}, "environment": {}})
    assert "ws://far/v1/ws" in line
    assert printout.server({"config": {"daemon": {}}, "environment": {}}) == []


class Grown:
    """A daemon that holds a MiB more whenever somebody looks."""

    looked = 0

    def rss_bytes(self) -> int:
        self.looked += 1
        return self.looked * 1024**2


async def test_the_memory_of_the_daemon_is_noted_at_once_and_then_every_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []

    def at_once(after_s: float, *what: Any) -> asyncio.Handle:
        pauses.append(after_s)
        return asyncio.get_event_loop_policy().get_event_loop().call_soon(*what)

    measured, daemon = workers.Load(None), Grown()
    monkeypatch.setattr(workers.asyncio, "get_running_loop", lambda: SimpleNamespace(call_later=at_once))
    measured._look(daemon)  # type: ignore[arg-type]
    while daemon.looked < 5:
        await asyncio.sleep(0)
    assert measured._next is not None
    measured._next.cancel()
    assert set(pauses) == {1}
    rows = [{"second": place} for place in range(6)]
    assert [row.get("rss_mib") for row in measured.beside(rows)] == [2, 3, 4, 5, None, None]
    assert [row.get("rss_mib") for row in measured.beside(rows, 2.0)] == [4, 5, None, None, None, None]
    assert [row.get("rss_mib") for row in measured.beside(rows, -1.6)] == [None, 1, 2, 3, 4, 5]


async def test_a_timeline_without_a_daemon_of_our_own_has_no_memory() -> None:
    measured = workers.Load(None)
    with measured.during():
        pass
    assert measured.beside([{"second": 0}]) == [{"second": 0}]


async def test_progress_is_shown_while_rooms_are_made(capsys: pytest.CaptureFixture[str]) -> None:
    async with own_endpoint("msgpack") as there:
        users = [f"prog-{number}" for number in range(4)]
        await rooms.create_group(there, "prog1", users)
        await rooms.create_direct(there, "prog", [(users[0], users[1])])
        await rooms.create_blocks(there, "prog", users, 3)
    shown = capsys.readouterr().err
    assert f"{printout.bar(1, 1)} groups" in shown
    assert f"{printout.bar(1, 1)} direct rooms" in shown
    assert f"{printout.bar(3, 3)} groups" in shown


def test_progress_is_told_while_a_database_is_read() -> None:
    reading: Any = SimpleNamespace(pages=SimpleNamespace(count=5), hellos=SimpleNamespace(count=7))
    told = history._reading(reading, "cold", 10)()
    assert printout.bar(5, 10) in told
    assert f"7/{history.GREETINGS} hellos · cold" in told
