import pytest

from chatd.core.room import Room
from chatd.core.write_set import NewEvent
from chatd.delivery import heads as heads_module
from chatd.delivery.heads import PREVIEW_BYTES_MAX, Heads, NewHead
from chatd.delivery.hub import RoomSubscribers
from chatd.protocol.codec import encode
from chatd.protocol.messages import Body, Event
from tests.kit.env import ManualEnv
from tests.kit.memory_wire import packets_of


class Subscriber:
    """Somebody at level head, with an outbox that writes down."""

    def __init__(self):
        self.user, self.encoding = "ann", 0
        self.outbox = self
        self.flowing = True
        self.told = []
        self.merged = []

    def send(self, frame, now):
        (packet,) = packets_of(frame, False)
        self.told += [(row["room"], row["seq"], row["ordinal"]) for row in packet["rooms"]]

    def send_head(self, room, seq, ordinal, now):
        self.merged.append((room, seq, ordinal))


@pytest.fixture
def env():
    return ManualEnv()


@pytest.fixture
def heads(env):
    return Heads(env, 1.0, 10.0, 1024)


@pytest.fixture
def subscriber():
    return Subscriber()


def subscribers_of(*connections, number=1):
    subscribers = RoomSubscribers(number, f"g{number}", 1000)
    for one in connections:
        subscribers.add(one, "head")
    return subscribers


def test_the_first_move_is_pushed_at_once(heads, subscriber):
    heads.moved(subscribers_of(subscriber), 5, 3)
    assert subscriber.told == [("g1", 5, 3)]


def test_moves_within_an_interval_are_one_head_with_the_last_number(env, heads, subscriber):
    subscribers = subscribers_of(subscriber)
    for seq in range(5, 15):
        heads.moved(subscribers, seq, seq - 2)
        env.advance(0.05)
    assert subscriber.told == [("g1", 5, 3)]
    env.advance(0.5)
    assert subscriber.told == [("g1", 5, 3), ("g1", 14, 12)]


def test_at_most_one_head_an_interval_however_busy_the_room(env, heads, subscriber):
    subscribers = subscribers_of(subscriber)
    for seq in range(1000):
        heads.moved(subscribers, seq, seq)
        env.advance(0.01)
    env.advance(1)
    assert len(subscriber.told) <= 12
    assert subscriber.told[-1] == ("g1", 999, 999)


def test_a_quiet_room_waits_for_nothing(env, heads, subscriber):
    subscribers = subscribers_of(subscriber)
    heads.moved(subscribers, 5, 3)
    env.advance(1)
    heads.moved(subscribers, 6, 4)
    assert subscriber.told == [("g1", 5, 3), ("g1", 6, 4)]


def test_rooms_are_throttled_apart(heads, subscriber):
    heads.moved(subscribers_of(subscriber, number=1), 5, 3)
    heads.moved(subscribers_of(subscriber, number=2), 9, 9)
    assert subscriber.told == [("g1", 5, 3), ("g2", 9, 9)]


def test_a_user_who_left_meanwhile_gets_no_push(env, heads, subscriber):
    subscribers, stays = subscribers_of(subscriber), Subscriber()
    subscribers.add(stays, "head")
    heads.moved(subscribers, 5, 3)
    heads.moved(subscribers, 6, 4)
    subscribers.discard(subscriber)
    env.advance(1)
    assert (subscriber.told, stays.told) == ([("g1", 5, 3)], [("g1", 5, 3), ("g1", 6, 4)])


def test_a_slow_reader_gets_a_head_that_can_be_merged(heads, subscriber):
    subscriber.flowing = False
    heads.moved(subscribers_of(subscriber), 5, 3)
    assert (subscriber.told, subscriber.merged) == ([], [("g1", 5, 3)])


def test_subscribers_that_come_back_while_a_head_is_due_get_their_own(env, heads, subscriber):
    before, after = subscribers_of(Subscriber()), subscribers_of(subscriber)
    heads.moved(before, 5, 3)
    heads.moved(before, 6, 4)
    env.advance(0.5)
    heads.moved(after, 7, 5)
    heads.moved(after, 8, 6)
    env.advance(2)
    assert subscriber.told == [("g1", 7, 5), ("g1", 8, 6)]


def test_a_room_without_distant_listeners_costs_no_timer(env, heads):
    subscribers = subscribers_of()
    heads.moved(subscribers, 5, 3)
    heads.moved(subscribers, 6, 4)
    assert env.pending == 0


def of_channel(*events):
    """A run of events of a channel."""
    room = Room(1, "c1", "channel", "ann", 0)
    return [NewEvent(room, event, encode(event), ordinal=event.seq) for event in events]


def post(seq, text="words"):
    return Event(seq=seq, kind="message", user="ann", ordinal=seq, body=Body(text=text))


@pytest.mark.parametrize(
    ("events", "previewed"),
    [
        ([post(2)], 2),
        ([post(2), post(3)], 3),
        ([post(2), Event(seq=3, kind="reactions", target=1)], 2),
        ([post(2), Event(seq=3, kind="recall", target=2)], 0),
        ([post(2), post(3), Event(seq=4, kind="recall", target=2)], 3),
        ([post(2), Event(seq=3, kind="edit", target=2, body=Body(text="other"))], 0),
        ([post(2), Event(seq=3, kind="erased", user="ann")], 0),
        ([Event(seq=2, kind="settings", title="t")], 2),
        ([Event(seq=2, kind="role")], 0),
        ([post(2), post(3, "x" * PREVIEW_BYTES_MAX)], 0),
    ],
)
def test_a_head_of_a_channel_shows_its_newest_post_as_it_is(events, previewed):
    run = of_channel(*events)
    found = NewHead(1, 0).after(run)
    assert (found.seq, found.previewed) == (events[-1].seq, previewed)
    assert found.preview == next((new.blob for new in run if new.event.seq == previewed), b"")
    one_by_one = NewHead(1, 0)
    for new in run:
        one_by_one = one_by_one.after([new])
    assert one_by_one == found


def test_a_channel_has_an_interval_of_its_own(env, heads, subscriber):
    subscribers = RoomSubscribers(1, "c1", 5)
    subscribers.add(subscriber, "head")
    for seq in (2, 3, 4):
        heads.moved(subscribers, seq, seq, of_channel(post(seq)))
        env.advance(1)
    assert subscriber.told == [("c1", 2, 2)]
    env.advance(8)
    assert subscriber.told == [("c1", 2, 2), ("c1", 4, 4)]


def test_heads_of_many_go_out_in_slices_and_to_nobody_who_left_meanwhile(env, heads, monkeypatch):
    monkeypatch.setattr(heads_module, "SLICE", 2)
    subscribers, followers = RoomSubscribers(1, "c1", 5), [Subscriber() for _ in range(5)]
    for follower in followers:
        subscribers.add(follower, "head")
    heads.moved(subscribers, 2, 2, of_channel(post(2)))
    assert [len(follower.told) for follower in followers] == [1, 1, 0, 0, 0]
    subscribers.discard(followers[3])
    env.advance(0)
    env.advance(0)
    assert [len(follower.told) for follower in followers] == [1, 1, 1, 0, 1]
