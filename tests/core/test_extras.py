from chatd.core.extras import extra, put_extra
from chatd.protocol.codec import encode
from tests.kit.memory_writer import group


def test_values_are_kept_beside_each_other_and_an_empty_one_goes() -> None:
    member = group(ann="owner").members["ann"]
    assert extra(member, "wallpaper") is None
    put_extra(member, "wallpaper", "dunes")
    put_extra(member, "asked", 2)
    assert (extra(member, "wallpaper"), extra(member, "asked")) == ("dunes", 2)
    put_extra(member, "wallpaper", "")
    assert member.extras == encode({"asked": 2})
    put_extra(member, "asked", 0)
    assert member.extras == b""
