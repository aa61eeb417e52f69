"""The unread number against a model that counts (protocol.md 2.3), over random histories."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.core.rooms import Room
from chatd.ports import Store, SyncQuery
from chatd.protocol.codec import decode_event
from tests.kit.adapters import STORES
from tests.kit.chronicle import Chronicle

USERS = ("ann", "bob", "eve")
MANY = 10_000_000

user = st.sampled_from(USERS)
message = st.tuples(
    st.just("say"), user, st.booleans(), st.sets(st.sampled_from((*USERS, "*")), max_size=2).map(tuple)
)
reading = st.tuples(st.just("read"), user, st.integers(1, 40))
recalling = st.tuples(st.just("recall"), st.integers(1, 40))
histories = st.lists(st.one_of(message, message, reading, recalling), max_size=25)


class Model:
    """Who read how far, and every countable message: unread is counted, never kept."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, str, tuple[str, ...]]] = []
        self.read = dict.fromkeys(USERS, 0)

    def unread(self, user: str) -> int:
        return sum(seq > self.read[user] and author != user for seq, author, _ in self.messages)

    def mentions(self, user: str) -> int:
        return sum(
            seq > self.read[user] and author != user and (user in named or "*" in named)
            for seq, author, named in self.messages
        )


async def live(chronicle: Chronicle, room: Room, model: Model, step: tuple[object, ...]) -> None:
    match step:
        case ("say", str(author), bool(silent), tuple(named)):
            named = tuple(name for name in named if name != author)
            event = await chronicle.post(room, author, silent=silent, mentions=() if silent else named)
            if not silent:
                model.messages.append((event.seq, author, named))
        case ("read", str(reader), int(seq)):
            seq = min(seq, room.seq)
            if seq > model.read[reader]:
                model.read[reader] = seq
                await chronicle.read(room, reader, seq)
        case ("recall", int(number)):
            if any(seq == number for seq, _, _ in model.messages):
                await chronicle.recall(room, "ann", number)


async def check(store: Store, room: Room, model: Model) -> None:
    for name in USERS:
        rows = await store.sync(SyncQuery(name, None, 10))
        (summary,) = rows.rooms
        assert (summary.unread, summary.unread_mentions) == (model.unread(name), model.mentions(name))
        assert rows.totals is not None
        assert (rows.totals.unread, rows.totals.mentions) == (summary.unread, summary.unread_mentions)
        place = (room.number, name, model.read[name])
        tail = (await store.tails([place]))[place]
        assert tail.own == sum(s > model.read[name] and a == name for s, a, _ in model.messages)
        assert tail.ordinal == sum(s <= model.read[name] for s, _, _ in model.messages)
        assert tail.mentions == model.mentions(name)
    log = [decode_event(blob).seq for blob in (await store.log(room.number, 1, room.seq, 1000, MANY)).events]
    assert log == list(range(1, room.seq + 1))


@settings(max_examples=40, deadline=None)
@given(steps=histories)
async def test_unread_is_what_a_recount_says_after_any_history(steps: list[tuple[object, ...]]) -> None:
    for make in STORES.values():
        with TemporaryDirectory() as directory:
            store = await make(Path(directory) / "store")
            try:
                chronicle, model = Chronicle(store), Model()
                room = await chronicle.group(*USERS)
                for step in steps:
                    await live(chronicle, room, model, step)
                await check(store, room, model)
            finally:
                await store.close()
