"""Every common option of every scenario has its effect or is refused with its reason; none is ignored."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bench import __main__ as command
from bench import options
from bench.engine.run_state import Pacing
from bench.targets import table


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """What a command that argparse ends says."""
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize(
    ("scenario", "option"),
    [
        ("idle", "--rate"),
        ("reconnect", "--procs"),
        ("siege", "--url"),
        ("targets", "--html"),
    ],
)
def test_an_option_of_other_scenarios_is_neither_offered_nor_taken(
    scenario: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"{option} " not in said([scenario, "--help"], capsys)[1]
    assert said([scenario, option, "1"], capsys)[0] == command.USAGE


@pytest.mark.parametrize("scenario", command.SCENARIOS)
def test_every_scenario_says_in_a_line_of_its_own_what_it_is(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said([scenario, "--help"], capsys)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--closed", "--arrival", "uniform"], "--arrival"),
        (["--in-flight", "4"], "--in-flight"),
        (["--rate", "9", "--in-flight", "4"], "--in-flight"),
        (["--secret-file", "x"], "--secret-file"),
    ],
)
@pytest.mark.parametrize("scenario", ["fanout", "direct", "connect", "stalled", "peers"])
def test_an_option_that_would_have_no_effect_is_refused(
    scenario: str, arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([scenario, *arguments]) == command.USAGE
    assert word in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--in-flight", "--procs"])
def test_none_in_flight_and_no_process_are_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(["fanout", "--closed", option, "0"], capsys)[0] == command.USAGE


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    options.offer(parser, options.LOAD, rate=20.0)
    return parser.parse_args(arguments)


def test_pacing_is_what_was_asked_for() -> None:
    paced = options.pacing(parsed(["--rate", "7", "--arrival", "uniform", "--seed", "3"]))
    assert (paced.rate, paced.arrival, paced.seed) == (7.0, "uniform", 3)
    assert options.pacing(parsed([])).arrival == "poisson"
    closed = options.pacing(parsed(["--closed", "--in-flight", "4"]))
    assert (closed.rate, closed.in_flight) == (0.0, 4)
    assert options.pacing(parsed(["--closed"])).in_flight == 1


async def test_the_seed_of_targets_reaches_the_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    async def load(there: object, script: Any, at: Pacing) -> tuple[dict[str, int], None]:
        return {"seed": script.seed}, None

    @asynccontextmanager
    async def nobody() -> AsyncIterator[None]:
        yield None

    monkeypatch.setattr(table, "own_endpoint", nobody)
    assert await table.played(load, Pacing(1, 0, seed=9)) == {"seed": 9}  # type: ignore[arg-type]
