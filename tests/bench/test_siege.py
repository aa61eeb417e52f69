"""`siege`: attacks are what they say, whatever was acknowledged has to arrive, and an attack is held or not."""

import json
from types import SimpleNamespace

import msgpack
import pytest

from bench.__main__ import main
from bench.checks import Tally
from bench.histogram import Histogram
from bench.scenarios import siege
from bench.scenarios.siege import AttackResult, Interval, Pairs
from bench.siege.attacker import ATTACKS, FIRST_FRAME_BYTES, FRAME_BYTES, AttackContext, colliding_keys

CONTEXT = AttackContext("g00000000000", "g00000000001", "g00000000002", "victim")


def test_colliding_keys_have_one_hash():
    keys = colliding_keys(500)
    assert len(set(keys)) == 500
    assert len({hash(key) for key in keys}) == 1


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_what_is_sent_fits_into_a_frame_and_is_the_same_for_the_same_number(attack):
    payload = attack.make(CONTEXT, 5)
    assert len(payload) <= (FIRST_FRAME_BYTES if attack.kind == "stranger" else FRAME_BYTES)
    assert payload == attack.make(CONTEXT, 5)


def test_names_are_names():
    names = [attack.name for attack in ATTACKS]
    assert len(set(names)) == len(names)


def interval(ack_ms: int, later_ms: int, refused: int = 0) -> Interval:
    made = Interval()
    made.acks = Histogram.of([ack_ms * 1_000_000] * 100)
    made.later = Histogram.of([later_ms * 1_000_000] * 90)
    made.hellos_refused = refused
    return made


@pytest.mark.parametrize(
    ("during", "held"),
    [
        (interval(29, 29), True),
        (interval(31, 31), False),
        (interval(400, 12), True),  # out within a second
        (interval(400, 400), False),
        (interval(10, 10, refused=1), False),  # somebody was kept out
    ],
)
def test_a_result_is_about_the_ratio_and_about_who_could_come_in(during, held):
    assert AttackResult(ATTACKS[0], interval(10, 10), during).held is held


class Wire:
    """A connection that answers as it is told, and gives what was sent to the other side."""

    def __init__(self) -> None:
        self.on_push = lambda packet: None
        self.other = None
        self.reply = {"type": "ok"}
        self.copies = 1

    def ask(self, packet, answered):
        for _ in range(self.copies):
            self.other.on_push({"type": "event", "events": [{"key": packet["key"]}]})
        answered(self.reply)


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        ({}, {}),
        ({"copies": 2}, {"duplicated": 2}),
        ({"copies": 0}, {"lost": 2}),
        ({"reply": {"type": "error", "code": "rate_limited"}}, {"unacked": 2}),
    ],
)
async def test_what_is_acknowledged_must_arrive_once(change, counted):
    tally, alice, bob = Tally(), Wire(), SimpleNamespace()
    alice.other = bob
    vars(alice).update(change)
    pairs = Pairs(tally)
    pairs.add(alice, bob, "room")
    await pairs.write(Interval(), 0.1)
    pairs.check()
    assert {name: count for name, count in tally.counts().items() if count} == counted


def test_an_attack_is_carried_out_and_judged(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(siege, "QUIET_S", 0.5)
    out = tmp_path / "siege.json"
    chosen = ["--only", "pongs", "--only", "revoked"]
    assert main(["siege", *chosen, "--messages", "50", "--duration", "1", "--json", str(out)]) in (0, 5)
    result = json.loads(out.read_text())
    assert list(result["attacks"]) == ["pongs", "revoked"]
    assert all(attack["attacker"]["dialled"] > 1 for attack in result["attacks"].values())
    assert result["attacks"]["pongs"]["ack_ms"]["count"] == 20
    assert result["lost"] == result["unacked"] == 0
    assert "batches of 64 pongs" in capsys.readouterr().out
    assert msgpack.unpackb(ATTACKS[8].make(CONTEXT, 0)) == [{"type": "pong"}] * 64
