"""The part of a room that a member sees."""

from chatd.core.extras import DELETED, SAW_FROM, put_extra
from chatd.core.own_view import View, saw_from, view_of
from chatd.core.room import Member


def test_a_view_begins_with_first_visible_and_leaves_out_what_was_deleted() -> None:
    member = Member("bob", "member", 0, first_visible=4, read=9, read_ordinal=8)
    assert (view_of(member), saw_from(member)) == (View(4, []), 4)
    put_extra(member, DELETED, [(6, 7)])
    put_extra(member, SAW_FROM, 1)
    assert [seq for seq in range(1, 10) if view_of(member).shows(seq)] == [4, 5, 8, 9]
    assert saw_from(member) == 1
