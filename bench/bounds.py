"""The numbers that the command line takes; argparse says whose option it was. Pure."""

import argparse


def positive(word: str) -> float:
    """A number above 0. Raises ArgumentTypeError."""
    return _within(word, float(word) > 0, "a positive number")


def zero_or_more(word: str) -> float:
    """A number from 0 on. Raises ArgumentTypeError."""
    return _within(word, float(word) >= 0, "a number from 0 on")


def count(word: str) -> int:
    """A number of things, at least one. Raises ArgumentTypeError."""
    return int(_within(word, int(word) >= 1, "a whole number from 1 on"))


def count_or_none(word: str) -> int:
    """A number of things, if any. Raises ArgumentTypeError."""
    return int(_within(word, int(word) >= 0, "a whole number from 0 on"))


def pairs(word: str) -> int:
    """A number of things, two and two. Raises ArgumentTypeError."""
    return int(_within(word, int(word) >= 2 and int(word) % 2 == 0, "an even number from 2 on"))


def speed(word: str) -> float | None:
    """A positive number, or None for `max`. Raises ArgumentTypeError."""
    return None if word == "max" else positive(word)


def _within(word: str, fits: bool, bound: str) -> float:
    if not fits or float(word) == float("inf"):
        raise argparse.ArgumentTypeError(f"{word} is not {bound}")
    return float(word)
