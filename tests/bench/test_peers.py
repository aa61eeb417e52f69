"""Other servers beside the daemon: whoever is installed delivers everything, a liar is found, who is absent is told."""

from __future__ import annotations

import doctest
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench.engine.record import MessageId, Script
from bench.engine.relay import Relay, RelayPlan
from bench.engine.run_state import Access, Pacing, Report
from bench.engine.workers import Plan, measure
from bench.peers import table
from bench.peers.table import NATS, PEERS, Peer
from bench.scenarios import peers
from bench.server import Endpoint, Unreachable
from bench.wire import ENCODINGS
from tests.kit.faulty_relay import RELAY_FAULTS, relay
from tests.kit.longer import lengths, longer
from tests.kit.result import is_whole

SHORT = ["--duration", "0.4", "--warmup", "0.1"]
FAULTS = {"swallow": "lost", "forget": "lost", "double": "duplicated", "stutter": "reordered"}
FAULTS |= {"swap": "lost", "alter": "altered"}


async def play(fault: str, pacing: Pacing) -> Report:
    """A fan-out over a relay with this fault."""
    async with relay(fault) as liar:
        url = f"ws://127.0.0.1:{liar.port}/"
        there = Endpoint(url, "", ENCODINGS["json"], None)
        plan = Plan(Relay, Access(url, "", "json"), Script("lies"), pacing, RelayPlan(3, 2, NATS))
        seen, _ = await measure(plan, 1, there)
    return seen


@pytest.mark.parametrize(
    "pacing", [Pacing(0.2, 0.0, in_flight=2, quiet_s=60.0), Pacing(0.2, 0.0, rate=100.0, quiet_s=60.0)]
)
async def test_an_honest_relay_passes(pacing: Pacing) -> None:
    for pace in longer(pacing):
        seen = await play("none", pace)
        assert seen.tally.clean, seen.tally.examples
        assert seen.record.deliveries().count == 3 * seen.record.messages
        if seen.record.messages:
            break


@pytest.mark.parametrize("fault", RELAY_FAULTS[1:])
async def test_every_lie_of_a_relay_is_found(fault: str) -> None:
    for pace in longer(Pacing(0.2, 0.0, rate=100.0, quiet_s=0.3)):
        seen = await play(fault, pace)
        if seen.tally.counts()[FAULTS[fault]]:
            break


def frames(content: bytes) -> Iterable[bytes]:
    at = 0
    while (end := table.message_end(content, at)) <= len(content):
        yield content[at:end]
        at = end


def test_nats_lines_are_cut_where_they_end() -> None:
    letter = Script("nats").key(MessageId(0, 1, 2_000, 3_000)).encode()
    message = b"MSG room 1 %d\r\n%b\r\n" % (len(letter), letter)
    assert list(frames(b"PING\r\n" + message + message[:-3])) == [b"PING\r\n", message]
    assert table.message_end(b"MSG roo", 0) > len(b"MSG roo")


def test_the_examples_in_the_documentation_hold() -> None:
    assert doctest.testmod(table).failed == 0


def test_an_address_is_taken_out_of_what_its_owner_receives() -> None:
    bound = b"<iq><bind><jid>ab12@localhost/x</jid></bind></iq>"
    stanza = b"<message to='ab12@localhost/x'><body>hi</body></message>"
    assert table._without_recipient(stanza, bound) == b"<message to=''><body>hi</body></message>\n"
    assert table._without_recipient(b"<presence/>", bound) is None
    assert b"to='room@rooms.localhost/ab12'" in table._joining(b"", bound)


def test_an_absent_peer_is_reported_as_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.peers.table.found", lambda program: None)
    out = tmp_path / "p.json"
    assert command.main(["peers", "--members", "4", "--senders", "2", *SHORT, "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert is_whole(result)
    assert all("absent" in result["peers"][name] for name in PEERS)
    said = capsys.readouterr().out
    assert all(peer.install in said for peer in PEERS.values())


def test_ejabberd_finds_its_configuration_and_its_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x86" / "ejabberd-23.01" / "ebin").mkdir(parents=True)
    monkeypatch.setattr(table, "LIBRARIES", tmp_path)
    monkeypatch.setattr(table, "found", {"erl": "/bin/erl"}.get)
    started = PEERS["ejabberd"].arguments(tmp_path, 4711)
    assert str(tmp_path / "x86") in started
    assert "port: 4711" in (tmp_path / "ejabberd.yml").read_text()


def test_a_wrapper_must_be_there_and_its_runtime_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "found", {"erl": "/bin/erl", "node": "/bin/node"}.get)
    assert not PEERS["ejabberd"].present, "an Erlang runtime alone is no ejabberd"


def played(per_s: float, p99: float) -> dict[str, Any]:
    return {"deliveries_per_s": per_s, "delivery_ms": {"p99": p99}}


def test_the_daemon_is_put_beside_a_peer_by_throughput_when_saturated_and_by_latency_at_a_rate() -> None:
    theirs = {"slow": played(100.0, 8.0), "gone": {"absent": "x"}, "dead": played(0.0, 0.0)}
    assert peers.ratios({"rate": None, **played(300.0, 4.0)}, theirs) == {"slow": {"deliveries": 3.0}}
    assert peers.ratios({"rate": 20.0, **played(100.0, 4.0)}, theirs) == {"slow": {"delivery_p99": 0.5}}


async def test_a_peer_that_does_not_start_is_told_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stopped(*arguments: object) -> None:
        raise Unreachable("it stopped with 1")

    broken = replace(PEERS["nats-server"], name="sh")
    monkeypatch.setattr(Peer, "play", stopped)
    row = await peers._measured(broken, Script("brok"), Pacing(1, 0), 1, 1)
    assert row == {"failed": "it stopped with 1"}


@pytest.mark.parametrize("name", PEERS)
def test_whoever_is_installed_delivers_everything(name: str, tmp_path: Path) -> None:
    if not PEERS[name].present:
        pytest.skip(f"{name} is not installed")
    out = tmp_path / "n.json"
    small = ["--only", name, "--members", "6", "--senders", "2", "--closed", "--in-flight", "2"]
    for duration_s in lengths(0.5):
        short = ["--duration", str(duration_s), "--warmup", "0"]
        assert command.main(["peers", *small, *short, "--json", str(out)]) == 0
        theirs = json.loads(out.read_text())["peers"][name]
        if theirs["messages"]:
            break
    assert theirs["deliveries"] == 6 * theirs["messages"]
    assert {counter: theirs[counter] for counter in ("lost", "duplicated", "reordered", "altered")} == {
        "lost": 0,
        "duplicated": 0,
        "reordered": 0,
        "altered": 0,
    }
