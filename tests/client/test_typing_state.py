"""The users who are typing."""

import pytest

from chatd.client.change_feed import ChangeFeed
from chatd.client.core.changes import TypingStarted, TypingStopped
from chatd.client.typing_state import TypingState


@pytest.fixture
def told():
    return []


@pytest.fixture
def typing_state(env, told):
    feed = ChangeFeed()
    feed.subscribe(told.append)
    return TypingState(env, 6.0, feed)


def test_a_signal_is_shown_for_six_seconds(typing_state, env, told):
    typing_state.typing("r", "bob")
    env.advance(5.9)
    assert typing_state.in_room("r") == ["bob"]
    env.advance(0.1)
    assert typing_state.in_room("r") == []
    assert told == [TypingStarted("r", "bob"), TypingStopped("r", "bob")]


def test_a_repeated_signal_prolongs_it_silently(typing_state, env, told):
    typing_state.typing("r", "bob")
    env.advance(5)
    typing_state.typing("r", "bob")
    env.advance(5)
    assert typing_state.in_room("r") == ["bob"]
    assert told == [TypingStarted("r", "bob")]


def test_who_speaks_is_told_from_who_writes(typing_state, told):
    typing_state.typing("r", "bob")
    typing_state.typing("r", "bob", "voice")
    typing_state.typing("r", "eve")
    assert (typing_state.in_room("r"), typing_state.in_room("r", "voice")) == (["bob", "eve"], ["bob"])
    assert told == [TypingStarted("r", "bob"), TypingStarted("r", "bob", "voice"), TypingStarted("r", "eve")]


def test_a_message_ends_it(typing_state, env, told):
    typing_state.typing("r", "bob")
    typing_state.stopped("r", "bob")
    typing_state.stopped("r", "bob")
    assert told == [TypingStarted("r", "bob"), TypingStopped("r", "bob")]
    assert env.delays == []


def test_a_lost_connection_ends_all_of_it(typing_state, told):
    typing_state.typing("r", "bob")
    typing_state.typing("q", "ann")
    typing_state.clear()
    assert told[2:] == [TypingStopped("r", "bob"), TypingStopped("q", "ann")]
