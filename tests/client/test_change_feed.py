"""Changes on their way to the app."""

import asyncio

from chatd.client.change_feed import ChangeFeed, ChangeStream
from chatd.client.core.changes import ChangesMissed, RoomChanged


def rooms(*names):
    return [RoomChanged(name) for name in names]


async def read(stream, count):
    return [await anext(stream) for _ in range(count)]


def test_listeners_get_everything_in_order_until_they_leave():
    feed, told = ChangeFeed(), []
    leave = feed.subscribe(told.append)
    feed.emit(RoomChanged("a"))
    leave()
    leave()
    feed.emit(RoomChanged("b"))
    assert told == rooms("a")


def test_a_listener_may_leave_while_it_is_told():
    feed, told = ChangeFeed(), []
    leave = feed.subscribe(lambda change: (told.append(change), leave()))
    feed.emit(RoomChanged("a"))
    feed.emit(RoomChanged("b"))
    assert told == rooms("a")


def test_a_listener_that_fails_is_logged_and_disturbs_nobody(caplog):
    feed, told = ChangeFeed(), []
    feed.subscribe(lambda change: 1 / 0)
    feed.subscribe(told.append)
    feed.emit(RoomChanged("a"))
    assert told == rooms("a")
    assert "ZeroDivisionError" in caplog.text


async def test_a_stream_sees_everything_since_it_was_made():
    feed = ChangeFeed()
    stream = ChangeStream(feed, bound=10)
    for change in rooms("a", "b"):
        feed.emit(change)
    assert await read(stream, 2) == rooms("a", "b")


async def test_a_stream_waits_for_the_next_change():
    feed = ChangeFeed()
    stream = ChangeStream(feed, bound=10)
    reading = asyncio.create_task(read(stream, 1))
    await asyncio.sleep(0)
    feed.emit(RoomChanged("a"))
    assert await reading == rooms("a")


async def test_a_slow_reader_is_told_how_much_it_missed_and_gets_the_rest():
    feed = ChangeFeed()
    stream = ChangeStream(feed, bound=3)
    for name in "abcdefgh":
        feed.emit(RoomChanged(name))
    missed, *rest = [await anext(stream) for _ in range(len(stream))]
    assert missed == ChangesMissed(8 - len(rest))
    assert rest == rooms(*"abcdefgh"[-len(rest) :])


async def test_missing_is_counted_anew_after_it_was_told():
    feed = ChangeFeed()
    stream = ChangeStream(feed, bound=1)
    for name in "ab":
        feed.emit(RoomChanged(name))
    assert await anext(stream) == ChangesMissed(1)
    assert await anext(stream) == RoomChanged("b")
    feed.emit(RoomChanged("c"))
    feed.emit(RoomChanged("d"))
    assert await anext(stream) == ChangesMissed(1)


async def test_an_ended_stream_gives_what_it_holds_and_ends():
    feed = ChangeFeed()
    stream = ChangeStream(feed, bound=10)
    feed.emit(RoomChanged("a"))
    stream.end()
    feed.emit(RoomChanged("b"))
    assert [change async for change in stream] == rooms("a")


async def test_a_reader_that_waits_is_woken_by_the_end():
    stream = ChangeStream(ChangeFeed(), bound=10)
    reading = asyncio.create_task(anext(stream, "ended"))
    await asyncio.sleep(0)
    stream.end()
    assert await reading == "ended"
