"""wording.py: how messages and changes read."""

import time
from dataclasses import replace

import pytest

from chatd.cli.chat import wording
from chatd.cli.chat.wording import (
    change_line,
    clean,
    clock,
    event_line,
    message_line,
    reactions,
    refusal,
    tick,
    typing_note,
)
from chatd.client import Message
from chatd.client.core.errors import error_from

MESSAGE = Message(room="d00000000000", seq=17, user="alice", time=0, body={"text": "Hello"})


def said(line) -> str:
    """A line without its styles."""
    return "".join(text for text, _ in line)


def test_a_message_shows_number_author_and_text():
    assert said(message_line(MESSAGE, "bob")).endswith("#17 alice: Hello")


def test_own_and_other_authors_look_different():
    assert ("alice: ", "own") in message_line(MESSAGE, "alice")
    assert ("alice: ", "other") in message_line(MESSAGE, "bob")


def test_edits_pins_and_reactions_are_marked():
    marked = replace(MESSAGE, edited=5, pinned=True, reactions={"👍": 2, "🎉": 1})
    assert said(message_line(marked, "bob")).endswith("Hello (edited) (pinned)  👍 2 🎉")


def test_a_recalled_message_says_so_and_shows_no_reactions():
    recalled = replace(MESSAGE, body=None, recalled=True, reactions={"👍": 1})
    assert said(message_line(recalled, "bob")).endswith("alice: message recalled")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"attachments": [{"url": "x", "mime": "image/png", "name": "cat.png"}]}, "[cat.png]"),
        ({"attachments": [{"url": "x", "mime": "image/png"}], "text": "look"}, "look [image/png]"),
        (
            {"attachments": [{"url": "x", "mime": "audio/ogg", "kind": "voice", "duration": 83_400}]},
            "[voice 1:23]",
        ),
        ({"data": 5}, "(no text)"),
        ({"text": 5}, "(no text)"),
    ],
)
def test_bodies_without_plain_text_show_what_there_is(body, shown):
    assert said(message_line(replace(MESSAGE, body=body), "bob")).endswith(shown)


HOSTILE = "a\x1b[2Jb\x07c\u202ed\u2066e\x9bf\ufefff\u2028g\x00"


def test_nothing_that_steers_a_terminal_gets_through():
    shown = said(message_line(replace(MESSAGE, user="m\x1b[0m", body={"text": HOSTILE}), "bob"))
    assert not [letter for letter in HOSTILE if letter in shown and not letter.isprintable()]
    assert "\x1b" not in shown
    assert clean(HOSTILE) == "a?[2Jb?c?d?e?f?f?g?"


def test_lines_and_tabs_become_spaces_and_emoji_stay_whole():
    assert clean("one\ntwo\tthree") == "one two three"
    family = "👨\u200d👩\u200d👧"
    assert clean(family) == family


CHANGES = {
    "edit": (MESSAGE, replace(MESSAGE, edited=9, body={"text": "Hi"}), "#17 now reads: Hi"),
    "edit of an unknown": (None, replace(MESSAGE, edited=9), "#17 now reads: Hello"),
    "recall": (MESSAGE, replace(MESSAGE, recalled=True, body=None), "#17 was recalled"),
    "reaction": (MESSAGE, replace(MESSAGE, reactions={"👍": 1}), "#17 👍"),
    "no reaction": (
        replace(MESSAGE, reactions={"👍": 1}),
        MESSAGE,
        "#17 has no reactions any more",
    ),
    "pin": (MESSAGE, replace(MESSAGE, pinned=True), "#17 was pinned"),
    "unpin": (replace(MESSAGE, pinned=True), MESSAGE, "#17 was unpinned"),
}


@pytest.mark.parametrize(("before", "after", "shown"), CHANGES.values(), ids=CHANGES)
def test_changes_are_told(before, after, shown):
    assert said(change_line(before, after)) == shown


def test_changes_nobody_sees_are_not_told():
    recalled = replace(MESSAGE, recalled=True)
    assert change_line(MESSAGE, replace(MESSAGE, changed=20)) is None
    assert change_line(recalled, replace(recalled, changed=20)) is None


EVENTS = {
    "created": ({"kind": "created", "user": "alice"}, "-- alice made this room"),
    "joined": ({"kind": "joined", "user": "alice", "users": ["bob", "carol"]}, "-- bob, carol joined"),
    "joined by oneself": ({"kind": "joined", "user": "bob", "users": ["bob"]}, "-- bob joined"),
    "left": ({"kind": "left", "user": "bob", "users": ["bob"]}, "-- bob left"),
    "removed by the app": ({"kind": "removed", "users": ["bob"]}, "-- the app removed bob"),
    "removed": ({"kind": "removed", "user": "alice", "users": ["bob"]}, "-- alice removed bob"),
    "role": (
        {"kind": "role", "user": "alice", "users": [{"user": "bob", "role": "admin"}]},
        "-- alice changed the role of bob",
    ),
    "settings": ({"kind": "settings", "user": "alice"}, "-- alice changed the settings of the room"),
    "notice": ({"kind": "notice", "body": {"text": "Maintenance\x1b[2J"}}, "-- Maintenance?[2J"),
    "the future": ({"kind": "poll", "fallback": "alice asks: tea?"}, "-- alice asks: tea?"),
}


