"""What makes no sense is refused before anything starts: every number of every scenario has its bounds."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from bench import __main__ as command
from bench import options
from bench.engine.roles import Group

WITHOUT = {"report", "convert"}  # these measure nothing
MAY_BE_NONE = {"warmup", "flap", "missed", "cut"}
ANY = {"seed"}


def numbers() -> Iterator[tuple[str, argparse.Action]]:
    """Every option of every scenario that takes a number."""
    for name in sorted(set(command.SCENARIOS) - WITHOUT):
        parser = argparse.ArgumentParser()
        command.SCENARIOS[name].add_arguments(parser)
        for action in parser._actions:
            if isinstance(action.default, int | float) and action.nargs is None and action.dest not in ANY:
                yield name, action


EVERY = [pytest.param(name, action, id=f"{name}-{action.dest}") for name, action in numbers()]


@pytest.mark.parametrize(("scenario", "option"), EVERY)
def test_what_cannot_be_is_refused_before_the_run(
    scenario: str, option: argparse.Action, capsys: pytest.CaptureFixture[str]
) -> None:
    for word in ("-1", "many", *(() if option.dest in MAY_BE_NONE else ("0",))):
        parser = argparse.ArgumentParser()
        command.SCENARIOS[scenario].add_arguments(parser)
        with pytest.raises(SystemExit):
            parser.parse_args([f"{option.option_strings[0]}={word}"])
        assert f"argument {option.option_strings[0]}:" in capsys.readouterr().err


def test_a_number_that_fits_is_taken_as_it_is() -> None:
    taken = [options.positive("0.5"), options.zero_or_more("0"), options.count("1")]
    assert taken == [0.5, 0.0, 1]
    assert [options.count_or_none("0"), options.pairs("4")] == [0, 4]


@pytest.mark.parametrize(
    ("bound", "word"),
    [
        (options.positive, "inf"),
        (options.positive, "nan"),
        (options.zero_or_more, "nan"),
        (options.count, "0"),
        (options.pairs, "3"),
        (options.pairs, "0"),
    ],
)
def test_a_number_out_of_its_bounds_is_not(bound: object, word: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=word):
        bound(word)  # type: ignore[operator]


def test_all_who_write_are_members() -> None:
    with pytest.raises(ValueError, match="9 senders are not among 3 members"):
        Group("room", members=3, authors=9)
