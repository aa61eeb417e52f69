import asyncio

import pytest

from chatd.core.room_cache import Registry
from chatd.protocol.errors import Unavailable
from chatd.protocol.objects import Body
from chatd.protocol.requests import Send
from chatd.writer.room_loader import Rooms
from tests.kit.indoors import new_key


@pytest.fixture
async def name(house):
    ann = await house.meets("ann")
    return await ann.makes_group("bob")


@pytest.fixture
def rooms(house, name):
    """A registry in which nothing is loaded."""
    return Rooms(house.store, house.env, Registry())


async def test_a_room_is_loaded_when_it_is_asked_for_and_then_kept(house, rooms, name):
    room = await rooms.get(name)
    assert (room.name, set(room.members)) == (name, {"ann", "bob"})
    assert await rooms.get(name) is room
    assert house.store.calls["load_rooms"] == 1


async def test_a_room_that_does_not_exist_is_none(rooms):
    assert await rooms.get("g00000000000") is None


async def test_many_who_ask_at_once_share_one_load(house, rooms, name):
    hold = house.store.hold("load_rooms")
    asking = [asyncio.ensure_future(rooms.get(name)) for _ in range(10)]
    await hold.reached.wait()
    hold.release()
    found = await asyncio.gather(*asking)
    assert len({id(room) for room in found}) == 1
    assert house.store.calls["load_rooms"] == 1


async def test_a_load_of_several_shares_what_is_under_way(house, rooms, name):
    other = await (await house.meets("cat")).makes_group()
    hold = house.store.hold("load_rooms", after=True)
    first = asyncio.ensure_future(rooms.get(name))
    await hold.reached.wait()
    second = asyncio.ensure_future(rooms.load([name, other]))
    await asyncio.sleep(0)
    hold.release()
    await asyncio.gather(first, second)
    assert set(rooms.registry.rooms) == {name, other}
    assert house.store.calls["load_rooms"] == 2


async def test_a_failed_load_is_a_failure_for_all_who_wait(house, rooms, name):
    hold = house.store.hold("load_rooms")
    house.store.fail("load_rooms", Unavailable("overloaded"))
    asking = [asyncio.ensure_future(rooms.get(name)) for _ in range(3)]
    await hold.reached.wait()
    hold.release()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert [getattr(result, "code", result) for result in results] == ["overloaded"] * 3
    assert (await rooms.get(name)).name == name


async def test_who_gives_up_loading_leaves_no_room_missing(house, rooms, name):
    hold = house.store.hold("load_rooms")
    gone, waiting = asyncio.ensure_future(rooms.get(name)), asyncio.ensure_future(rooms.get(name))
    await hold.reached.wait()
    gone.cancel()
    with pytest.raises(Unavailable):
        await waiting
    assert (await rooms.get(name)).name == name


async def test_a_send_into_a_room_that_cannot_be_loaded_is_to_be_repeated(house, name):
    house.inside.context.rooms.registry.forget_idle(float("inf"), ())
    house.store.fail("load_rooms", Unavailable("overloaded"))
    with pytest.raises(Unavailable) as refused:
        await house.inside.writer.carry("ann", Send(room=name, key=new_key(), body=Body(text="x")))
    assert refused.value.retry == "later"
