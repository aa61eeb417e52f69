"""The unread number against a model that counts (protocol.md "Unread"), over random histories."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.core.read_set import UnreadSpan
from chatd.core.room import Room
from chatd.core.sync_query import SyncQuery
from chatd.core.unread_counts import UNCOUNTED_EVENTS_MAX, count
from chatd.core.write_set import NewEvent
from chatd.protocol.codec import decode_event
from chatd.protocol.messages import Event
from chatd.storage.interface import Store
from tests.kit.adapters import STORES
from tests.kit.history_builder import HistoryBuilder

USERS = ("ann", "bob", "eve")
MANY = 10_000_000

user = st.sampled_from(USERS)
message = st.tuples(
    st.just("say"), user, st.booleans(), st.sets(st.sampled_from((*USERS, "*")), max_size=2).map(tuple)
)
reading = st.tuples(st.just("read"), user, st.integers(1, 40))
purging = st.tuples(st.just("purge"), st.integers(1, 12))
blocking = st.tuples(st.just("block"), user, user, st.booleans())
recalling = st.tuples(st.just("recall"), st.integers(1, 40))
histories = st.lists(st.one_of(message, message, reading, recalling, blocking, purging), max_size=25)


class Model:
    """A model of read positions and countable messages: unread is counted, never kept."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, str, tuple[str, ...]]] = []
        # By user: the messages that came while they blocked the author.
        self.ignored: dict[str, set[int]] = {name: set() for name in USERS}
        self.blocks: set[tuple[str, str]] = set()
        self.purged = 0
        self.read = dict.fromkeys(USERS, 0)

    def within(self, room: Room, span: UnreadSpan) -> list[NewEvent]:
        """The countable messages in a span, as a batch has them."""
        return [
            NewEvent(
                room,
                Event(seq=seq, kind="message", user=author, ordinal=1),
                b"",
                mentions=named,
                ignored=tuple(name for name in USERS if seq in self.ignored[name]),
            )
            for seq, author, named in self.messages
            if span.low < seq <= span.high
        ]

    def is_own(self, user: str, seq: int, author: str) -> bool:
        return author == user or seq in self.ignored[user]

    def unread(self, user: str) -> int:
        return sum(seq > self.read[user] and not self.is_own(user, seq, a) for seq, a, _ in self.messages)

    def mentions(self, user: str) -> int:
        return sum(
            seq > self.read[user] and not self.is_own(user, seq, author) and (user in named or "*" in named)
            for seq, author, named in self.messages
        )


async def live(builder: HistoryBuilder, room: Room, model: Model, step: tuple[object, ...]) -> None:
    match step:
        case ("say", str(author), bool(silent), tuple(named)):
            named = tuple(name for name in named if name != author)
            event = await builder.post(room, author, silent=silent, mentions=() if silent else named)
            if not silent:
                model.messages.append((event.seq, author, named))
                for blocker in room.ignored_by.get(author, ()):
                    model.ignored[blocker].add(event.seq)
        case ("block", str(blocker), str(author), bool(blocks)) if blocker != author:
            (model.blocks.add if blocks else model.blocks.discard)((blocker, author))
            room.ignored_by = {
                name: tuple(by for by, whom in sorted(model.blocks) if whom == name) for name in USERS
            }
        case ("read", str(reader), int(seq)):
            seq = min(seq, room.seq)
            if seq > model.read[reader]:
                model.read[reader] = seq
                await builder.read(room, reader, seq)
        case ("purge", int(high)):
            model.purged = max(model.purged, min(high, room.seq))
            model.messages = [said for said in model.messages if said[0] > model.purged]
            await builder.purge(room, 1, model.purged)
        case ("recall", int(number)):
            if any(seq == number for seq, _, _ in model.messages):
                await builder.recall(room, "ann", number)


async def check(store: Store, room: Room, model: Model) -> None:
    for name in USERS:
        rows = await store.sync(SyncQuery(name, None, 10))
        (summary,) = rows.rooms
        assert (summary.unread, summary.unread_mentions) == (model.unread(name), model.mentions(name))
        assert rows.totals is not None
        assert (rows.totals.unread, rows.totals.mentions) == (summary.unread, summary.unread_mentions)
        passed = UnreadSpan(room.number, name, 0, model.read[name])
        left = UnreadSpan(room.number, name, model.read[name], room.seq)
        counted = await store.counted([passed, left])
        assert counted == {span: count(model.within(room, span), name) for span in counted}
        own = sum(s > model.read[name] and model.is_own(name, s, a) for s, a, _ in model.messages)
        assert counted[left] == (model.unread(name) + own, own, model.mentions(name))
        assert counted[passed].messages == len(model.messages) - counted[left].messages
    loaded = (await store.load_rooms([room.name]))[room.name]
    for name in USERS:
        assert loaded.members[name] == room.members[name]
    assert (loaded.uncounted, loaded.uncounted_by) == (room.uncounted, room.uncounted_by)
    log = [decode_event(blob).seq for blob in (await store.log(room.number, 1, room.seq, 1000, MANY)).events]
    assert log == list(range(model.purged + 1, room.seq + 1))


@settings(max_examples=40)
@given(steps=histories)
async def test_unread_is_what_a_recount_says_after_any_history(steps: list[tuple[object, ...]]) -> None:
    for make in STORES.values():
        with TemporaryDirectory() as directory:
            store = await make(Path(directory) / "store")
            try:
                builder, model = HistoryBuilder(store), Model()
                room = await builder.group(*USERS)
                for step in steps:
                    await live(builder, room, model, step)
                await check(store, room, model)
            finally:
                await store.close()


async def unread(store: Store, user: str) -> tuple[int, int]:
    """Return the numbers of the one room of a user, and the total."""
    rows = await store.sync(SyncQuery(user, None, 10))
    assert rows.totals is not None
    return rows.rooms[0].unread, rows.totals.unread


async def test_own_messages_are_not_unread_however_many_there_are(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group(*USERS)
    for said in range(1, 2 * UNCOUNTED_EVENTS_MAX + 2):
        await builder.post(room, "ann")
        assert await unread(store, "ann") == (0, 0)
        assert await unread(store, "bob") == (said, said)


async def test_the_row_of_an_author_is_written_once_for_many_messages(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group(*USERS)
    for _ in range(UNCOUNTED_EVENTS_MAX - 1):
        await builder.post(room, "ann")
        assert room.uncounted == 2
    await builder.post(room, "bob")
    assert (room.uncounted, room.uncounted_by) == (0, frozenset())
    loaded = (await store.load_rooms([room.name]))[room.name]
    counts = [loaded.members[name].own_unread for name in USERS]
    assert counts == [UNCOUNTED_EVENTS_MAX - 1, 1, 0]


async def test_counting_the_messages_of_an_author_is_no_news(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group(*USERS)
    await builder.post(room, "ann")
    seen = store.stamp
    await builder.read(room, "bob", 2)
    assert room.uncounted == 0
    assert [(await store.sync(SyncQuery(name, seen, 10))).rooms for name in ("ann", "eve")] == [[], []]
    assert await unread(store, "ann") == (0, 0)


async def test_an_ignored_message_is_unread_for_all_but_who_ignores_it(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group(*USERS)
    await builder.post(room, "ann")
    room.ignored_by = {"ann": ("bob",)}
    await builder.post(room, "ann")
    assert [await unread(store, name) for name in USERS] == [(0, 0), (1, 1), (2, 2)]
    loaded = (await store.load_rooms([room.name]))[room.name]
    assert [loaded.members[name].own_unread for name in USERS] == [2, 1, 0]
