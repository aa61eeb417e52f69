import asyncio

import pytest

from chatd.core.read_set import PeopleRules
from chatd.core.room_cache import RoomCache
from chatd.protocol.errors import Unavailable
from chatd.protocol.messages import Body, Send
from chatd.writer.room_loader import RoomLoader
from tests.kit.inprocess import new_key


@pytest.fixture
async def name(server):
    ann = await server.connect("ann")
    return await ann.create_group("bob")


@pytest.fixture
def rooms(server, name):
    """A registry in which nothing is loaded."""
    return RoomLoader(server.store, server.env, RoomCache(), PeopleRules())


async def test_a_room_is_loaded_when_it_is_asked_for_and_then_kept(server, rooms, name):
    room = await rooms.get(name)
    assert (room.name, set(room.members)) == (name, {"ann", "bob"})
    assert await rooms.get(name) is room
    assert server.store.calls["load_rooms"] == 1


async def test_a_room_that_does_not_exist_is_none(rooms):
    assert await rooms.get("g00000000000") is None


async def test_many_requests_at_once_share_one_load(server, rooms, name):
    hold = server.store.hold("load_rooms")
    asking = [asyncio.ensure_future(rooms.get(name)) for _ in range(10)]
    await hold.reached.wait()
    hold.release()
    found = await asyncio.gather(*asking)
    assert len({id(room) for room in found}) == 1
    assert server.store.calls["load_rooms"] == 1


async def test_a_load_of_several_shares_what_is_under_way(server, rooms, name):
    other = await (await server.connect("cat")).create_group()
    hold = server.store.hold("load_rooms", after=True)
    first = asyncio.ensure_future(rooms.get(name))
    await hold.reached.wait()
    second = asyncio.ensure_future(rooms.load([name, other]))
    await asyncio.sleep(0)
    hold.release()
    await asyncio.gather(first, second)
    assert set(rooms.cache.rooms) == {name, other}
    assert server.store.calls["load_rooms"] == 2


async def test_a_failed_load_is_a_failure_for_all_who_wait(server, rooms, name):
    hold = server.store.hold("load_rooms")
    server.store.fail("load_rooms", Unavailable("overloaded"))
    asking = [asyncio.ensure_future(rooms.get(name)) for _ in range(3)]
    await hold.reached.wait()
    hold.release()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert [getattr(result, "code", result) for result in results] == ["overloaded"] * 3
    assert (await rooms.get(name)).name == name


async def test_who_gives_up_loading_leaves_no_room_missing(server, rooms, name):
    hold = server.store.hold("load_rooms")
    gone, waiting = asyncio.ensure_future(rooms.get(name)), asyncio.ensure_future(rooms.get(name))
    await hold.reached.wait()
    gone.cancel()
    with pytest.raises(Unavailable):
        await waiting
    assert (await rooms.get(name)).name == name


async def test_a_send_into_a_room_that_cannot_be_loaded_is_to_be_repeated(server, name):
    server.app.context.rooms.cache.forget_idle(float("inf"), ())
    server.store.fail("load_rooms", Unavailable("overloaded"))
    with pytest.raises(Unavailable) as refused:
        await server.app.writer.submit_and_wait("ann", Send(room=name, key=new_key(), body=Body(text="x")))
    assert refused.value.retry == "later"
