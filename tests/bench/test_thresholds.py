"""Expressions about a result."""

from __future__ import annotations

import argparse
import doctest
from types import ModuleType

import pytest

from bench import results
from bench.results import MISSED, PASS, UNKNOWN, UNMEASURED, Threshold

RESULT = {
    "lost": 0,
    "delivery_ms": {"count": 3, "p99": 40.0},
    "resume_ms": {"count": 0, "p99": 0.0},
    "complete_s": 170.0,
    "acks_per_s": 900.0,
    "median": {"decode_us": 2.0},
    "server": {"rss_bytes": 50 * 1024**2, "cpu_share": 0.7},
    "scenario": "fanout",
    "p99_moved": None,
}


@pytest.mark.parametrize("module", [results])
def test_the_examples_in_the_documentation_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("delivery.p99<50ms", True),
        ("delivery_ms.p99 < 0.03s", False),
        ("delivery_ms.p99 < 41000us", True),
        ("delivery_ms.p99 < 41", True),
        ("complete_s<30s", False),
        ("complete_s<171s", True),
        ("complete_s<171000ms", True),
        ("median.decode_us<5us", True),
        ("median.decode_us<0.001ms", False),
        ("lost==0", True),
        ("lost>0", False),
        ("acks_per_s>=900", True),
        ("server.cpu_share<80%", True),
        ("server.rss_bytes<=50MiB", True),
        ("server.rss_bytes>=51MiB", False),
        ("resume.count==0", True),
    ],
)
def test_an_expression_holds_or_not(text: str, held: bool) -> None:
    assert Threshold.parse(text).check(RESULT) == (PASS if held else MISSED)


@pytest.mark.parametrize("text", ["", "lost", "lost<", "lost<many", "lost<1parsec", "<5"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        Threshold.parse(text)


@pytest.mark.parametrize("path", ["gained", "delivery", "delivery.p42", "scenario", "lost.p99"])
def test_a_path_without_a_number_is_missed(path: str) -> None:
    assert Threshold.parse(f"{path}<1").check(RESULT) == UNKNOWN


@pytest.mark.parametrize("path", ["resume.p99<1s", "p99_moved<10%"])
def test_nothing_holds_of_what_was_not_measured(path: str) -> None:
    assert Threshold.parse(path).check(RESULT) == UNMEASURED


@pytest.mark.parametrize("text", ["delivery.p99<50MiB", "server.rss_bytes<5s", "lost<5ms", "complete_s<5%"])
def test_a_unit_of_something_else_is_missed(text: str) -> None:
    assert Threshold.parse(text).check(RESULT).startswith(f"{MISSED}: ")
