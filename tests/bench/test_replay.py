"""A replay against a real daemon finds nothing wrong; against a server that lies it finds the lie."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench.client import gathering
from bench.engine.record import SECOND_NS
from bench.scenarios import replay
from bench.scenarios.replay import Plan, Replay
from bench.server import Endpoint, Unreachable
from bench.trace import Trace, read
from bench.wire import ENCODINGS
from tests.kit.faulty_server import FAULTY_MESSAGE, MOODS, canary
from tests.kit.longer import lengths
from tests.kit.result import is_whole
from tests.kit.soak import also


def made_up(messages: int, rooms: int = 1, users: int = 4) -> bytes:
    """A trace in which everybody writes in turn, the last user twice in a row."""
    lines = []
    for number in range(messages):
        user = f"user {min(number % (users + 1), users - 1)}"
        line = {
            "ts": 1000 + number / 10,
            "room": f"room {number % rooms}",
            "user": user,
            "text": f"{number} 👋",
        }
        lines.append(json.dumps(line))
    return "\n".join(lines).encode()


def trace_of(messages: int, rooms: int = 1, users: int = 4) -> Trace:
    return read(io.BytesIO(made_up(messages, rooms, users)), "made up")


async def play(trace: Trace, fault: str, flap: float = 0.0, *, joined: bool = False) -> Replay:
    """A whole replay of a trace against the canary."""
    async with canary(fault, joined=joined) as bird:
        there = Endpoint(bird.url, "secret", ENCODINGS["msgpack"], None)
        # What a liar never sends is not waited for; an honest server may be as slow as the machine is.
        waits = {} if fault in ("none", *MOODS) else {"stall_s": 0.5, "quiet_s": 0.5}
        _, played = await replay.play(there, trace, Plan(flap=flap, **waits))
    return played


async def test_an_honest_server_passes() -> None:
    trace = trace_of(40, rooms=2, users=5)
    played = await play(trace, "none")
    assert played.state.tally.clean, played.state.tally.examples
    assert played.deliveries == trace.deliveries
    assert played.state.record.deliveries().count == trace.deliveries
    assert played.state.record.acks().count == 40


async def test_an_honest_server_passes_when_every_message_cuts_somebody() -> None:
    played = await play(trace_of(200, rooms=2, users=5), "none", flap=1.0)
    assert played.state.tally.clean, played.state.tally.examples
    assert played.deliveries == played.trace.deliveries
    assert played.cuts > 0
    assert played.state.resumes == played.cuts


@pytest.mark.parametrize(
    ("fault", "counter"),
    [
        ("swallow", "lost"),
        ("double", "duplicated"),
        ("store_twice", "duplicated"),
        ("swap", "reordered"),
        ("reverse", "reordered"),
        ("stray", "misrouted"),
        ("alter", "altered"),
        ("whisper", "altered"),
        ("silence", "unacked"),
        ("skip", "lost"),
        ("conceal", "lost"),
        ("babble", "altered"),
        ("misquote", "altered"),
    ],
)
@pytest.mark.parametrize("joined", [True, *also(False)])
async def test_every_lie_is_found(fault: str, counter: str, joined: bool) -> None:
    played = await play(trace_of(60, rooms=2, users=7), fault, joined=joined)
    assert played.state.tally.counts()[counter] > 0, played.state.tally.counts()
    assert played.state.tally.examples


@pytest.mark.parametrize("mood", ["lag", "later"])
@pytest.mark.parametrize("joined", [False, True])
async def test_what_an_honest_server_does_now_and_then_is_no_fault(mood: str, joined: bool) -> None:
    played = await play(trace_of(60, rooms=2, users=7), mood, joined=joined)
    assert played.state.tally.clean, played.state.tally.examples
    assert played.deliveries == played.trace.deliveries


async def test_a_last_message_that_one_member_never_hears_of_is_lost() -> None:
    played = await play(trace_of(FAULTY_MESSAGE), "forget")
    assert played.state.tally.counts() | {"lost": 0} == dict.fromkeys(played.state.tally.counts(), 0)
    assert played.state.tally.lost == 1


async def test_a_gap_in_the_middle_is_repaired_from_the_log() -> None:
    played = await play(trace_of(FAULTY_MESSAGE + 4), "forget")
    assert played.state.tally.clean, played.state.tally.examples
    assert played.state.repaired == 1
    assert played.deliveries == played.trace.deliveries


async def test_people_who_are_never_let_in_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for gather_s in lengths(0.3):
        monkeypatch.setattr(gathering, "GATHER_NS", int(gather_s * SECOND_NS))
        with pytest.raises(Unreachable, match="only 0 people") as refused:
            await play(trace_of(4), "lock_out")
        if "hello: internal" in str(refused.value):
            break


async def test_a_daemon_that_is_gone_at_the_end_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(replay: Replay) -> None:
        monkeypatch.setattr(gathering, "GATHER_NS", 300_000_000)  # they came in, however long that took
        replay.state.resting = True  # nobody comes back
        for person in replay.people.values():
            person.cut()
        monkeypatch.setattr(gathering, "GATHER_NS", SECOND_NS // 10)
        honest(replay)

    honest = Replay.compare
    monkeypatch.setattr(Replay, "compare", gone)
    with pytest.raises(Unreachable, match="only 0 who read the logs"):
        await play(trace_of(4), "none")


def run(tmp_path: Path, *arguments: str, trace: bytes) -> tuple[int, dict[str, Any]]:
    """The command as a user calls it: exit code and result file."""
    file, out = tmp_path / "trace.ndjson.gz", tmp_path / "result.json"
    file.write_bytes(gzip.compress(trace))
    code = command.main(["replay", str(file), "--json", str(out), *arguments])
    return code, json.loads(out.read_text()) if out.exists() else {}


def test_the_command_reports_a_liar_with_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHATD_AUTH__SECRET", "secret")

    async def against_a_liar() -> tuple[int, dict[str, Any]]:
        async with canary("alter") as bird:
            return await asyncio.to_thread(run, tmp_path, "--url", bird.url, trace=made_up(30))

    code, result = asyncio.run(against_a_liar())
    assert code == 1
    assert result["altered"] == 2  # the log is unlike the trace, and the author's replica unlike the log
    assert "FAIL" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["json", *also("msgpack")])
def test_a_real_daemon_passes_with_flapping_links(
    tmp_path: Path, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = made_up(400, rooms=3, users=13)
    code, result = run(tmp_path, "--flap", "0.1", "--encoding", encoding, trace=trace)
    assert code == 0, result["examples"]
    assert is_whole(result)
    assert result["server"]["connections"] == 13
    assert sum(second["acks"] for second in result["timeline"]) == 400
    assert result["messages"] == 400
    assert result["users"] == 13
    assert result["deliveries"] == result["deliveries_wanted"]
    assert [result[name] for name in ("lost", "duplicated", "reordered")] == [0, 0, 0]
    assert result["resumes"] > 0
    assert [line for line in result["server"]["complaints"] if "the event loop stood still" not in line] == []
    assert result["ack_ms"]["count"] == 400
    assert result["delivery_ms"]["p99"] > 0
    assert "PASS" in capsys.readouterr().out


def test_a_schedule_is_kept_at_a_multiple_of_real_time(tmp_path: Path) -> None:
    code, result = run(tmp_path, "--speed", "20", trace=made_up(100))
    assert code == 0, result["examples"]
    assert result["seconds"] >= 9.9 / 20
    assert result["schedule_lag_ms"]["count"] == 100


def test_no_daemon_at_the_url_is_exit_code_4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATD_AUTH__SECRET", "secret")
    code, _ = run(tmp_path, "--url", "ws://127.0.0.1:9/v1/ws", trace=made_up(3))
    assert code == 4


def test_a_url_without_a_secret_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CHATD_AUTH__SECRET", raising=False)
    code, _ = run(tmp_path, "--url", "ws://127.0.0.1:9/v1/ws", trace=made_up(3))
    assert code == 2
    assert "secret" in capsys.readouterr().err


def test_a_bad_line_is_a_usage_error_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = run(tmp_path, trace=made_up(3) + b"\n{}")
    assert code == 2
    assert "line 4" in capsys.readouterr().err
