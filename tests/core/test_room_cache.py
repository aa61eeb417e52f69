from chatd.core.room_cache import RoomCache
from tests.kit.memory_writer import group


def cache_of(*rooms):
    cache = RoomCache()
    for at, room in enumerate(rooms):
        cache.put(room, float(at))
    return cache


def test_a_room_is_found_by_its_name():
    room = group(1, ann="owner")
    cache = cache_of(room)
    assert cache.get(room.name, 5.0) is room
    assert cache.get("g00000000000", 5.0) is None


def test_rooms_not_used_for_long_are_forgotten():
    old, new = group(1), group(2)
    cache = cache_of(old, new)
    assert cache.forget_idle(1.0, ()) == 1
    assert (cache.get(old.name, 9.0), cache.get(new.name, 9.0)) == (None, new)


def test_asking_for_a_room_is_using_it():
    room = group(1)
    cache = cache_of(room)
    cache.get(room.name, 10.0)
    assert cache.forget_idle(5.0, ()) == 0
    assert cache.forget_idle(10.5, ()) == 1


def test_rooms_of_a_batch_under_way_are_kept():
    one, other = group(1), group(2)
    cache = cache_of(one, other)
    assert cache.forget_idle(100.0, [one.name]) == 1
    assert set(cache.rooms) == {one.name}


def test_a_receipts_preference_reaches_all_rooms_of_its_user():
    one, other, third = group(1, ann="owner"), group(2, ann="owner", bob="member"), group(3, bob="owner")
    cache = cache_of(one, other, third)
    cache.set_receipts("ann", False)
    assert [room.members["ann"].receipts for room in (one, other)] == [False, False]
    assert [room.members["bob"].receipts for room in (other, third)] == [True, True]


def test_rooms_unused_for_longest_leave_when_there_are_too_many_members():
    rooms = [group(number, ann="owner", bob="member") for number in range(1, 5)]  # 3 places each
    cache = cache_of(*rooms)
    assert cache.forget_beyond(12, ()) == 0
    cache.get(rooms[0].name, 9.0)
    assert cache.forget_beyond(7, ()) == 2
    assert set(cache.rooms) == {rooms[0].name, rooms[3].name}


def test_rooms_of_a_batch_stay_even_when_there_are_too_many():
    rooms = [group(number, ann="owner") for number in range(1, 4)]
    cache = cache_of(*rooms)
    assert cache.forget_beyond(0, [rooms[0].name]) == 2
    assert set(cache.rooms) == {rooms[0].name}


def test_a_bot_is_known_in_its_rooms_however_it_became_one() -> None:
    cache = RoomCache()
    cache.automated = {"old"}
    loaded, joined = group(1, ann="owner", old="member", new="member"), group(2, ann="owner", new="member")
    for room in (loaded, joined):
        cache.put(room, 0.0)
    assert (loaded.bots, joined.bots) == ({"old"}, frozenset())
    # It joined in the commit in which it became a bot.
    joined.bots = frozenset({"new"})
    for _ in range(2):
        cache.set_automated("new", automated=True)
        assert (loaded.bots, joined.bots, cache.automated) == ({"old", "new"}, {"new"}, {"old", "new"})
    cache.set_automated("old", automated=False)
    assert (loaded.bots, cache.automated) == ({"new"}, {"new"})
