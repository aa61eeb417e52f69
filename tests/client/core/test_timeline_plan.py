"""What a timeline asks for when events are missing (chatd/client/core/timeline.py)."""

from chatd.client.core.replica import Owner
from chatd.client.core.timeline import JUMP_DISTANCE, START_DISTANCE, Fetch, Jump, Timeline
from tests.client.core.test_timeline import ME, ROOM, started


def test_nothing_is_asked_when_nothing_is_missing():
    assert started(applied=5).plan() is None


def test_a_hole_up_to_the_limit_is_read_from_the_log_and_a_longer_one_is_jumped():
    timeline = started(applied=10)
    timeline.heard(10 + JUMP_DISTANCE)
    assert timeline.plan() == Fetch(11, 10 + JUMP_DISTANCE)
    timeline.heard(11 + JUMP_DISTANCE)
    assert timeline.plan() == Jump()


def test_a_log_that_does_not_reach_back_is_jumped():
    timeline = started(applied=10)
    timeline.heard(20)
    timeline.bounds(first_visible=1, log_floor=12)
    assert timeline.plan() == Jump()
    timeline.bounds(first_visible=1, log_floor=11)
    assert timeline.plan() == Fetch(11, 20)


def test_a_room_of_which_nothing_is_known_is_jumped_if_it_has_more_than_a_page():
    timeline = Timeline(ROOM, Owner(ME))
    timeline.heard(START_DISTANCE)
    assert timeline.plan() == Fetch(1, START_DISTANCE)
    timeline.heard(START_DISTANCE + 1)
    assert timeline.plan() == Jump()
