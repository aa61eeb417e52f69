"""Followers of one stream: the first to receive a frame writes it, all others are held to its bytes."""

from __future__ import annotations

import itertools
import random

from bench.client.stream import Follower, Stream
from bench.engine.record import MessageId, Record
from bench.wire import server_frame


class Room:
    """A stream whose frames hold one message each, numbered by their payload."""

    def __init__(self) -> None:
        self.record = Record()
        self.stream = Stream(self._decode, self.record)
        self.foreign: list[bytes] = []

    def follower(self) -> Follower:
        return Follower(self.stream, self._foreign)

    def _decode(self, frame: bytes) -> tuple[int, list[MessageId]]:
        number = int(frame[-8:])
        return number, [MessageId(0, number, 0, 0)]

    def _foreign(self, frame: bytes, at_end: bool) -> bool:
        if at_end and frame[-8:].isdigit():
            return True
        self.foreign.append(frame)
        return False


def frame(number: int, size: int = 40) -> bytes:
    return server_frame(b"x" * size + f"{number:08d}".encode())


def feed(follower: Follower, content: bytes, *cuts: int) -> None:
    """The content in pieces."""
    places = [0, *sorted(cuts), len(content)]
    for start, end in itertools.pairwise(places):
        if end > start:
            follower.receive(memoryview(content[start:end]))


def test_the_first_writes_and_the_others_compare() -> None:
    room = Room()
    first, second = room.follower(), room.follower()
    feed(first, frame(1) + frame(2))
    feed(second, frame(1) + frame(2))
    assert first.at_end
    assert second.at_end
    assert (room.stream.arrivals, room.foreign) == (4, [])
    room.stream.settle()
    assert room.record.deliveries().count == 4


def test_any_cuts_of_the_bytes_and_any_leader_give_the_same() -> None:
    chance = random.Random(7)
    for _ in range(200):
        room = Room()
        content = b"".join(frame(number, chance.choice((0, 40, 200, 70_000))) for number in range(6))
        followers = [room.follower() for _ in range(3)]
        cuts = [chance.sample(range(1, len(content)), 5) for _ in followers]
        for follower, places in zip(followers, cuts, strict=True):
            feed(follower, content, *places)
        assert all(follower.at_end for follower in followers)
        assert (room.stream.arrivals, room.foreign) == (18, [])
        assert bytes(room.stream.content) == content


def test_followers_take_turns_in_leading() -> None:
    room = Room()
    one, other = room.follower(), room.follower()
    for number in range(10):
        leader, second = (one, other) if number % 2 else (other, one)
        feed(leader, frame(number), 3)
        feed(second, frame(number), 20)
    assert room.stream.arrivals == 20


def test_a_frame_that_is_not_the_streams_is_foreign_and_passed_over() -> None:
    room = Room()
    one, other = room.follower(), room.follower()
    ping = server_frame(b"ping")
    feed(one, frame(1) + frame(2))
    feed(other, frame(1) + ping + frame(2), 10, 45, 60)
    assert room.foreign == [ping]
    assert other.at_end


def test_a_changed_byte_does_not_pass() -> None:
    room = Room()
    one, other = room.follower(), room.follower()
    feed(one, frame(1))
    lie = frame(1).replace(b"xxxx", b"xxzx", 1)
    feed(other, lie)
    assert room.foreign == [lie]
    assert [len(push.messages) for push in other.missing] == [1]


def test_one_who_left_hears_everything_as_foreign_until_he_joins_again() -> None:
    room = Room()
    one, other = room.follower(), room.follower()
    feed(one, frame(1) + frame(2) + frame(3))
    other.leave()
    feed(other, frame(1))
    assert room.foreign == [frame(1)]
    assert room.stream.place_after(7) is None
    place = room.stream.place_after(2)
    assert place == 2
    other.join(place)
    feed(other, frame(3))
    assert other.at_end
    assert (other.last, room.foreign) == (3, [frame(1)])


def test_arrivals_are_counted_while_the_run_goes_on_and_at_its_end() -> None:
    room = Room()
    follower = room.follower()
    for number in range(5_000):
        feed(follower, frame(number))
    assert room.record.deliveries().count > 0
    room.stream.settle()
    assert room.record.deliveries().count == 5_000