@pytest.mark.parametrize(("event", "shown"), EVENTS.values(), ids=EVENTS)
def test_events_are_told(event, shown):
    assert said(event_line(event)) == shown


@pytest.mark.parametrize("event", [{"kind": "poll"}, {"kind": "poll", "fallback": 5}, {"kind": "notice"}, {}])
def test_events_without_words_are_not_told(event):
    assert event_line(event) is None


def test_reactions_are_ordered_by_number():
    assert reactions({"a": 1, "b": 3, "c": 3}) == "b 3 c 3 a"


@pytest.mark.parametrize(
    ("seq", "read", "delivered", "shown"),
    [(0, 9, 9, "…"), (5, 0, 0, "✓"), (5, 4, 5, "✓✓"), (5, 5, 0, "✓✓ read"), (5, 9, 9, "✓✓ read")],
)
def test_ticks_say_how_far_a_message_came(seq, read, delivered, shown):
    assert tick(seq=seq, read=read, delivered=delivered) == shown


def test_a_voice_note_that_was_heard_has_its_own_tick():
    assert tick(seq=5, read=9, delivered=9, heard=[3, 5]) == "✓✓ heard"


def test_typing_is_told_in_few_words():
    assert typing_note([]) == ""
    assert typing_note(["bob"]) == "bob is typing"
    assert typing_note(["bob", "carol"]) == "2 are typing"
    assert typing_note(["bob"], ["bob"]) == "bob is recording"
    assert typing_note(["bob"], ["bob"], {"carol": "a-file"}) == "carol is speaking"
    assert typing_note([], [], {"bob": "a-file", "carol": "another"}) == "2 are speaking"


def test_old_messages_show_their_date():
    assert len(clock(int(time.time() * 1000))) == len("17:12")
    assert clock(0).startswith(("1970-01-01", "1969-12-31"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"code": "rejected", "reason": "links"}, "your account is too new for links"),
        ({"code": "rejected", "reason": "too_rude\x1b"}, "it was kept out: too rude?"),
        ({"code": "rejected"}, "it was kept out: not allowed here"),
        ({"code": "muted", "retry_after": 0}, "the moderators silenced you, at least until 12:00"),
        (
            {"code": "rate_limited", "scope": "slow", "retry_after": 0},
            "you may write slowly only, next at 12:00",
        ),
        ({"code": "not_member"}, "not_member"),
    ],
)
def test_refusals_are_explained(monkeypatch, error, said):
    monkeypatch.setattr(wording, "clock", lambda time_ms: "12:00")
    assert refusal(error_from(error)) == said


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (
            {"text": "Look", "card": {"type": "link", "title": "Tour", "url": "https://example.com/t?a=1"}},
            "alice: Look [Link: Tour, example.com]",
        ),
        ({"card": {"type": "contact", "user": "bob\x1b[2J"}}, "alice: [Contact: bob?[2J]"),
        ({"card": {"type": "of_later"}}, "alice: [Of_later]"),
        ({"text": "Hi", "forwarded": {}}, "alice: forwarded: Hi"),
        ({"text": "Hi", "forwarded": {"user": "cec", "time": 1}}, "alice: forwarded from cec: Hi"),
    ],
)
def test_cards_and_forwards_read_as_text(body, shown):
    assert said(message_line(replace(MESSAGE, body=body), "bob")).endswith(shown)


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        ({"kind": "announcement", "target": 17, "set": True}, "-- ann announced #17"),
        ({"kind": "announcement", "target": 17}, "-- ann took the announcement away"),
        ({"kind": "nickname", "nickname": "Captain"}, "-- ann is called Captain here"),
        ({"kind": "nickname", "nickname": "", "users": ["bob"]}, "-- bob has no nickname here any more"),
        ({"kind": "silenced", "users": ["bob"], "until": 1}, "-- ann silenced bob"),
        ({"kind": "silenced", "users": ["bob"], "until": 0}, "-- ann let bob write again"),
        ({"kind": "erased", "from": 3, "to": 9}, "-- what ann wrote was taken away"),
    ],
)
def test_what_happens_in_a_governed_group_is_said(event, shown):
    assert said(event_line({"user": "ann", **event})) == shown
