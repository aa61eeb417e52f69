"""The badge that a store counts against the rule of core, over random histories."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from chatd.core.sync_query import BadgeRule, SyncQuery
from chatd.storage.interface import Store
from tests.kit.adapters import STORES
from tests.kit.history_builder import HistoryBuilder
from tests.kit.listed_rooms import MEMBERS_ALL, USERS, History, histories, new_store


async def check(store: Store, history: History) -> None:
    for name in USERS:
        rule = BadgeRule(history.builder.now, MEMBERS_ALL)
        rows = await store.sync(SyncQuery(name, None, 10, badge=rule))
        assert rows.totals is not None
        assert rows.totals.badge == history.badge(name), name


@settings(max_examples=60)
@given(steps=histories, notify=st.sampled_from(("all", "")))
async def test_the_badge_is_that_of_the_rule_after_any_history(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, ...]], notify: str
) -> None:
    for name in STORES:
        store = await new_store(name, tmp_path_factory)
        try:
            history = await History.begin(store)
            await history.add(("say", 0, "ann", False, set()))
            await history.add(("prefer", 3, "bob", {"notify": notify}))
            for named in ({"bob"}, set()):
                await history.add(("say", 3, "eve", False, named))
            for step in steps:
                await history.add(step)
            await check(store, history)
        finally:
            await store.close()


async def test_totals_without_push_have_no_badge(store: Store, builder: HistoryBuilder) -> None:
    await builder.group(*USERS)
    rows = await store.sync(SyncQuery("ann", None, 10))
    assert rows.totals is not None
    assert rows.totals.badge is UNSET
