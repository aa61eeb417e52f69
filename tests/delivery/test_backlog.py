import pytest

from chatd.config import model
from chatd.delivery.backlog import Backlog
from chatd.delivery.outbox import Outbox
from chatd.delivery.recent_commits import RecentCommits


class Sink:
    """An outbox that writes down what is handed over, in order."""

    def __init__(self):
        self.sent = []

    def send(self, frame, now):
        self.sent.append(frame)

    def send_event(self, frame, room, seq, ordinal, now):
        self.sent.append((frame, room, seq, ordinal))

    def send_head(self, room, seq, ordinal, now):
        self.sent.append((room, seq, ordinal))


@pytest.fixture
def backlog():
    return Backlog(100, RecentCommits())


def replayed(backlog):
    outbox = Sink()
    backlog.replay(outbox, 0.0)
    return outbox.sent


def test_everything_is_handed_over_in_order(backlog):
    backlog.send(b"one")
    backlog.send_event(b"two", "g1", 5, 3)
    backlog.send(b"three")
    assert replayed(backlog) == [b"one", (b"two", "g1", 5, 3), b"three"]


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


def test_a_head_is_pushed_once_with_the_last_number(backlog):
    backlog.send_head("g1", 5, 3)
    backlog.send_head("g1", 6, 4)
    assert replayed(backlog) == [("g1", 6, 4)]


class Wire:
    """Writes down what it is given."""

    def __init__(self):
        self.written = []
        self.write = self.written.append

    def buffered_bytes(self):
        return 0


class Owner:
    """Of an outbox that never lags."""

    def head_frame(self, heads):
        return repr(heads).encode()


@pytest.fixture
def outbox(backlog):
    return Outbox(Wire(), model.Outbox(), Owner(), backlog)


def written(outbox):
    return outbox._wire.written


def test_an_outbox_writes_nothing_before_the_reply_and_then_everything_behind_it(outbox):
    outbox.send(b"kept", 1.0)
    outbox.send_event(b"event", "g1", 5, 3, 2.0)
    outbox.send_ephemeral(b"typing")
    outbox.send_head("g2", 7, 7, 3.0)
    assert (written(outbox), outbox.flowing, outbox.pending, outbox.queued_bytes) == ([], False, False, 9)
    outbox.start(b"reply", 4.0)
    assert written(outbox) == [b"reply", b"kept", b"event", b"{'g2': (7, 7)}"]
    outbox.send(b"later", 5.0)
    assert (written(outbox)[-1], outbox.flowing, outbox.queued_bytes, outbox.sent_at) == (
        b"later",
        True,
        0,
        5.0,
    )


def test_an_outbox_whose_backlog_is_dropped_says_the_end_alone(outbox):
    outbox.send_event(b"event", "g1", 5, 3, 2.0)
    outbox.drop_backlog()
    outbox.send(b"bye", 4.0)
    assert written(outbox) == [b"bye"]


def test_a_transport_that_blocked_before_the_reply_is_waited_for(outbox):
    outbox.blocked()
    outbox.start(b"reply", 1.0)
    assert (written(outbox), outbox.pending) == ([], True)
    outbox.resumed()
    assert (written(outbox), outbox.pending) == ([b"reply"], False)


def test_a_closed_outbox_forgets_its_backlog(outbox):
    outbox.send(b"kept", 1.0)
    outbox.close()
    outbox.start(b"reply", 2.0)
    assert (written(outbox), outbox.queued_bytes) == ([], 0)
