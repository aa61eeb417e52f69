"""Filters made of lists: chatd/moderation/compiling.py, words.py and patterns.py."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.filters import Filter, is_whole, masked, normal_form
from chatd.moderation.compiling import compiled
from chatd.protocol.errors import Refused

# Patterns on which a matcher that backtracks takes longer than the world will last, and texts that make it.
REDOS = [
    (r"(a+)+$", "a" * 16_000 + "!"),
    (r"(a|aa)+$", "a" * 16_000 + "!"),
    (r"x(a|a?)+$", "x" + "a" * 16_000 + "!"),
    (r"(.*a){20}", "a" * 19 + "b" * 16_000),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 16_000),
    (r"(x+x+)+y", "x" * 16_000),
    (r"1([a-zA-Z]+)*$", "1" + "a" * 16_000 + "1"),
    (r"^\s+|\s+$", "a" + " \u00a0" * 8_000 + "b"),
    (r"(?:\S+@\S+\.)+\S+", "a@a." * 4_000),
    (r"(\w+\s?)*\W$", "word " * 3_000 + "x"),
]


def found(lists, text):
    return sorted({(hit.rule, text[hit.start : hit.end]) for hit in compiled(lists).find(text)})


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("darn it", [("Darn", "darn")]),
        ("ＤＡＲＮ!", [("Darn", "ＤＡＲＮ")]),
        ("da\u200brn", [("Darn", "da\u200brn")]),
        ("darned", []),
        ("你这个傻\u200b瓜啊", [("傻瓜", "傻\u200b瓜")]),
        ("buy  \n now", [("buy now", "buy  \n now")]),
        ("free $$$", [(r"\bfree\b \$+", "free $$$")]),
        ("ＦＲＥＥ　＄＄", [(r"\bfree\b \$+", "ＦＲＥＥ　＄＄")]),
        ("Привет, ДУРАК", [("дурак", "ДУРАК")]),
        ("nothing", []),
    ],
)
def test_words_and_patterns_are_found_whatever_form_they_are_written_in(text, hits):
    words = Filter("words", words=("Darn", "傻瓜", "buy now", "дурак"))
    assert found([words, Filter("patterns", patterns=(r"\bfree\b \$+",))], text) == hits


def test_a_word_of_several_lists_is_found_for_each():
    lists = [
        Filter("a", words=("darn",)),
        Filter("b", "mask", words=("DARN",)),
        Filter("c", patterns=("d.rn",)),
    ]
    assert {hit.filter.name for hit in compiled(lists).find("darn")} == {"a", "b", "c"}
    assert not compiled([]).find("darn")
    assert not compiled([Filter("a")]).find("darn")


def test_each_match_is_masked_and_the_first_of_any_other_list_is_enough():
    text = "1 22 你 333"
    hits = compiled([Filter("a", "mask", patterns=(r"\d+",))]).find(text)
    assert masked(text, hits) == "* ** 你 ***"
    assert len(compiled([Filter("a", "flag", patterns=(r"\d+",))]).find(text)) == 1


@pytest.mark.parametrize("pattern", ["(", "a{1001}", "((a{100}){100}){100}", r"(?<=x)a", r"\1", "x*", ""])
def test_a_pattern_that_is_none_or_too_large_or_in_every_text_is_refused_with_its_place(pattern):
    with pytest.raises(Refused, match="bad_request") as refused:
        compiled([Filter("a", patterns=("fine", pattern))])
    assert refused.value.field == "patterns[1]"


@pytest.mark.parametrize(("pattern", "text"), REDOS)
def test_no_pattern_and_text_take_longer_than_linear(pattern, text):
    compiled([Filter("a", "mask", patterns=(pattern,))]).find(text)


def test_fifty_thousand_words_and_two_hundred_patterns_are_found():
    words = tuple(f"word{number:x}" for number in range(50_000))
    patterns = tuple(rf"(buy|sell)\s+thing{number}\b" for number in range(200))
    filters = compiled([Filter("w", words=words), Filter("p", patterns=patterns)])
    text = "say word5 word50 wordc34f wordffff and sell  thing199, thing1"
    assert {hit.rule for hit in filters.find(text)} == {"word5", "word50", "wordc34f", patterns[199]}


def test_without_the_libraries_it_says_what_to_install(monkeypatch):
    for module in ("chatd.moderation.words", "chatd.moderation.patterns"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(Refused, match=r"not_supported.*pip install 'chatd\[moderation\]'"):
        compiled([Filter("a", words=("x",))])
    assert not compiled([]).find("x")


LETTERS = "abAß你好\u0301 "
WORDS = st.text(st.sampled_from(LETTERS), min_size=1, max_size=4).filter(
    lambda word: normal_form(word).strip()
)


@given(st.lists(WORDS, max_size=5, unique=True), st.text(st.sampled_from(LETTERS + "\u200b,"), max_size=20))
def test_a_list_finds_what_a_search_for_each_word_finds(words, text):
    form = normal_form(text)
    expected = {
        word
        for word in words
        for at in range(len(form))
        if form.startswith(normal_form(word), at) and is_whole(form, at, at + len(normal_form(word)))
    }
    assert {hit.rule for hit in compiled([Filter("a", words=tuple(words))]).find(text)} == expected


def test_a_pattern_of_no_character_acts_on_nothing():
    assert not compiled([Filter("a", "mask", patterns=("\\b",))]).find("é à")
