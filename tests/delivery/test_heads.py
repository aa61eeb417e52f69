import pytest

from chatd.delivery.heads import Heads
from chatd.delivery.hub import RoomSubscribers
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
