"""searches.py: whatever a search matches, an index finds by its tokens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from chatd.core.searches import TERMS_MAX, alternatives, index_tokens, text_of, wanted
from chatd.protocol.cards import Card
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Attachment, Body, Event
from chatd.protocol.search import Search

TEXTS = st.sampled_from(
    ["", "red", "redder 天气", "https://x.org", "天", "Red Träume", "on", "oneself 今天天气 👍", "?!"]
)
USERS = st.sampled_from(["ann", "bob", "Ann"])
HAS = st.lists(
    st.sampled_from(["image", "video", "voice", "file", "link", "mention", "card:link", "card:post"]),
    max_size=2,
)
FILES = st.builds(
    Attachment,
    url=st.just("https://x.org/1"),
    mime=st.sampled_from(["image/png", "video/mp4", "audio/ogg", "Text/plain"]),
    name=TEXTS,
    alt=TEXTS,
    kind=st.sampled_from([UNSET, "picture", "voice", "sticker", "file", "video"]),
)
CARDS = st.builds(Card, type=st.sampled_from(["link", "post"]), title=TEXTS.filter(bool), text=TEXTS)
BODIES = st.builds(
    Body,
    text=TEXTS,
    attachments=st.just(UNSET) | st.lists(FILES, max_size=2),
    mentions=st.just(UNSET) | st.lists(st.sampled_from(["ann", "bob", "*"]), max_size=2),
    card=st.just(UNSET) | CARDS,
)
EVENTS = st.builds(
    Event,
    seq=st.just(1),
    kind=st.sampled_from(["message", "message", "notice"]),
    user=USERS,
    time=st.integers(0, 4),
    body=st.just(UNSET) | BODIES,
    recalled=st.sampled_from([UNSET, UNSET, True]),
)
SEARCHES = st.builds(
    Search,
    text=TEXTS,
    from_=st.just(UNSET) | USERS,
    has=HAS,
    since=st.just(UNSET) | st.integers(0, 4),
    until=st.just(UNSET) | st.integers(0, 4),
)


@settings(max_examples=600, deadline=None)
@given(EVENTS, SEARCHES, USERS, st.booleans())
def test_what_matches_has_one_of_each_of_the_alternatives(event, request, user, singles):
    try:
        looked_for = wanted(request, user, singles=singles)
    except Refused:
        return
    if looked_for.matches(event):
        kept = index_tokens(event, singles=singles)
        found = alternatives(looked_for, request.text, singles=singles)
        assert found
        assert all(not kept.isdisjoint(tokens) for tokens in found)


def message(**body):
    return Event(seq=1, kind="message", user="ann", time=10, body=Body(**body))


def matches(event, **asked):
    return wanted(Search(**asked), "bob", singles=True).matches(event)


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [
        ({"text": "red"}, True),
        ({"text": "blue"}, False),
        ({"text": "red", "from_": "ann"}, True),
        ({"text": "red", "from_": "bob"}, False),
        ({"from_": "ann", "since": 10, "until": 10}, True),
        ({"from_": "ann", "since": 11}, False),
        ({"from_": "ann", "until": 9}, False),
        ({"has": ["mention"]}, True),
        ({"has": ["mention", "link"]}, False),
    ],
)
def test_all_that_is_asked_for_has_to_be_there(asked, is_found):
    assert matches(message(text="a red bike", mentions=["bob"]), **asked) is is_found


def test_a_recalled_message_matches_nothing_and_keeps_nothing():
    event = Event(seq=1, kind="message", user="ann", time=10, recalled=True)
    assert not matches(event, from_="ann")
    assert index_tokens(event, singles=True) == set()


def test_words_of_different_lines_are_apart():
    """A name of a file is no end of the text: nobody wrote the word that both would make."""
    card = Card(type="post", title="京", text="see")
    body = Body(text="北", attachments=[Attachment(url="u", mime="m", name="net.txt")], card=card)
    assert text_of(body) == "北\nnet.txt\n京\nsee"
    event = Event(seq=1, kind="message", user="ann", time=1, body=body)
    assert not matches(event, text="北京")
    assert matches(event, text="京 北 net")


@pytest.mark.parametrize(
    ("asked", "singles", "code"),
    [
        ({}, True, "bad_request"),
        ({"text": "..."}, True, "bad_request"),
        ({"text": "...", "from_": "ann"}, True, "bad_request"),
        ({"text": "好"}, False, "bad_request"),
        ({"text": " ".join("abcdefghijklmnopq"[: TERMS_MAX + 1])}, True, "too_large"),
    ],
)
def test_searches_with_nothing_to_go_by_are_refused(asked, singles, code):
    with pytest.raises(Refused) as caught:
        wanted(Search(**asked), "bob", singles=singles)
    assert (caught.value.code, caught.value.field) == (code, "text")


def test_without_single_characters_one_beside_others_still_has_to_be_held():
    looked_for = wanted(Search(text="red 好"), "bob", singles=False)
    assert alternatives(looked_for, "red 好", singles=False) == [["red"]]
    assert looked_for.matches(message(text="redder 很好"))
    assert not looked_for.matches(message(text="redder"))
