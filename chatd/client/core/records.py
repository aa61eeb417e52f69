"""The rows of the storage: a table, a key in it, and a value; pure."""

from typing import Any, NamedTuple

Tables = dict[str, dict[str, Any]]


class Record(NamedTuple):
    """One change: `value` None deletes. Values are what MessagePack can hold."""

    table: str
    key: str
    value: object


def put(tables: Tables, record: Record) -> None:
    """Apply one record."""
    table = tables.setdefault(record.table, {})
    if record.value is None:
        table.pop(record.key, None)
    else:
        table[record.key] = record.value
