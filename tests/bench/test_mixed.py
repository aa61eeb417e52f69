"""A population lives against a real daemon without a fault; a fault between is found; a bad file is refused."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench import __main__ as command
from bench.client import gathering
from bench.engine.record import Script
from bench.engine.run_state import Pacing
from bench.scenarios import mixed
from bench.scenarios.mixed import Population, Rates, Size
from bench.server import DaemonDir, Endpoint, daemon_dir
from bench.wire import ENCODINGS
from tests.kit.longer import lengths
from tests.kit.result import is_whole

SMALL = """
people = 12
[[rooms]]
kind = "direct"
count = 5
[[rooms]]
people = 8
count = 2
[rates]
messages = 80
reads = 40
typing = 40
churn = 10
"""


def file_of(directory: Path, text: str) -> Path:
    path = directory / "town.toml"
    path.write_text(text)
    return path


def test_the_example_is_a_population() -> None:
    population = mixed.read(Path("bench/examples/town.toml"), seed=1)
    assert [len(members) for members in population.members_of].count(100) == 3
    assert all(len(set(members)) == len(members) for members in population.members_of)
    assert population.rates.messages == 100
    pairs = [
        frozenset(members)
        for members, direct in zip(population.members_of, population.direct, strict=True)
        if direct
    ]
    assert len(set(pairs)) == len(pairs) == 400


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("people = ", "town.toml"),
        ("people = 5", "rooms"),
        ("people = true\n[[rooms]]\npeople = 2\ncount = 1", "people"),
        ("people = 5\n[[rooms]]\npeople = 6\ncount = 1", "people"),
        ("people = 5\n[[rooms]]\npeople = 2\ncount = 0", "count"),
        ("people = 5\n[[rooms]]\npeople = 2\ncount = 1\nsize = 3", "size"),
        ("people = 5\nrooms = 3", "rooms"),
        ('people = 5\n[[rooms]]\nkind = "direct"\ncount = 6', "count"),
        ('people = 5\n[[rooms]]\nkind = "direct"\npeople = 3\ncount = 1', "people"),
        ('people = 5\n[[rooms]]\nkind = "channel"\npeople = 2\ncount = 1', "kind"),
        ("people = 5\n[[rooms]]\npeople = 2\ncount = 1\n[rates]\nmesages = 3", "mesages"),
        ("people = 5\n[[rooms]]\npeople = 2\ncount = 1\n[rates]\nreads = -3", "reads"),
    ],
)
def test_a_bad_file_is_refused_by_its_key(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        mixed.read(file_of(tmp_path, text), seed=1)
    assert command.main(["mixed", str(file_of(tmp_path, text))]) == 2


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_population_lives_without_a_fault(
    tmp_path: Path, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m.json"
    for duration_s in lengths(0.6):
        short = ["--duration", str(duration_s), "--warmup", "0", "--encoding", encoding]
        assert command.main(["mixed", str(file_of(tmp_path, SMALL)), *short, "--json", str(out)]) == 0
        result = json.loads(out.read_text())
        assert is_whole(result)
        assert result["messages"] == result["ack_ms"]["count"]
        if result["messages"] > 20 and {"churn", "reads", "typing"} <= set(result["done"]):
            break
    assert result["deliveries"] > result["messages"]
    assert "done.typing" in capsys.readouterr().out


async def test_a_message_that_vanishes_from_the_log_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with daemon_dir() as home:
        monkeypatch.setattr(gathering, "_read", damaging(home))
        async with home.daemon() as daemon:
            there = Endpoint(daemon.url, daemon.secret, ENCODINGS["msgpack"], daemon)
            pacing = Pacing(0.5, 0.0, rate=40.0)
            town = Population(4, (Size(1, 4),), Rates(messages=40.0))
            _, seen = await mixed.play(there, Script("town"), pacing, town)
    assert seen.tally.counts()["lost"] > 0
    assert seen.tally.counts()["altered"] > 0


def damaging(home: DaemonDir):
    """Reads the logs when the newest message is gone from the file."""

    def read(*arguments):
        with closing(sqlite3.connect(home.database)) as connection:
            newest = "SELECT max(position) FROM events WHERE kind = 'message'"
            connection.execute(f"DELETE FROM events WHERE position = ({newest}) - 1")
            connection.commit()
        honest(*arguments)

    honest = gathering._read
    return read
