import pytest
from msgspec import msgpack

from chatd.core.contacts import Contact, State, Tally, numbers, put, row_of, shown
from chatd.core.read_set import ReadSet, Rules
from chatd.core.sections import ChangedRow
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.friends import ContactRow

ANN_OF_BOB = Contact("ann", "bob", State.FRIEND, since=5, stamp=3)


@pytest.fixture
def reads():
    reads = ReadSet(Rules(), {})
    reads.records_of(Contact)["ann", "bob"] = ANN_OF_BOB
    reads.records_of(Tally)["ann"] = Tally(friends=1, rows=1)
    return reads


@pytest.fixture
def writes():
    return WriteSet(now=9, stamp=4)


@pytest.mark.parametrize(
    ("contact", "seen"),
    [
        (Contact("ann", "bob"), None),
        (Contact("ann", "bob", State.DECLINED, note="secret", via="x", since=1, expires=2, stamp=3), None),
        (Contact("ann", "bob", quiet=1, tries=1, expires=1, known=True), None),
        (Contact("ann", "bob", State.DECLINED, since=1, expires=2, remark="Rob"), {"remark": "Rob"}),
        (Contact("ann", "bob", blocked=True, quiet=7), {"blocked": True}),
        (
            Contact(
                "ann", "bob", State.RECEIVED, note="hi", via="x", since=1, expires=2, tries=3, known=True
            ),
            {"state": "received", "since": 1, "expires_at": 2, "note": "hi", "via": "x"},
        ),
        (
            Contact("ann", "bob", State.FRIEND, circles=0b110, via="x", since=1, following=True),
            {"state": "friend", "since": 1, "via": "x", "circles": [1, 2], "following": True},
        ),
    ],
)
def test_the_owner_sees_what_they_may(contact, seen):
    """Neither a decline nor a quiet time, nor what waits under them."""
    value = shown(contact)
    assert (None if value is None else msgpack.decode(encode(value))) == seen
    assert row_of(contact).user == "bob"


def test_a_change_that_its_owner_sees_is_stamped_and_told(reads, writes):
    changed = put(Contact("ann", "bob", stamp=3), writes, reads)
    assert changed.stamp == 4
    assert writes.records_of(Contact) == [changed]
    assert [row.value for row in writes.records_of(ChangedRow)] == [None]
    assert row_of(changed) == ContactRow(user="bob", stamp=4)
    assert reads.records_of(Tally)["ann"] == Tally(friends=0, rows=1)


def test_a_change_that_they_do_not_see_is_stored_only(reads, writes):
    changed = put(Contact("ann", "bob", State.FRIEND, since=5, quiet=8, stamp=3), writes, reads)
    assert changed.stamp == 3
    assert writes.records_of(Contact) == [changed]
    assert not writes.records_of(ChangedRow)


def test_what_is_as_it_was_is_not_stored(reads, writes):
    assert put(ANN_OF_BOB, writes, reads) == ANN_OF_BOB
    assert writes.empty


def test_a_row_stays_as_long_as_somebody_saw_it_or_time_changes_it():
    assert not Contact("ann", "bob").matters
    assert Contact("ann", "bob", stamp=1).matters
    assert Contact("ann", "bob", expires=1, quiet=1, tries=1).matters
    assert [*numbers(0)] == []
