"""The rows of the storage."""

from chatd.client.core.records import Record, put


def test_a_later_record_replaces_and_none_deletes():
    tables = {}
    for record in [
        Record("rooms", "a", 1),
        Record("rooms", "b", 1),
        Record("rooms", "a", 2),
        Record("rooms", "b", None),
    ]:
        put(tables, record)
    assert tables == {"rooms": {"a": 2}}


def test_deleting_what_is_not_there_is_nothing():
    tables = {}
    put(tables, Record("outbox", "k", None))
    assert tables == {"outbox": {}}
