"""Every common option of every scenario has its effect or is refused with its reason; none is ignored."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bench import __main__ as command
from bench import options
from bench.engine.stage import Pacing
from bench.refusals import COMMON, REASONS
from bench.targets import delivery

MEASURING = sorted(set(command.SCENARIOS) - {"compare", "convert", "report"})
REFUSED = [(scenario, option) for scenario, reasons in REASONS.items() for option in reasons]


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """What a command that argparse ends says."""
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize("scenario", MEASURING)
def test_every_scenario_takes_or_refuses_every_common_option(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told, _ = said([scenario, "--help"], capsys)
    assert code == 0
    assert [
        option for option in COMMON if f"  {option} " not in f"{told} " and f"  {option}\n" not in told
    ] == []


@pytest.mark.parametrize(("scenario", "option"), REFUSED)
def test_what_is_not_taken_is_refused_with_its_reason(
    scenario: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ["some.file"] if scenario in ("mixed", "replay") else []
    code, _, told = said([scenario, *file, option, "1"], capsys)
    assert code == command.USAGE
    assert f"{scenario} takes no {option}: {REASONS[scenario][option]}" in told
    assert said([scenario, *file, option], capsys)[0] == command.USAGE


def test_the_table_refuses_common_options_only() -> None:
    assert set(REASONS) <= set(MEASURING)
    assert {option for _, option in REFUSED} <= set(COMMON)


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
    options.add_load(parser, rate=20.0)
    return parser.parse_args(arguments)


def test_pacing_is_what_was_asked_for() -> None:
    paced = options.pacing(parsed(["--rate", "7", "--arrival", "uniform", "--seed", "3"]))
    assert (paced.rate, paced.arrival, paced.seed) == (7.0, "uniform", 3)
    assert options.pacing(parsed([])).arrival == "poisson"
    closed = options.pacing(parsed(["--closed", "--in-flight", "4"]))
    assert (closed.rate, closed.in_flight) == (0.0, 4)
    assert options.pacing(parsed(["--closed"])).in_flight == 1


async def test_the_seed_of_targets_reaches_the_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    async def play(
        there: object, script: Any, *arguments: object, **more: object
    ) -> tuple[dict[str, int], None]:
        seeds.append(script.seed)
        return {}, None

    @asynccontextmanager
    async def nobody() -> AsyncIterator[None]:
        yield None

    monkeypatch.setattr(delivery, "fresh_target", nobody)
    monkeypatch.setattr(delivery.direct, "play", play)
    monkeypatch.setattr(delivery.fanout, "play", play)
    await delivery._pairs(Pacing(1, 0, seed=9))
    await delivery._group(Pacing(1, 0, seed=8), 1)
    assert seeds == [9, 8]
