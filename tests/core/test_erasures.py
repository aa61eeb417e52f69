from dataclasses import replace

import pytest

from chatd.core.accounts import Amend
from chatd.core.erasure_steps import Erase
from chatd.core.erasures import CHECKS_MS, Erasure, NoteErasure, Place, check_after
from chatd.core.event_feed import StoredEntry
from chatd.core.users import Account, Restriction
from chatd.protocol.errors import Refused
from tests.kit.memory_writer import MemoryWriter

DAY_MS = 86_400_000


@pytest.fixture
def writer():
    return MemoryWriter()


def ended(writer, **values):
    return replace(writer.erasures["ann"], **values)


def finish(writer):
    done = ended(writer, done=writer.now, receipt=(Place("events", 3, "emptied"),))
    writer.ask("", NoteErasure(done))


def test_it_is_checked_after_a_day_and_after_thirty():
    done = Erasure("ann", 5, done=10)
    assert check_after(done) == 10 + DAY_MS
    assert check_after(Erasure("ann", 5, done=10, checked=10 + DAY_MS)) == 10 + CHECKS_MS[-1]
    assert check_after(Erasure("ann", 5, done=10, checked=10 + 30 * DAY_MS)) == 0


def test_its_end_is_told_to_the_host_once(writer):
    writer.ask("", Erase("ann"))
    finish(writer)
    assert writer.writes.records_of(StoredEntry) == [
        StoredEntry("account", keys={"user": "ann", "change": "erased"})
    ]
    finish(writer)
    assert not writer.writes.records_of(StoredEntry)


def test_a_note_about_an_earlier_one_changes_nothing(writer):
    writer.ask("", Erase("ann"))
    late = ended(writer, asked=1, done=9)
    writer.ask("", NoteErasure(late))
    assert writer.erasures["ann"].done == 0


def test_the_host_opens_an_id_as_new_when_its_person_is_gone(writer):
    writer.accounts["ann"] = Account("ann", disabled=True, generation=7, restriction=Restriction("ban", 1))
    writer.ask("", Erase("ann"))
    with pytest.raises(Refused, match="conflict"):
        writer.ask("ann", Amend(name="Another"))
    finish(writer)
    writer.now += 1
    writer.ask("ann", Amend(name="Another"))
    account, erasure = writer.accounts["ann"], writer.erasures["ann"]
    assert (account.name, account.disabled, account.restriction) == ("Another", False, None)
    assert account.generation > 7, "an old token would be good again"
    assert (account.created_at, erasure.reopened, erasure.due) == (writer.now, writer.now, 0)
    writer.ask("ann", Amend(disabled=True))
    assert writer.accounts["ann"].disabled
