"""Filters are kept whole, in order of their names, until they are deleted."""

from chatd.core.filters import DeletedFilter, Filter
from chatd.storage.interface import Store
from tests.kit.history_builder import HistoryBuilder


async def stored(builder: HistoryBuilder, *records: object) -> None:
    writes = builder.writes()
    writes.add(*records)
    await builder.commit(writes)


async def test_a_filter_is_kept_whole_replaced_by_its_name_and_deleted(
    store: Store, builder: HistoryBuilder
) -> None:
    mild = Filter("mild", "mask", "", ("darn", "\u50bb\u74dc"), (r"\bodd\b",))
    hate = Filter("hate", "reject", "hate_speech", tuple(f"word{number}" for number in range(50_000)))
    await stored(builder, mild, hate)
    assert await store.filters() == [hate, mild]
    less = Filter("hate", "flag", "", ("vile",))
    await stored(builder, less)
    assert await store.filters() == [less, mild]
    await stored(builder, DeletedFilter("hate"), DeletedFilter("none"))
    assert await store.filters() == [mild]
