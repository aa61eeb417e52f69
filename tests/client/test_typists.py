"""Who is writing."""

import pytest

from chatd.client.core.changes import TypingStarted, TypingStopped
from chatd.client.feed import Feed
from chatd.client.typists import Typists


@pytest.fixture
def told():
    return []


@pytest.fixture
def typists(env, told):
    feed = Feed()
    feed.subscribe(told.append)
    return Typists(env, 6.0, feed)


def test_a_signal_is_shown_for_six_seconds(typists, env, told):
    typists.typing("r", "bob")
    env.advance(5.9)
    assert typists.in_room("r") == ["bob"]
    env.advance(0.1)
    assert typists.in_room("r") == []
    assert told == [TypingStarted("r", "bob"), TypingStopped("r", "bob")]


def test_a_repeated_signal_prolongs_it_silently(typists, env, told):
    typists.typing("r", "bob")
    env.advance(5)
    typists.typing("r", "bob")
    env.advance(5)
    assert typists.in_room("r") == ["bob"]
    assert told == [TypingStarted("r", "bob")]


def test_a_message_ends_it(typists, env, told):
    typists.typing("r", "bob")
    typists.stopped("r", "bob")
    typists.stopped("r", "bob")
    assert told == [TypingStarted("r", "bob"), TypingStopped("r", "bob")]
    assert env.delays == []


def test_a_lost_connection_ends_all_of_it(typists, told):
    typists.typing("r", "bob")
    typists.typing("q", "ann")
    typists.clear()
    assert told[2:] == [TypingStopped("r", "bob"), TypingStopped("q", "ann")]
