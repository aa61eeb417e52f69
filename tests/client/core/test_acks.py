"""Acknowledgements as events."""

import pytest

from chatd.client.core.acks import COMPOSED_SLACK_MS, event_of

ACK = {"type": "ok", "id": 1, "seq": 42, "time": 5_000_000}
SEND = {"type": "send", "room": "r", "key": "k", "body": {"text": "Hi"}}


def test_a_send_is_its_message():
    event = event_of(SEND, {**ACK, "ordinal": 7}, "me")
    assert event == {
        "seq": 42,
        "kind": "message",
        "user": "me",
        "time": 5_000_000,
        "key": "k",
        "body": {"text": "Hi"},
        "ordinal": 7,
    }


def test_the_composition_time_is_kept_only_where_it_differs_much():
    near, far = 5_000_000 - COMPOSED_SLACK_MS, 5_000_000 - COMPOSED_SLACK_MS - 1
    assert "composed_at" not in event_of({**SEND, "composed_at": near}, ACK, "me")
    assert event_of({**SEND, "composed_at": far}, ACK, "me")["composed_at"] == far


@pytest.mark.parametrize(
    ("packet", "event"),
    [
        (
            {"type": "edit", "target": 3, "body": {"text": "x"}},
            {"kind": "edit", "target": 3, "body": {"text": "x"}},
        ),
        ({"type": "recall", "target": 3}, {"kind": "recall", "target": 3}),
        (
            {"type": "react", "target": 3, "emoji": "x", "set": False},
            {"kind": "reaction", "target": 3, "emoji": "x", "set": False},
        ),
        ({"type": "pin", "target": 3, "set": True}, {"kind": "pin", "target": 3, "set": True}),
        ({"type": "room.update", "title": "T"}, {"kind": "settings", "title": "T"}),
    ],
)
def test_other_writes_are_their_events(packet, event):
    asked = {**packet, "room": "r", "key": "k"}
    assert event_of(asked, ACK, "me") == {"seq": 42, "user": "me", "time": 5_000_000, **event}


def test_an_event_the_server_changed_wins():
    stored = {"seq": 42, "kind": "message", "user": "me", "body": {"text": "***"}}
    assert event_of(SEND, {**ACK, "event": stored}, "me") == stored


def test_an_ack_without_seq_is_no_event():
    assert (
        event_of({"type": "react", "target": 3, "emoji": "x", "set": True}, {"duplicate": True}, "me") is None
    )


@pytest.mark.parametrize("kind", ["members.add", "room.join", "room.leave", "something.new"])
def test_what_does_not_follow_from_the_request_is_no_event(kind):
    assert event_of({"type": kind, "room": "r", "key": "k"}, ACK, "me") is None
