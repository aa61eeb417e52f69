import pytest

from chatd.delivery.recent_commits import RecentCommits
from chatd.session.backlog import Backlog


class Outbox:
    """Writes down what is handed over, in order."""

    def __init__(self):
        self.sent = []

    def send(self, frame):
        self.sent.append(frame)

    def send_event(self, frame, room, seq, ordinal):
        self.sent.append((frame, room, seq, ordinal))

    def send_head(self, room, seq, ordinal):
        self.sent.append((room, seq, ordinal))


@pytest.fixture
def backlog():
    return Backlog(100, RecentCommits())


def replayed(backlog):
    outbox = Outbox()
    backlog.replay(outbox)
    return outbox.sent


def test_everything_is_handed_over_in_order(backlog):
    backlog.send(b"one")
    backlog.send_event(b"two", "g1", 5, 3)
    backlog.send(b"three")
    assert replayed(backlog) == [b"one", (b"two", "g1", 5, 3), b"three"]


def test_ephemerals_are_dropped(backlog):
    backlog.send_ephemeral(b"typing")
    assert replayed(backlog) == []


def test_events_beyond_the_mark_become_heads(backlog):
    backlog.send_event(b"x" * 60, "g1", 5, 3)
    backlog.send_event(b"x" * 60, "g1", 6, 4)
    backlog.send_event(b"x" * 10, "g2", 9, 9)
    backlog.send_event(b"x" * 10, "g1", 7, 5)
    assert replayed(backlog) == [(b"x" * 60, "g1", 5, 3), ("g1", 7, 5), ("g2", 9, 9)]


def test_what_must_not_be_lost_is_kept_beyond_the_mark(backlog):
    for _ in range(10):
        backlog.send(b"x" * 60)
    assert len(replayed(backlog)) == 10
    assert backlog.queued_bytes == 600


def test_a_head_is_told_once_with_the_last_number(backlog):
    backlog.send_head("g1", 5, 3)
    backlog.send_head("g1", 6, 4)
    assert replayed(backlog) == [("g1", 6, 4)]


def test_nothing_flows_through_it(backlog):
    assert not backlog.flowing
