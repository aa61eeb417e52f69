"""The audit: an entry is stored with what was decided, and of a refusal nothing is."""

from chatd.core.accounts import Amend
from chatd.core.audit import Audit, ForgetAudit, ForgottenAudit, NoteAccess
from chatd.core.read_set import ReadSet, Rules
from chatd.core.users import Account
from chatd.core.write_set import WriteSet
from chatd.writer.submission import Submission
from chatd.writer.writer import decide

ENTRY = Audit("aaaaaaaa", "PUT /v1/users/{user}", "ann", "r-1")
NOW = 1_763_900_000_000


def decided(request: object) -> WriteSet:
    writes = WriteSet(now=NOW, stamp=1)
    decide(Submission("ann", request, audit=ENTRY), writes, ReadSet(Rules(), {}))
    return writes


def test_an_entry_has_the_time_of_its_commit():
    writes = decided(Amend(name="Ann"))
    assert len(writes.records_of(Account)) == 1
    [entry] = writes.records_of(Audit)
    assert (entry.key, entry.target, entry.time) == ("aaaaaaaa", "ann", NOW)


def test_a_refusal_leaves_nothing():
    assert decided(Amend(name="Ann", existing=True)).empty


def test_a_read_stores_its_entry_alone():
    assert decided(NoteAccess()).records.keys() == {Audit}


def test_old_entries_are_forgotten_by_time():
    assert decided(ForgetAudit(7)).records_of(ForgottenAudit) == [ForgottenAudit(7)]
