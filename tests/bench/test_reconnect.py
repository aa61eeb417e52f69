"""A killed daemon loses nothing; what is damaged while it is down is found by the counts."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import server as homes
from bench.client import user as users
from bench.client.user import BASE_S, CAP_S, UsersState, polite
from bench.engine.record import Script
from bench.engine.run_state import Access, Pacing
from bench.scenarios import reconnect
from bench.scenarios import reconnect as storms
from bench.scenarios.reconnect import Crowd, Probe
from tests.kit.result import is_whole
from tests.kit.soak import also


@pytest.mark.parametrize(("clients", "rooms"), [(40, 4), (7, 3), (60, 20), (1, 1)])
def test_everybody_has_his_rooms_and_every_room_its_people(clients: int, rooms: int) -> None:
    crowd = Crowd(clients, rooms, missed=10)
    assert [len(set(theirs)) for theirs in crowd.rooms_of] == [rooms] * clients
    assert [len(members) for members in crowd.clients_of] == [crowd.size] * crowd.rooms
    said = sum(crowd.said(room) for theirs in crowd.rooms_of for room in theirs)
    assert said == 10 * clients
    assert crowd.clients_of[0].count(crowd.clients_of[0][0]) == 1


def test_polite_waits_spread_double_and_obey() -> None:
    delay_s = polite(random.Random(1))
    first = [delay_s(0, 0) for _ in range(200)]
    assert min(first) < 0.1 * BASE_S
    assert max(first) <= BASE_S
    assert max(delay_s(3, 0) for _ in range(200)) > 4 * BASE_S
    assert max(delay_s(40, 0) for _ in range(200)) <= CAP_S
    assert delay_s(0, 17.0) == 17.0


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits as long as he would on a real network: the daemon is back in a moment."""
    monkeypatch.setattr(users, "BASE_S", 0.2)


def test_nothing_is_lost_when_the_daemon_is_killed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    impatient(monkeypatch)
    out = tmp_path / "r.json"
    small = ["--clients", "20", "--rooms", "3", "--missed", "9"]
    assert command.main(["reconnect", *small, "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert is_whole(result)
    assert result["messages"] == 9
    assert result["deliveries"] == 20 * 9
    assert result["resume_ms"]["count"] == 20
    assert sum(row["resumed"] for row in result["timeline"]) == 20
    assert result["schedule_lag_ms"]["count"] >= result["polite_ms"]["count"]
    assert "  generator   schedule lag p99" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("damage", "counter"),
    [
        (
            "DELETE FROM events WHERE position = (SELECT max(position) FROM events WHERE kind = 'message')",
            "lost",
        ),
        *also(
            (
                "UPDATE events SET blob = CAST(substr(blob, 1, length(blob) - 1) || '!' AS BLOB)"
                " WHERE kind = 'message'",
                "altered",
            )
        ),
    ],
)
async def test_what_happens_to_the_log_meanwhile_is_found(
    damage: str, counter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    monkeypatch.setattr(storms, "STORM_S", 1.0)
    with homes.daemon_dir() as home:
        killed: list[int] = []

        def kill_and_damage(daemon: homes.Daemon) -> None:
            kill(daemon)
            if not killed:
                change(home.database, damage)
            killed.append(daemon.pid)

        kill = homes.Daemon.kill
        monkeypatch.setattr(homes.Daemon, "kill", kill_and_damage)
        storm, _ = await reconnect.play(home, Crowd(clients=4, rooms_each=2, missed=6))
    assert storm.state.tally.counts()[counter] > 0, storm.state.tally.counts()


def change(database: Path, sql: str) -> None:
    """Runs a statement as soon as the dead daemon has let go of the file."""
    while True:
        try:
            with closing(sqlite3.connect(database, timeout=5)) as connection:
                connection.execute(sql)
                connection.commit()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Probe]:
    monkeypatch.setattr(storms, "PER_S", 500.0)
    state = UsersState(Access("ws://127.0.0.1:9/", "secret"), Script("prob"), Pacing(1, 0))
    yield Probe(state, 0)
    state.poller.close()


HELLO = {"epoch": "e", "sync": {"rooms": [], "cursor": "c"}}


def test_a_probe_that_is_not_back_has_no_schedule_yet(probe: Probe) -> None:
    probe.room = "room"
    assert (probe.from_ns, probe.sender.said) == (0, 0)
    probe.welcome(HELLO)
    assert probe.from_ns > 0
    assert probe.sender.said == 1


def test_what_is_due_while_a_probe_is_away_waits_and_counts_from_when_it_was_due(probe: Probe) -> None:
    probe.room = "room"
    probe.welcome(HELLO)
    probe.state.poller.run(lambda: probe.sender.said >= 5)  # they have no connection
    dues = [due_ns - probe.from_ns for _, _, due_ns in probe.sender._waiting]
    assert dues[:5] == [place * 2_000_000 for place in range(5)]
    assert probe.record.lags.count == probe.sender.said
    began_ns = probe.from_ns
    probe.welcome(HELLO)  # back again: the schedule is the one they had
    assert probe.from_ns == began_ns
    probe.room = ""  # the storm is over: nothing more is due
    said = probe.sender.said
    probe.state.poller.run(lambda: not probe.state.poller._timers)
    assert probe.sender.said == said
