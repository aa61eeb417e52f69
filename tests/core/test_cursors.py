from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from chatd.core.cursors import ALL, More, Position, after_user, cursor_of, position_of
from chatd.protocol.errors import Refused

STAMPS = st.integers(min_value=0, max_value=2**63 - 1)
SECTIONS = st.integers(min_value=0, max_value=2**16 - 1)
EPOCHS = st.text(min_size=1, max_size=16)
MORES = st.builds(
    More,
    since=st.integers(min_value=ALL, max_value=2**53 - 1),
    first_stamp=st.integers(min_value=0, max_value=2**53 - 1),
    pinned=st.integers(min_value=0, max_value=1),
    time=st.integers(min_value=0, max_value=2**53 - 1),
    number=st.integers(min_value=0, max_value=2**53 - 1),
    previews=st.booleans(),
    events=st.integers(min_value=0, max_value=50),
    sections=st.integers(min_value=0, max_value=2**16 - 1),
    full_sections=st.integers(min_value=0, max_value=2**16 - 1),
)


@given(EPOCHS, STAMPS, SECTIONS)
def test_a_cursor_comes_back_as_its_commit_and_sections(epoch, stamp, sections):
    assert position_of(cursor_of(epoch, stamp, sections), epoch, stamp) == Position(stamp, sections)


def test_a_cursor_from_before_there_were_sections_covers_none():
    assert position_of("BY-hIQAAAAAAAAAF", "k7Qd", 10) == Position(5, 0)


@given(STAMPS)
def test_a_cursor_of_another_epoch_is_no_longer_known(stamp):
    assert position_of(cursor_of("k7Qd", stamp), "k7Qe", stamp) is None


@given(st.integers(min_value=0, max_value=2**62))
def test_a_cursor_from_the_future_is_not_known(newest):
    assert position_of(cursor_of("k7Qd", newest + 1), "k7Qd", newest) is None
    assert position_of(cursor_of("k7Qd", newest), "k7Qd", newest) == Position(newest, 0)


@given(EPOCHS, STAMPS, SECTIONS)
def test_a_cursor_fits_its_place(epoch, stamp, sections):
    assert len(cursor_of(epoch, stamp, sections)) <= 64


@given(EPOCHS, st.tuples(STAMPS, STAMPS), st.tuples(SECTIONS, SECTIONS))
def test_different_positions_have_different_cursors(epoch, stamps, sections):
    a, b = zip(stamps, sections, strict=True)
    assert (cursor_of(epoch, *a) == cursor_of(epoch, *b)) == (a == b)


@pytest.mark.parametrize("text", ["", "A", "AAAA", "not a cursor", "ÄÖÜ", "=" * 16, "A" * 64, "\x00" * 16])
def test_what_is_no_cursor_is_refused_as_such(text):
    with pytest.raises(Refused) as refused:
        position_of(text, "k7Qd", 10)
    assert (refused.value.code, refused.value.retry) == ("bad_cursor", "after_sync")


@given(st.text(max_size=64))
def test_no_text_does_more_than_be_refused(text):
    for read in (lambda: position_of(text, "k7Qd", 10), lambda: More.unpack(text)):
        with suppress(Refused):
            read()


@given(MORES)
def test_a_continuation_comes_back_whole(more):
    assert More.unpack(more.pack()) == more


@pytest.mark.parametrize(
    "form",
    [
        (ALL - 1, 0, 0, 0, 0),
        (2**53, 0, 0, 0, 0),
        (0, 2**64 - 1, 0, 0, 0),
        (0, 0, 0, 2**64 - 1, 0),
        (0, 0, 0, 0, 2**64 - 1),
    ],
)
def test_a_continuation_that_nobody_gave_is_refused(form):
    with pytest.raises(Refused, match="bad_cursor"):
        More.unpack(More(*form, False, 0, 0, 0).pack())


@given(MORES)
def test_a_continuation_fits_its_place(more):
    assert len(more.pack()) <= 64


def test_a_cursor_is_no_continuation_and_the_other_way_round():
    more = More(ALL, 1, 0, 0, 0, False, 0, 0, 0)
    with pytest.raises(Refused):
        More.unpack(cursor_of("k7Qd", 1))
    with pytest.raises(Refused):
        position_of(more.pack(), "k7Qd", 1)


def test_a_list_of_users_goes_on_after_a_user():
    assert after_user(UNSET) == ""
    assert after_user("u-1@example.org") == "u-1@example.org"


@pytest.mark.parametrize("more", ["", "a b", "ä", "u" * 65, "u1\n"])
def test_a_list_of_users_goes_on_after_nothing_else(more):
    with pytest.raises(Refused) as refused:
        after_user(more)
    assert refused.value.code == "bad_cursor"
