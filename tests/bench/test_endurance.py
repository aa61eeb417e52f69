"""A stalled reader and a search for the knee: each runs, small, and tells what it should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench.engine.crew import measure
from bench.engine.part import Plan
from bench.engine.schedule import ARRIVALS
from bench.engine.stage import Pacing, Report
from bench.load import Load
from bench.scenarios import ramp, stalled
from bench.target import Target
from tests.kit.result import is_whole

SHORT = ["--duration", "0.4", "--warmup", "0.1"]


def test_a_stalled_reader_costs_the_others_no_message(tmp_path: Path) -> None:
    out = tmp_path / "s.json"
    assert command.main(["stalled", "--members", "8", *SHORT, "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert is_whole(result)
    assert result["deliveries"] == 8 * result["messages"] - result["messages"]
    assert result["without"]["delivery_ms"]["count"] > 0
    assert result["slow_consumers"] > 0, "the daemon never had to act"


def test_a_stalled_reader_in_a_closed_loop_of_two_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def measured(plan: Plan, shares: int, there: Target) -> tuple[Report, Load]:
        processes.append(shares)
        return await measure(plan, shares, there)

    processes: list[int] = []
    monkeypatch.setattr(stalled, "measure", measured)
    assert command.main(["stalled", "--members", "8", "--closed", "--procs", "2", *SHORT]) == 0
    assert processes == [2, 2]
    assert "CLOSED loop, 1 in flight each" in capsys.readouterr().out


def test_growth_is_to_the_most_that_was_held() -> None:
    server = {"rss_bytes": 90, "rss_growth_bytes": 20, "rss_bytes_max": 100}
    side: dict[str, Any] = {"server": server, "delivery_ms": {"p99": 2.0}}
    calm = {"server": {**server, "rss_bytes_max": 95}, "delivery_ms": {"p99": 1.0}}
    assert stalled.beside(calm, side)["memory_growth_bytes"] == 5
    assert stalled.beside(calm, side)["p99_moved"] == 1.0


def step_of(acks_per_s: float, **more: Any) -> dict[str, Any]:
    """What a load of a ramp's step wrote, as far as it is judged."""
    return {
        "delivery_ms": {"count": more.get("count", 9), "p50": 1.0, "p99": more.get("p99", 5.0)},
        "acks_per_s": acks_per_s,
        "server": more.get("server"),
        "generator": {"cpu_share": 0.1},
        "generator_bound": more.get("generator_bound", False),
    }


@pytest.mark.parametrize("rate", [20.0, 50.0])
def test_no_step_fails_because_chance_made_fewer_messages_due(rate: float) -> None:
    for seed in range(200):
        pacing = Pacing(5.0, 1.0, rate=rate, seed=seed)
        times = ARRIVALS["poisson"](rate, 6.0, seed)
        acked = len([at_ns for at_ns in times if at_ns >= 1e9]) / 5.0
        assert ramp.judged(step_of(acked), pacing, limit_ms=250.0)["held"], seed
        assert not ramp.judged(step_of(0.9 * acked), pacing, limit_ms=250.0)["held"], seed


def test_a_step_that_delivered_nothing_did_not_hold() -> None:
    step = ramp.judged(step_of(20.0, count=0, p99=0.0), Pacing(5.0, 0.0, rate=20.0), limit_ms=250.0)
    assert not step["held"]
    assert step["reason"] == "nothing was delivered"


@pytest.mark.parametrize(
    ("server", "bound", "limit"),
    [
        ({"cpu_share": 0.95}, True, "the daemon's core"),
        ({"cpu_share": 0.2}, True, "the generator"),
        ({"cpu_share": 0.2}, False, "waiting, for the disk or for a lock"),
        (None, True, "the generator"),
        (None, False, ramp.UNSEEN),
    ],
)
def test_what_was_used_up_first_is_told_only_where_it_was_seen(
    server: dict[str, float] | None, bound: bool, limit: str
) -> None:
    result = step_of(20.0, p99=900.0, server=server, generator_bound=bound)
    step = ramp.judged(result, Pacing(5.0, 0.0, rate=20.0), limit_ms=250.0)
    assert ramp.knee([step])["first_limit"] == limit
    assert (" - " in ramp._row(step)) is (server is None)


@pytest.mark.parametrize("start", [10.0, 100.0, 3000.0])
async def test_the_knee_is_found_from_either_side(start: float) -> None:
    async def attempt(rate: float) -> dict[str, Any]:
        result = step_of(rate, p99=5.0 if rate <= 700 else 900.0, server={"cpu_share": 0.95})
        return ramp.judged(result, Pacing(5.0, 1.0, rate=rate, arrival="uniform"), limit_ms=250.0)

    found = ramp.knee(await ramp.search(attempt, start))
    assert 640 < found["rate"] <= 700
    assert found["reason"] == "delivery p99 crosses 250 ms"
    assert found["first_limit"] == "the daemon's core"


def test_a_ramp_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ramp, "HALVINGS", 1)
    monkeypatch.setattr(ramp, "STEPS_MAX", 2)
    out = tmp_path / "r.json"
    small = ["--people", "4", "--rate", "50", "--limit", "5000", "--duration", "0.3", "--warmup", "0"]
    assert command.main(["ramp", *small, "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert is_whole(result)
    assert len(result["steps"]) == 3
    assert result["deliveries"] > 0, "of the best step"
