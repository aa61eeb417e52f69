"""line_editor.py: from key presses to lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.cli.chat.line_editor import LENGTH_MAX, Ended, Entered, LineEditor


def typed(*keys: bytes):
    """An editor after these reads, and what came out of it."""
    editor = LineEditor()
    events = [event for read in keys for event in editor.feed(read)]
    return editor, events


def test_enter_gives_the_line_and_empties_it():
    editor, events = typed(b"hello\r")
    assert events == [Entered("hello")]
    assert editor.text == ""


def test_a_paste_gives_every_line():
    editor, events = typed(b"one\ntwo\nthr")
    assert events == [Entered("one"), Entered("two")]
    assert editor.text == "thr"


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (b"abc\x7f", "ab"),
        (b"abc\b\b", "a"),
        (b"\x7f", ""),
        (b"one two\x15", ""),
        (b"one two\x17", "one "),
        (b"one two  \x17", "one "),
        (b"one two\x17\x17", ""),
        (b"a\x01\x02b", "ab"),
        (b"a\x1b[Db", "ab"),
        (b"a\x1b[1;5Cb", "ab"),
        (b"a\x1bOAb", "ab"),
        ("Grüße 👍".encode(), "Grüße 👍"),
        ("👨\u200d👩".encode(), "👨\u200d👩"),
        (b"a\xffb", "a\ufffdb"),
    ],
)
def test_keys_edit_the_line(keys, text):
    assert typed(keys)[0].text == text


def test_ctrl_d_ends_only_an_empty_line():
    assert typed(b"\x04")[1] == [Ended()]
    editor, events = typed(b"text\x04")
    assert (editor.text, events) == ("text", [])


def test_the_line_is_bounded():
    assert len(typed(b"x" * (LENGTH_MAX + 10))[0].text) == LENGTH_MAX


@given(st.text(max_size=30), st.integers(min_value=1, max_value=5))
def test_reads_may_be_cut_anywhere(text, size):
    keys = text.encode() + b"\x1b[1;5Cz"
    whole = typed(keys)
    parts = typed(*(keys[at : at + size] for at in range(0, len(keys), size)))
    assert (whole[0].text, whole[1]) == (parts[0].text, parts[1])
