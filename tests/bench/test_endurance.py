"""A stalled reader: it runs, small, and tells what it should."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import outcome
from bench.engine.record import Script
from bench.engine.run_state import Pacing, Report
from bench.engine.workers import Load, Plan, measure
from bench.scenarios import stalled
from bench.server import Endpoint, own_endpoint
from tests.kit.result import is_whole
from tests.kit.soak import also, in_a_soak

SHORT = ["--duration", "0.4", "--warmup", "0.1"]


def test_a_stalled_reader_costs_the_others_no_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "s.json"
    assert command.main(["stalled", "--members", "8", "--rounds", "1", *SHORT, "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert is_whole(result)
    assert result["deliveries"] == 8 * result["messages"] - result["messages"]
    assert result["without"]["delivery_ms"]["count"] == result["deliveries"], (
        "the same people, the same messages"
    )
    assert result["slow_consumers"] > result["without"]["slow_consumers"], "the daemon never had to act"
    assert result["p99_moved"] is not None
    assert result["memory_growth_bytes"] is not None
    assert "p99_moved" in capsys.readouterr().out


@in_a_soak
def test_a_stalled_reader_in_a_closed_loop_of_two_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def measured(plan: Plan, shares: int, there: Endpoint) -> tuple[Report, Load]:
        processes.append(shares)
        return await measure(plan, shares, there)

    processes: list[int] = []
    monkeypatch.setattr(outcome, "measure", measured)
    closed = ["--closed", "--procs", "2", "--rounds", "1"]
    # 5 where the machine is so busy that the daemon had nothing to hold back.
    assert command.main(["stalled", "--members", "8", *closed, *SHORT]) in (0, 5)
    assert processes == [2, 2]
    assert "CLOSED loop, 1 in flight each" in capsys.readouterr().out


def test_a_reader_for_whom_the_kernel_took_everything_has_measured_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stalled, "pages_to_stall", lambda: 1)
    out, limit = tmp_path / "s.json", "memory_growth_bytes<1GiB"
    run = ["stalled", "--members", "8", "--rounds", "1", *SHORT, "--json", str(out), "--threshold", limit]
    assert command.main(run) == 5
    result = json.loads(out.read_text())
    assert result["slow_consumers"] == 0
    assert result["p99_moved"] is result["memory_growth_bytes"] is None
    assert result["thresholds"] == {limit: False}
    assert stalled.NEVER in capsys.readouterr().out


GREEDY = {"CHATD_OUTBOX__LAG_BYTES": str(1 << 26), "CHATD_OUTBOX__CLOSE_BYTES": str(1 << 28)}
MEMORY_MUST_BYTES = 1024**2  # of P9


@pytest.mark.parametrize(("stall_s", "acts"), [("0.6", True), *also(("600", False))])
async def test_a_daemon_that_keeps_everything_for_a_stalled_reader_is_caught(
    stall_s: str, acts: bool
) -> None:
    async def one(reads: bool) -> stalled.Played:
        async with own_endpoint(settings={**GREEDY, "CHATD_OUTBOX__STALL_S": stall_s}) as there:
            pacing = Pacing(2.0, 0.0, rate=50.0)
            return await stalled.play(there, Script("gree"), pacing, members=8, reads=reads)

    (sides,) = rounds = await stalled.in_turn(one, 1)
    assert sides.compared()["acted"] is acts
    assert (sides.compared()["memory_growth_bytes"] or 0) > MEMORY_MUST_BYTES
    assert (stalled.beside(rounds)["memory_growth_bytes"] is None) is not acts


def round_of(
    without_ms: float, stalled_ms: float, *, grown: int | None = 0, steps: int | None = 1, bound: bool = False
) -> stalled.Round:
    """Two sides as far as they are compared; the daemon grew by 7 bytes while everybody read."""

    def side(p99_ms: float, grown_bytes: int, slow: int | None) -> stalled.Played:
        server = None if grown is None else {"rss_growth_bytes_max": grown_bytes}
        latency = {"count": 9, "p99": p99_ms}
        told = {"delivery_ms": latency, "server": server, "slow_consumers": slow, "generator_bound": bound}
        return told, Report()

    return stalled.Round(side(without_ms, 7, steps and 0), side(stalled_ms, 7 + (grown or 0), steps))


def test_a_stalled_reader_changes_what_the_median_of_the_rounds_says() -> None:
    rounds = [round_of(1.0, 2.0, grown=5), round_of(1.5, 1.2, grown=1), round_of(2.0, 2.0, grown=900)]
    result = stalled.beside(rounds)
    assert (result["p99_moved"], result["memory_growth_bytes"]) == (0.0, 5)
    assert result["p99_spread"] == round(1 / 1.5, 3)
    assert [one["p99_moved"] for one in result["rounds"]] == [1.0, -0.2, 0.0]
    assert result["delivery_ms"] == rounds[2].stalled[0]["delivery_ms"]
    assert stalled.beside(rounds[:1])["p99_spread"] is None


def test_one_round_in_which_nobody_was_stalled_is_enough_to_prove_nothing() -> None:
    result = stalled.beside([round_of(1.0, 2.0), round_of(1.0, 1.0, steps=0), round_of(1.0, 2.0)])
    assert result["p99_moved"] is result["memory_growth_bytes"] is None
    assert result["unmeasured"] == stalled.NEVER


def test_a_daemon_at_a_url_cannot_be_asked_for_its_memory_and_its_steps() -> None:
    result = stalled.beside([round_of(1.0, 1.5, grown=None, steps=None)])
    assert (result["p99_moved"], result["memory_growth_bytes"], result["unmeasured"]) == (0.5, None, None)


def test_a_generator_that_was_the_limit_on_any_side_is_told() -> None:
    assert not stalled.beside([round_of(1.0, 1.0)])["generator_bound"]
    assert stalled.beside([round_of(1.0, 1.0), round_of(1.0, 1.0, bound=True)])["generator_bound"]


async def test_who_comes_first_is_second_in_the_next_round() -> None:
    async def one(reads: bool) -> stalled.Played:
        order.append(reads)
        return {"reads": reads}, Report()

    order: list[bool] = []
    rounds = await stalled.in_turn(one, 3)
    assert order == [True, False, False, True, True, False]
    assert all(sides.without[0]["reads"] and not sides.stalled[0]["reads"] for sides in rounds)
