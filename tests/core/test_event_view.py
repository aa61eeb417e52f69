"""A stored event as one reader is shown it."""

import pytest
from msgspec import UNSET

from chatd.core.event_view import event_view, reacted
from chatd.core.own_view import View
from chatd.protocol.codec import decode_event, encode
from chatd.protocol.messages import Body, Event, ReactionCount

COUNTS = [ReactionCount("x", 2)]
MESSAGE = encode(Event(seq=3, kind="message", user="ann", body=Body(text="hi"), reactions=COUNTS))
PLAIN = encode(Event(seq=4, kind="message", user="ann", body=Body(text="hi")))
SUMMARY = encode(Event(seq=5, kind="reactions", target=3, reactions=COUNTS))
EDIT = encode(Event(seq=6, kind="edit", user="ann", target=3, body=Body(text="new")))


def test_only_messages_with_reactions_are_asked_about():
    assert reacted([MESSAGE, PLAIN, SUMMARY, EDIT]) == [3]


def test_own_reactions_are_added_and_everything_else_stays():
    view = decode_event(event_view(MESSAGE, {3: ["x"]}, View()))
    assert view.mine == ["x"]
    view.mine = decode_event(MESSAGE).mine
    assert view == decode_event(MESSAGE)


@pytest.mark.parametrize(("first_visible", "shown"), [(1, True), (3, True), (4, False)])
def test_an_edit_of_what_lies_before_ones_time_has_no_body(first_visible, shown):
    assert (decode_event(event_view(EDIT, {}, View(first_visible))).body == Body(text="new")) is shown


@pytest.mark.parametrize("blob", [PLAIN, SUMMARY])
def test_what_needs_nothing_is_passed_as_it_is_stored(blob):
    assert event_view(blob, {3: ["x"]}, View(4, [(8, 9)])) is blob


def test_of_what_was_deleted_for_oneself_the_place_is_left():
    view = View(1, [(1, 3)])
    message = decode_event(event_view(MESSAGE, {3: ["x"]}, view))
    assert message == Event(seq=3, kind="message", user="ann")
    assert decode_event(event_view(EDIT, {}, view)).body is UNSET
    assert event_view(PLAIN, {}, view) is PLAIN
