"""Both configurations are in a result, whole and without secrets; who was measured and how to repeat it is printed."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import outcome, printout, rooms
from bench.results import Threshold
from bench.scenarios.floor import own_floor
from bench.server import Daemon, Endpoint
from bench.wire import ENCODINGS
from tests.kit.faulty_server import canary


def test_the_settings_of_our_own_daemon_are_told_but_no_secret() -> None:
    settings = {"CHATD_SEARCH__ENABLED": "false"}
    daemon = Daemon("ws://x/", "a secret", 0, Path(), 0, {**settings, "CHATD_AUTH__SECRET": "a secret"})
    assert outcome.of_daemon(daemon) == settings


async def test_of_a_daemon_at_a_url_there_is_the_url_and_of_a_floor_nothing() -> None:
    assert outcome.of_daemon(None, "ws://x/") == {"url": "ws://x/"}
    async with own_floor("push") as there:
        assert outcome.of_daemon(there.daemon) == {}


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
    assert said[1].endswith(f"ws://{result['config']['daemon']['CHATD_LISTEN__ADDRESS']}/v1/ws")
    repeat = f"python -m bench {' '.join(arguments)} --json '{out}'"
    assert said[-1] == f"  repeat      {repeat}"
    assert result["command"] == repeat
    assert result["config"]["generator"]["clients"] == "2"
    assert result["config"]["daemon"]["CHATD_RATES__ENABLED"] == "false"
    assert "CHATD_AUTH__SECRET" not in out.read_text()


def test_who_is_not_started_here_is_named_by_his_url_only() -> None:
    (line,) = printout.server({"config": {"daemon": {"url": "ws://far/v1/ws"}}, "environment": {}})
    assert "ws://far/v1/ws" in line
    assert printout.server({"config": {"daemon": {}}, "environment": {}}) == []


async def test_progress_is_shown_while_rooms_are_made(capsys: pytest.CaptureFixture[str]) -> None:
    async with canary("none") as bird:
        there = Endpoint(bird.url, "secret", ENCODINGS["msgpack"], None)
        users = [f"prog-{number}" for number in range(4)]
        await rooms.create_group(there, "prog1", users)
        await rooms.create_direct(there, "prog", [(users[0], users[1])])
        await rooms.create_blocks(there, "prog", users, 3)
    shown = capsys.readouterr().err
    assert f"{printout.bar(1, 1)} groups" in shown
    assert f"{printout.bar(1, 1)} direct rooms" in shown
    assert f"{printout.bar(3, 3)} groups" in shown
