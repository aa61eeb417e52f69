from chatd.core.room_cache import Registry
from tests.kit.desk import group


def registry_of(*rooms):
    registry = Registry()
    for at, room in enumerate(rooms):
        registry.put(room, float(at))
    return registry


def test_a_room_is_found_by_its_name():
    room = group(1, ann="owner")
    registry = registry_of(room)
    assert registry.get(room.name, 5.0) is room
    assert registry.get("g00000000000", 5.0) is None


def test_rooms_not_used_for_long_are_forgotten():
    old, new = group(1), group(2)
    registry = registry_of(old, new)
    assert registry.forget_idle(1.0, ()) == 1
    assert (registry.get(old.name, 9.0), registry.get(new.name, 9.0)) == (None, new)


def test_asking_for_a_room_is_using_it():
    room = group(1)
    registry = registry_of(room)
    registry.get(room.name, 10.0)
    assert registry.forget_idle(5.0, ()) == 0
    assert registry.forget_idle(10.5, ()) == 1


def test_rooms_of_a_batch_under_way_are_kept():
    one, other = group(1), group(2)
    registry = registry_of(one, other)
    assert registry.forget_idle(100.0, [one.name]) == 1
    assert set(registry.rooms) == {one.name}


def test_a_receipts_preference_reaches_all_rooms_of_its_user():
    one, other, third = group(1, ann="owner"), group(2, ann="owner", bob="member"), group(3, bob="owner")
    registry = registry_of(one, other, third)
    registry.set_receipts("ann", False)
    assert [room.members["ann"].receipts for room in (one, other)] == [False, False]
    assert [room.members["bob"].receipts for room in (other, third)] == [True, True]


def test_rooms_unused_for_longest_leave_when_there_are_too_many_members():
    rooms = [group(number, ann="owner", bob="member") for number in range(1, 5)]  # 3 places each
    registry = registry_of(*rooms)
    assert registry.forget_beyond(12, ()) == 0
    registry.get(rooms[0].name, 9.0)
    assert registry.forget_beyond(7, ()) == 2
    assert set(registry.rooms) == {rooms[0].name, rooms[3].name}


def test_rooms_of_a_batch_stay_even_when_there_are_too_many():
    rooms = [group(number, ann="owner") for number in range(1, 4)]
    registry = registry_of(*rooms)
    assert registry.forget_beyond(0, [rooms[0].name]) == 2
    assert set(registry.rooms) == {rooms[0].name}
