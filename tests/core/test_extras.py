from chatd.core.extras import extra, put_extra
from tests.kit.memory_writer import direct


def test_values_stand_beside_each_other_and_empty_ones_take_no_place():
    member = direct("ann", "bob").members["ann"]
    assert extra(member, "asked") is None
    put_extra(member, "asked", 2)
    put_extra(member, "wallpaper", "hills")
    put_extra(member, "asked", 3)
    assert (extra(member, "asked"), extra(member, "wallpaper")) == (3, "hills")
    put_extra(member, "asked", 0)
    assert (extra(member, "asked"), extra(member, "wallpaper")) == (None, "hills")
    put_extra(member, "wallpaper", "")
    assert member.extras == b""
