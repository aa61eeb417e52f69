"""Expressions about a result."""

from __future__ import annotations

import argparse
import doctest

import pytest

from bench import thresholds
from bench.thresholds import Threshold

RESULT = {
    "lost": 0,
    "delivery_ms": {"p99": 40.0},
    "server": {"rss_bytes": 50 * 1024**2},
    "scenario": "fanout",
}


def test_the_examples_in_the_documentation_hold() -> None:
    assert doctest.testmod(thresholds).failed == 0


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("delivery.p99<50ms", True),
        ("delivery_ms.p99 < 0.03s", False),
        ("lost==0", True),
        ("lost>0", False),
        ("server.rss_bytes<=50MiB", True),
        ("server.rss_bytes>=51MiB", False),
    ],
)
def test_an_expression_holds_or_not(text: str, held: bool) -> None:
    assert Threshold.parse(text).check(RESULT) is held


@pytest.mark.parametrize("text", ["", "lost", "lost<", "lost<many", "lost<1parsec", "<5"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        Threshold.parse(text)


@pytest.mark.parametrize("path", ["gained", "delivery", "delivery.p42", "scenario"])
def test_a_path_without_a_number_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        Threshold.parse(f"{path}<1").check(RESULT)
