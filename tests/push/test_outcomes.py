"""The outcomes of push, wherever they are put in words: each place has all of them, and no other."""

import re
from collections.abc import Iterable
from typing import get_args

import pytest

from chatd.cli.push_lines import OUTCOMES, RULES
from chatd.core import push_decision
from chatd.core.push import Kind, Outcome
from tests.kit.document import section
from tests.kit.sources import ROOT

CONSOLE = (ROOT / "web" / "console" / "src" / "push_texts.ts").read_text()


def rows(text: str) -> Iterable[str]:
    """The first cells of the table of outcomes."""
    table = text.split("| Outcome |", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def keys_in_console(name: str) -> Iterable[str]:
    return re.findall(
        r"^ +(\w+):", re.split(rf"\b{name}: {{", CONSOLE, maxsplit=1)[1].split("}", 1)[0], re.MULTILINE
    )


@pytest.mark.parametrize(
    "named",
    [
        OUTCOMES,
        rows((ROOT / "docs" / "push.md").read_text()),
        rows(section("22.5.2").text),
        keys_in_console("outcomes"),
    ],
    ids=["cli", "docs", "protocol", "console"],
)
def test_every_outcome_is_put_in_words(named: Iterable[str]) -> None:
    assert sorted(named) == sorted(get_args(Outcome))


def test_every_rule_is_put_in_words_both_ways() -> None:
    assert list(RULES) == [rule.outcome for rule in push_decision.RULES]
    assert all(fits != fits_not for fits, fits_not in RULES.values())


def test_every_kind_is_named() -> None:
    assert sorted(keys_in_console("kinds")) == sorted(get_args(Kind))
    kinds = re.search(r"^\| `kind` \| str \| required \| (.*) \|$", section("22.5.2").text, re.MULTILINE)
    assert kinds is not None
    assert sorted(re.findall(r"`(\w+)`", kinds[1])) == sorted(get_args(Kind))
