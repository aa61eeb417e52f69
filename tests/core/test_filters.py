import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatd.core import filters
from chatd.core.filters import Filter, Hit, is_whole, masked, normal_form, spans

# Letters, marks, spaces and characters that change each other when they meet.
ODD = "ab \n\t\u200b\u200d\u0301\u0345\u0f73\u1100\u1161\u11a8\uac00\ufdfaßİΣςﬁＡ，´\u3000\u00a0\u2028\u3164"
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from(ODD)), max_size=16)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("FREE Money", "free money"),
        ("ＦＲＥＥ　ｍｏｎｅｙ", "free money"),
        ("f\u200br\u2060e\ufeffe", "free"),
        ("f\x00r\x1fee\x7f \x85 you", "free you"),
        ("fr\x01\u0117e\u0307\x90", "fr\u0117\u0117"),
        ("fr\u00ad\u034fee\U000e0041", "free"),
        ("free \n\t money", "free money"),
        ("Straße", "strasse"),
        ("ﬁne", "fine"),
        ("cafe\u0301", "café"),
        ("e\u200b\u0301", "é"),
        ("你\u200d好", "你好"),
        ("①②", "12"),
    ],
)
def test_a_text_is_compared_in_normal_form(text, form):
    assert normal_form(text) == form


@given(TEXTS)
@example(" \t ").via("white space alone")
def test_white_space_is_one_space(text):
    assert filters._single_spaced(text) == re.sub(r"\s+", " ", text)


@pytest.mark.parametrize(
    ("text", "word", "whole"),
    [
        ("a darn day", "darn", True),
        ("darn", "darn", True),
        ("darned", "darn", False),
        ("undarn", "darn", False),
        ("darn2", "darn", False),
        ("(darn!)", "darn", True),
        ("дарну", "дарн", False),
        ("你们傻瓜啊", "傻瓜", True),
        ("你好darn你好", "darn", True),
        ("こんにちはばか", "ばか", True),
        ("바보야", "바보", True),
        ("ไอ้บ้านะ", "บ้า", True),
        ("#1 darn", "#1", True),
    ],
)
def test_a_word_is_whole_where_words_are_written_apart_and_found_anywhere_where_they_are_not(
    text, word, whole
):
    start = text.index(word)
    assert is_whole(text, start, start + len(word)) == whole


@given(TEXTS)
def test_each_character_of_the_normal_form_comes_from_a_place_in_the_text(text):
    form = normal_form(text)
    assert "".join(filters._forms(list(filters._pieces(text)))) == form
    places = spans(text, [(at, at + 1) for at in range(len(form))])
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)


@given(TEXTS, TEXTS, TEXTS)
def test_a_mask_keeps_the_length_and_all_around_it(before, word, after):
    text = f"{before}|{word}|{after}"
    start = len(before) + 1
    hit = Hit(Filter("x"), "x", start, start + len(word))
    hidden = masked(text, [hit])
    assert len(hidden) == len(text)
    assert hidden[:start] == text[:start]
    assert hidden[start + len(word) :] == text[start + len(word) :]
    assert set(hidden[start : start + len(word)]) <= {"*", *filter(str.isspace, word)}


@pytest.mark.parametrize(
    "marks", ["\u0345\u0301\u0323\u05b0", "\u3099\uff9e\u0323", "\u200b\u0301\u0323", "\u1161"]
)
def test_no_pile_of_marks_costs_more_than_its_characters(marks, monkeypatch):
    given = []

    def normalize(form, text):
        given.append(text)
        return unicodedata.normalize(form, text)

    monkeypatch.setattr(filters, "normalize", normalize)
    text = "darn a" + "".join(mark * 500 for mark in marks)
    assert len(normal_form(text)) < len(text) or marks == "\u1161"
    spans(text, [(0, 4)])
    assert sum(map(len, given)) < 40 * len(text)


def test_marks_beyond_those_of_any_language_are_dropped():
    assert normal_form("a" + "\u0323" * 100) == normal_form("a" + "\u0323" * filters.MARKS_MAX)
    assert spans("darn\u0323!", [(0, 4)]) == [(0, 5)]
