"""core/discovery.py: what is found by what somebody typed, against a plain comparison of all titles."""

import random

import pytest

from chatd.core.discovery import NAME_MAX, beginning, names, tag_name

TITLES = [
    "Bike tours",
    "Die Grüße-Gruppe",
    "今天天气很好",
    "iPhone手机 & co",
    "  ...  ",
    "ภาษาไทย",
    "a very long title that goes on and on, and on",
]


def found(text: str, title: str) -> bool:
    wanted = beginning(text)
    return wanted != "" and any(name.startswith(wanted) for name in names(title))


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("bike", "Bike tours"),
        ("BIKE  to", "Bike tours"),
        ("tour", "Bike tours"),
        ("grusse gr", "Die Grüße-Gruppe"),
        ("天气", "今天天气很好"),
        ("iphone手", "iPhone手机 & co"),
        ("co", "iPhone手机 & co"),
        ("title that goes on and on, and more", "a very long title that goes on and on, and on"),
    ],
)
def test_a_title_is_found_from_each_of_its_words_on(text: str, title: str) -> None:
    assert found(text, title)


@pytest.mark.parametrize(
    ("text", "title"), [("ike", "Bike tours"), ("tours bike", "Bike tours"), ("!", "Bike tours"), ("", "a")]
)
def test_nothing_else_is(text: str, title: str) -> None:
    assert not found(text, title)


def test_every_end_of_a_title_from_a_word_on_finds_it() -> None:
    chance = random.Random(7)
    for title in TITLES:
        words = title.split(" ")
        for start in range(len(words)):
            text = " ".join(words[start:])
            text = text[: chance.randrange(1, len(text) + 2)]
            assert not beginning(text) or found(text, title), (text, title)
        assert all(len(name) <= NAME_MAX for name in names(title))


def test_a_tag_is_no_word_of_a_title() -> None:
    assert tag_name("Cycling") == tag_name("cycling ")
    assert not found("#cycling", "Bike tours")
    assert tag_name("cycling") not in names("#cycling")
