"""Store: rooms and the audit as the host's API is shown them."""

from dataclasses import replace

from chatd.core.audit import Audit
from chatd.storage.interface import Store
from tests.kit.history_builder import HistoryBuilder

ENTRY = Audit("aaaaaaaa", "POST", "room", "r-1", "ann", time=1)


async def test_the_host_sees_every_room_that_was_not_deleted(store: Store, builder: HistoryBuilder) -> None:
    group = await builder.group("mia", "ann")
    await builder.post_many(group, "ann", 3)
    await builder.settings(group, title="Tea")
    direct = await builder.direct("ann", "bob")
    shown = await store.host_room(group.name)
    assert shown is not None
    assert (shown.title, shown.members, shown.seq, shown.ordinal) == ("Tea", 2, group.seq, 3)
    assert (shown.kind, shown.creator, shown.users, shown.public) == ("group", "mia", None, False)
    both = await store.host_room(direct.name)
    assert both is not None
    assert (both.kind, both.users) == ("direct", ("ann", "bob"))
    await builder.delete(group)
    assert await store.host_room(group.name) is None
    assert await store.host_room("g00000000000") is None


async def test_the_audit_is_read_backwards_by_target_and_by_whose_place(
    store: Store, builder: HistoryBuilder
) -> None:
    writes = builder.writes()
    writes.add(ENTRY, replace(ENTRY, acted_as=""), replace(ENTRY, target="other"))
    await builder.commit(writes)

    async def found(target: str = "", acted_as: str = "") -> list[tuple[str, str]]:
        entries = await store.audit(target, 2**53 - 1, 10, acted_as)
        assert [one.number for one in entries] == sorted((one.number for one in entries), reverse=True)
        return [(one.target, one.acted_as) for one in entries]

    assert await found() == [("other", "ann"), ("room", ""), ("room", "ann")]
    assert await found("room") == [("room", ""), ("room", "ann")]
    assert await found(acted_as="ann") == [("other", "ann"), ("room", "ann")]
    assert await found("room", "ann") == [("room", "ann")]
    assert await found("room", "bob") == []
    [last] = await store.audit("", 2, 10)
    assert last.number == 1
