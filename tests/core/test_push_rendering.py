"""The words of notifications: what each level shows, and where texts are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from chatd.core.push import Notification
from chatd.core.push_rendering import NAME_MAX, TEXT_MAX, Details, cut, notification, words_of
from chatd.protocol.cards import Card
from chatd.protocol.messages import Attachment, Body

DETAILS = Details("g1", 7, "bob", "Bob", "Bike tour", "Who brings the map?", messages=3, time=1000)


def test_each_level_shows_more() -> None:
    none = notification("message", "tag", 3, DETAILS, "none", is_quiet=True)
    assert none == Notification("message", "tag", badge=3, quiet=True)
    sender = notification("message", "tag", 3, DETAILS, "sender", is_quiet=False)
    assert sender == Notification(
        "message", "tag", room="g1", seq=7, user="bob", name="Bob", count=3, badge=3, time=1000
    )
    full = notification("message", "tag", 3, DETAILS, "full", is_quiet=False)
    assert (full.title, full.text, full.name) == ("Bike tour", "Who brings the map?", "Bob")


def test_one_message_is_not_counted_and_what_is_empty_is_absent() -> None:
    bare = notification("friend", "tag", 0, Details(user="bob"), "full", is_quiet=False)
    assert bare == Notification("friend", "tag", user="bob", badge=0)


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (Body(attachments=[Attachment("u", "image/png")]), "picture"),
        (Body(attachments=[Attachment("u", "audio/ogg"), Attachment("u", "image/png")]), "voice"),
        (Body(attachments=[Attachment("u", "application/pdf")]), "file"),
        (Body(attachments=[Attachment("u", "video/mp4")]), "video"),
        (Body(attachments=[Attachment("u", "image/webp", kind="sticker")]), "sticker"),
        (Body(attachments=[Attachment("u", "image/png", kind="file")]), "file"),
        (Body(data={"type": "sticker"}), "sticker"),
        (Body(data={"type": "location"}), "card:location"),
        (Body(data={"type": "No word"}), "card"),
        (Body(data=[1]), "card"),
        (Body(card=Card("place"), data={"type": "location"}), "card:place"),
        (Body(card=Card("sticker")), "sticker"),
        (Body(card=Card("link"), attachments=[Attachment("u", "image/png")]), "picture"),
        (Body(text="\u0007 \n", attachments=[Attachment("u", "image/png")]), "picture"),
    ],
)
def test_a_body_without_text_has_a_word(body: Body, content: str) -> None:
    assert words_of(body) == (UNSET, content)


def test_a_caption_is_shown_instead() -> None:
    assert words_of(Body(text="look", attachments=[Attachment("u", "image/png")])) == ("look", UNSET)


@pytest.mark.parametrize("whole", ["👨‍👩‍👧‍👦", "e\u0301", "👍🏽", "🇩🇪", "❤️"])
def test_nothing_is_cut_in_half(whole: str) -> None:
    for most in range(12, 30):
        shown = cut("x" + whole * 20, most)
        assert shown.endswith("…")
        assert len(shown) <= most
        assert (shown[1:-1]).replace(whole, "") == ""


@given(st.text(max_size=700), st.sampled_from([TEXT_MAX, NAME_MAX]))
def test_no_text_is_longer_than_a_lock_screen_shows(text: str, most: int) -> None:
    shown = cut(text, most)
    assert len(shown) <= most
    assert "\n" not in shown
    assert cut("a" + "\u0301" * 10_000, most)
