"""What a number on the command line may be; argparse says whose option it was. Pure."""

from __future__ import annotations

import argparse


def positive(word: str) -> float:
    """A number above 0. Raises ArgumentTypeError."""
    return _within(word, float(word) > 0, "a positive number")


def zero_or_more(word: str) -> float:
    """A number from 0 on. Raises ArgumentTypeError."""
    return _within(word, float(word) >= 0, "a number from 0 on")


def share(word: str) -> float:
    """A part of a whole. Raises ArgumentTypeError."""
    return _within(word, 0 <= float(word) <= 1, "between 0 and 1")


def count(word: str) -> int:
    """How many, at least one. Raises ArgumentTypeError."""
    return int(_within(word, int(word) >= 1, "a whole number from 1 on"))


def count_or_none(word: str) -> int:
    """How many, if any. Raises ArgumentTypeError."""
    return int(_within(word, int(word) >= 0, "a whole number from 0 on"))


def pairs(word: str) -> int:
    """How many, two and two. Raises ArgumentTypeError."""
    return int(_within(word, int(word) >= 2 and int(word) % 2 == 0, "an even number from 2 on"))


def _within(word: str, fits: bool, what: str) -> float:
    if not fits or float(word) == float("inf"):
        raise argparse.ArgumentTypeError(f"{word} is not {what}")
    return float(word)
