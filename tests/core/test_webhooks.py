import pytest

from chatd.core.event_feed import Position, position_of
from chatd.core.read_set import ReadSet, Rules
from chatd.core.webhooks import (
    Consumer,
    Parked,
    SaveConsumers,
    Unpark,
    Unparked,
    before,
    save_consumers,
    unpark,
)
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Refused


@pytest.mark.parametrize("place", [(7, 3), (7, 1), (7, 0), (1, 0), (0, 0)])
def test_an_entry_is_the_first_one_behind_the_cursor_before_it(place):
    epoch, found = position_of(before(f"e-p-{place[0]}-{place[1]}"))
    assert epoch == "e-p"
    assert found < Position(*place) or place == (0, 0)
    assert found.n == place[1] - 1 if place[1] else found.stamp == max(place[0] - 1, 0)


def test_what_is_no_id_of_an_entry_has_nothing_before_it():
    with pytest.raises(Refused):
        before("7-0")


def test_positions_and_parked_entries_are_stored_together():
    writes, consumer, parked = WriteSet(0, 1), Consumer("a", "e-1-0", b"{}"), Parked("a", "e-1-0", 500)
    save_consumers("", SaveConsumers((consumer,), (parked,)), writes, ReadSet(Rules(), {}))
    unpark("", Unpark("a", "e-0-0"), writes, ReadSet(Rules(), {}))
    assert [*writes.records_of(Consumer), *writes.records_of(Parked), *writes.records_of(Unparked)] == [
        consumer,
        parked,
        Unparked("a", "e-0-0"),
    ]
