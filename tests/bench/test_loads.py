"""Every load runs clean against a real daemon, and finds the lies of a server that lies."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench import options
from bench.engine.record import SECOND_NS, Script
from bench.engine.run_state import Pacing, Report
from bench.histogram import Histogram
from bench.outcome import MISSED
from bench.scenarios import floor, loads
from bench.server import Daemon, Endpoint, Unreachable
from bench.wire import ENCODINGS
from tests.kit.faulty_server import STALL_S, canary
from tests.kit.longer import lengths, longer
from tests.kit.result import is_whole
from tests.kit.soak import also, in_a_soak

SHORT = Pacing(duration_s=0.2, warmup_s=0.0, quiet_s=60.0)  # an honest server may be as slow as the machine
GLIMPSE = replace(SHORT, duration_s=0.05)  # enough for hundreds of messages of an idle machine
HASTY = replace(GLIMPSE, in_flight=3, quiet_s=0.3)  # for what never comes: waiting longer would find no more
ZEROS = dict.fromkeys(("lost", "duplicated", "reordered", "misrouted", "altered", "unacked"), 0)


async def play(scenario: str, fault: str, pacing: Pacing, *, joined: bool = False) -> Report:
    """A short load against the canary."""
    async with canary(fault, joined=joined) as bird:
        there = Endpoint(bird.url, "secret", ENCODINGS["msgpack"], None)
        if scenario == "fanout":
            _, seen = await loads.fanout(there, Script("cana"), pacing, members=6, senders=2)
        else:
            _, seen = await loads.direct(there, Script("cana"), pacing, clients=4)
    return seen


@pytest.mark.parametrize("scenario", ["fanout", "direct"])
@pytest.mark.parametrize("pacing", [GLIMPSE, GLIMPSE.paced(in_flight=3), GLIMPSE.paced(rate=100.0)])
@pytest.mark.parametrize("joined", [False, True])
async def test_an_honest_server_passes(scenario: str, pacing: Pacing, joined: bool) -> None:
    for pace in longer(pacing):
        seen = await play(scenario, "none", pace, joined=joined)
        assert seen.tally.counts() == ZEROS, seen.tally.examples
        if seen.record.messages > 0:
            break
    receivers = 5 if scenario == "fanout" else 1
    assert seen.record.acks().count == seen.record.messages
    assert seen.record.deliveries().count == receivers * seen.record.messages


@pytest.mark.parametrize(
    ("scenario", "fault", "counter"),
    [
        ("fanout", "skip", "lost"),
        ("fanout", "babble", "altered"),
        ("fanout", "conceal", "lost"),
        ("fanout", "misquote", "altered"),
        ("fanout", "swallow", "lost"),
        ("fanout", "forget", "lost"),
        ("fanout", "double", "duplicated"),
        ("fanout", "store_twice", "duplicated"),
        ("fanout", "swap", "reordered"),
        ("fanout", "reverse", "reordered"),
        ("fanout", "alter", "altered"),
        ("fanout", "whisper", "altered"),
        ("fanout", "silence", "unacked"),
        ("direct", "skip", "lost"),
        ("direct", "babble", "altered"),
        ("direct", "conceal", "lost"),
        ("direct", "misquote", "altered"),
        ("direct", "forget", "lost"),
        ("direct", "double", "duplicated"),
        ("direct", "swap", "reordered"),
        ("direct", "stray", "misrouted"),
        ("direct", "alter", "altered"),
        ("direct", "silence", "unacked"),
    ],
)
@pytest.mark.parametrize("other", [False, *also(True)])
async def test_every_lie_is_found(scenario: str, fault: str, counter: str, other: bool) -> None:
    """What is committed together reaches a group in one push and a pair in several; in a soak also the `other` way."""
    for pace in longer(HASTY):
        seen = await play(scenario, fault, pace, joined=(scenario == "fanout") is not other)
        if seen.tally.counts()[counter] > 0:
            break
    assert seen.tally.examples


@pytest.mark.parametrize("scenario", ["fanout", "direct"])
@pytest.mark.parametrize("mood", ["lag", "later"])
@pytest.mark.parametrize("joined", [False, True])
async def test_what_an_honest_server_does_now_and_then_is_no_fault(
    scenario: str, mood: str, joined: bool
) -> None:
    seen = await play(scenario, mood, replace(SHORT, rate=60.0), joined=joined)
    assert seen.tally.counts() == ZEROS, seen.tally.examples
    receivers = 5 if scenario == "fanout" else 1
    assert seen.record.acks().count == seen.record.messages
    lagged = 1 if mood == "lag" else 0  # came by log, so that it was not delivered live
    rooms = 1 if scenario == "fanout" else 2
    assert receivers * seen.record.messages - seen.record.deliveries().count <= lagged * rooms * 3


async def test_more_connections_than_one_address_has_ports_come_from_several(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(options, "CONNECTIONS_EACH", 2)
    async with canary("none") as bird:
        # No process has this number: it only says that the daemon is our own, and on the loopback.
        daemon = Daemon(bird.url, "secret", 0, Path("/dev/null"), 0, {})
        there = Endpoint(bird.url, "secret", ENCODINGS["msgpack"], daemon)
        _, seen = await loads.fanout(there, Script("cana"), SHORT, members=6, senders=2)
    assert seen.tally.clean
    assert bird.addresses == {"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"}, "the first makes the room"


async def test_one_skipped_place_is_lost_to_everybody_in_the_room() -> None:
    seen = await play("fanout", "skip", replace(SHORT, rate=60.0, quiet_s=2.0))
    assert seen.tally.counts() == ZEROS | {"lost": 6}


async def test_one_forgotten_delivery_is_exactly_one() -> None:
    seen = await play("fanout", "forget", replace(SHORT, rate=60.0, quiet_s=2.0))
    assert seen.tally.counts() == ZEROS | {"lost": 1}


async def test_devices_that_are_not_let_in_end_the_run() -> None:
    with pytest.raises(Unreachable, match="of 6 devices could not connect: hello: internal"):
        await play("fanout", "lock_out", SHORT)


async def test_visitors_who_find_other_rooms_than_they_have_are_noticed() -> None:
    async with canary("none") as bird:
        there = Endpoint(bird.url, "secret", ENCODINGS["msgpack"], None)
        _, seen = await loads.connect(there, Script("cana"), SHORT, users=3, rooms=2)
        assert seen.tally.clean
        _, seen = await loads.connect(there, Script("cana"), SHORT, users=3, rooms=2)
        assert seen.tally.altered > 0  # the canary still has the rooms of the run before


@pytest.mark.parametrize("fault", ["lock_out", "slam"])
async def test_visitors_who_are_not_let_in_are_noticed(fault: str) -> None:
    async with canary(fault) as bird:
        there = Endpoint(bird.url, "secret", ENCODINGS["msgpack"], None)
        _, seen = await loads.connect(there, Script("cana"), SHORT, users=3, rooms=1)
    assert seen.tally.counts() == ZEROS | {"unacked": sum(seen.failures.values())}
    assert "hello: internal" in seen.failures or seen.tally.unacked == 1


async def test_a_stall_is_charged_to_everybody_who_was_due_meanwhile() -> None:
    rate = 100.0
    seen = await play("fanout", "stall", replace(SHORT, duration_s=1.0).paced(rate=rate, arrival="uniform"))
    assert seen.tally.clean
    half_ns = int(STALL_S / 2 * SECOND_NS)
    # Half of what was due in the stall waited for half of it or more; of what was sent before it, one of each author.
    assert above(seen.record.acks(), half_ns) > rate * STALL_S / 4
    assert above(seen.record.acks_sent, half_ns) < above(seen.record.acks(), half_ns)
    receivers = 5
    assert above(seen.record.deliveries(), half_ns) > receivers * rate * STALL_S / 4
    assert above(seen.record.deliveries_sent, half_ns) < above(seen.record.deliveries(), half_ns)
    assert seen.record.deliveries().percentile(99) > half_ns


def above(durations: Histogram, than_ns: int) -> int:
    """How many durations are longer."""
    percents = [100 * place / durations.count for place in range(1, durations.count + 1)]
    return sum(durations.percentile(percent) > than_ns for percent in percents)


def run(
    tmp_path: Path, *arguments: str, has: Callable[[dict[str, Any]], object] | None = None
) -> tuple[int, dict[str, Any]]:
    """A scenario as a user calls it, against a daemon of its own: exit code and result file, which `has` enough."""
    out = tmp_path / "result.json"
    for duration_s in lengths(0.4):
        duration = () if has is None else ("--duration", str(duration_s), "--warmup", str(duration_s / 4))
        code = command.main([*arguments, *duration, "--json", str(out)])
        result = json.loads(out.read_text())
        assert is_whole(result)
        if has is None or has(result):
            break
    return code, result


def some_messages(result: dict[str, Any]) -> bool:
    return bool(result["messages"])


@pytest.mark.parametrize(
    ("encoding", "pace"), [("msgpack", ("--rate", "50")), ("json", ("--closed", "--in-flight", "4"))]
)
def test_fanout_with_two_processes(tmp_path: Path, encoding: str, pace: tuple[str, ...]) -> None:
    group = ("--members", "30", "--senders", "3", "--procs", "2", "--encoding", encoding)
    code, result = run(tmp_path, "fanout", *group, *pace, has=some_messages)
    assert code == 0, result["examples"]
    assert {name: result[name] for name in ZEROS} == ZEROS
    assert result["deliveries"] == 29 * result["messages"]
    assert result["server"]["connections"] == 30
    assert result["server"]["rss_bytes"] > 1024**2
    assert result["delivery_ms"]["p99_9"] >= result["delivery_ms"]["p50"] > 0
    assert sum(second["messages"] for second in result["timeline"]) == result["messages"]


def test_a_missed_threshold_is_exit_code_5_and_stands_in_the_page_of_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = tmp_path / "page.html"
    limits = ("--threshold", "lost==0", "--threshold", "delivery.p99<0.001us", "--html", str(drawn))
    code, result = run(tmp_path, "fanout", "--members", "5", "--rate", "50", *limits, has=some_messages)
    assert code == MISSED
    assert result["thresholds"] == {"lost==0": True, "delivery.p99<0.001us": False}
    assert "MISSED" in capsys.readouterr().out
    text = drawn.read_text()
    assert text.startswith("<!doctype html>")
    assert all(
        word in text
        for word in ("lost==0 PASS", "delivery.p99&lt;0.001us MISSED", f"{result['environment']['chatd']}")
    )
    assert ("GENERATOR-" in text) is result["generator_bound"]


def test_direct_delivers_every_message_to_the_peer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, result = run(tmp_path, "direct", "--clients", "10", "--closed", has=some_messages)
    assert code == 0, result["examples"]
    assert result["deliveries"] == result["messages"] == result["ack_ms"]["count"]
    assert "PASS" in capsys.readouterr().out


def test_connect_synchronises_all_rooms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    who = ("--users", "20", "--rooms", "3")
    code, result = run(tmp_path, "connect", *who, "--closed", "--in-flight", "4", has=some_messages)
    assert code == 0, result["examples"]
    assert result["resume_ms"]["count"] == result["messages"]
    assert "\n  resume " in capsys.readouterr().out


def test_idle_sessions_are_weighed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, result = run(tmp_path, "idle", "--sessions", "120", "--rooms", "2", "--settle", "0.2")
    assert code == 0, result["examples"]
    assert result["server"]["connections"] == 120
    assert result["session_bytes"] > 0
    assert "session_bytes" in capsys.readouterr().out


def test_the_daemon_is_put_beside_each_of_its_floors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A floor delivers and answers twice as many, in half the time."""

    @asynccontextmanager
    async def there(options: object) -> AsyncIterator[None]:
        yield None

    def playing(times: int) -> Callable[..., Any]:
        async def played(*of: Any, **sizes: int) -> tuple[dict[str, Any], None]:
            ms = {"count": 9, "p50": 4 / times, "p99": 8 / times}
            return {"deliveries_per_s": times, "acks_per_s": times, "ack_ms": ms, "delivery_ms": ms}, None

        return played

    monkeypatch.setattr(floor, "open_endpoint", there)
    monkeypatch.setattr(floor, "floor", playing(2))
    monkeypatch.setattr(loads, "fanout", playing(1))
    monkeypatch.setattr(loads, "direct", playing(1))
    out = tmp_path / "r.json"
    assert command.main(["floor", "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert result["ratio"] == {"delivery_p99": 2, "deliveries": 0.5, "acks": 0.5, "ack_p50": 2}
    assert not result["floor"].keys() & result["chatd"].keys()


@in_a_soak
def test_the_floors_are_measured_beside_the_daemon(tmp_path: Path) -> None:
    small = (
        "--members",
        "20",
        "--senders",
        "2",
        "--clients",
        "4",
        "--in-flight",
        "2",
        "--arrival",
        "uniform",
    )
    ran = "push saturated", "echo", "flush at the rate"

    def has(result: dict[str, Any]) -> bool:
        alone = all(result["floor"][name]["acks_per_s" if name != ran[0] else "deliveries"] for name in ran)
        return alone and bool(result["chatd"]["chatd saturated"]["deliveries"])

    code, result = run(tmp_path, "floor", *small, has=has)
    assert code == 0
    assert {row["arrival"] for row in result["floor"].values() if row["rate"]} == {"uniform"}
    assert {name: row["lost"] for name, row in result["floor"].items()} == dict.fromkeys(result["floor"], 0)
    assert (
        result["floor"]["push saturated"]["deliveries"] == 20 * result["floor"]["push saturated"]["messages"]
    )
    assert result["ratio"].keys() == {"delivery_p99", "deliveries", "acks", "ack_p50"}
