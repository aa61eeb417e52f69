"""The queries of a store give the same answers as the rules of core, after any history."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from chatd.core.room import Room
from chatd.core.room_summary import receipt_of, summary_of
from chatd.core.sync_query import SyncQuery
from chatd.core.users import Account
from chatd.core.visibility import ShownTo, marks_shown
from chatd.protocol.codec import decode_event
from chatd.storage.interface import Store
from tests.kit.adapters import STORES
from tests.kit.history_builder import HistoryBuilder

USERS = ("ann", "bob", "eve")
SHOWN_TO: tuple[ShownTo, ...] = ("known", "members", "nobody")

user = st.sampled_from(USERS)
flags = st.fixed_dictionaries({}, optional={"pinned": st.booleans(), "hidden": st.booleans()})
settings_ = st.fixed_dictionaries(
    {}, optional={"title": st.text(max_size=5), "public": st.booleans(), "data": st.just({"x": b"\x00"})}
)
step = st.one_of(
    st.tuples(st.just("say"), user, st.booleans()),
    st.tuples(st.just("read"), user, st.integers(1, 20)),
    st.tuples(st.just("receive"), user, st.integers(1, 20)),
    st.tuples(st.just("prefer"), user, flags),
    st.tuples(st.just("update"), user, settings_),
    st.tuples(st.just("show"), user, st.booleans()),
    st.tuples(st.just("move"), user, st.none()),
)
histories = st.lists(step, max_size=20)

FULL: list[tuple[str, str, object]] = [
    ("say", "ann", False),
    ("say", "bob", True),
    ("show", "bob", False),
    ("read", "bob", 2),
    ("read", "ann", 3),
    ("update", "ann", {"title": "t"}),
    ("move", "eve", None),
]


class Story:
    """One room, direct when only two are in it, and the accounts of who was ever there."""

    def __init__(self, builder: HistoryBuilder, room: Room) -> None:
        self.builder = builder
        self.room = room
        self.accounts: dict[str, Account] = {}

    async def go_on(self, what: str, user: str, value: object) -> None:
        """One step; none for who is not there, or where a direct room has no such step."""
        room, builder = self.room, self.builder
        member = room.member(user)
        match what, value:
            case "show", bool(shown):
                await self.show(user, shown)
            case "move", None if not room.direct and user != room.creator:
                await (builder.join if member is None else builder.leave)(room, user)
            case "update", dict(changed) if not room.direct:
                await builder.settings(room, **changed)
            case "say", bool(silent) if member is not None:
                await builder.post(room, user, silent=silent)
            case "read", int(seq) if member is not None and member.read < seq <= room.seq:
                await builder.read(room, user, seq)
            case "receive", int(seq) if member is not None and member.delivered < seq <= room.seq:
                await builder.prefer(room, user, delivered=seq)
            case "prefer", dict(flags) if member is not None:
                await builder.prefer(room, user, **flags)

    async def show(self, user: str, receipts: bool) -> None:
        """Have an account show receipts or not, and memory follow as after any commit."""
        self.accounts[user] = replace(self.accounts.get(user) or Account(user), receipts=receipts)
        writes = self.builder.writes()
        writes.add(self.accounts[user])
        await self.builder.commit(writes)
        if (known := self.room.known(user)) is not None:
            known.receipts = receipts

    def shows(self, user: str) -> bool:
        return user not in self.accounts or self.accounts[user].receipts


async def check_summaries(store: Store, room: Room) -> None:
    (loaded,) = (await store.load_rooms([room.name])).values()
    for one in room.users:
        for shown_to in SHOWN_TO:
            rows = await store.sync(SyncQuery(one, None, 10, shown_to=shown_to))
            assert rows.rooms == [summary_of(room, room.members[one], shown_to)]
            assert rows.rooms == [summary_of(loaded, loaded.members[one], shown_to)]


async def check_readers(store: Store, room: Room) -> None:
    """The readers of a message are those who could see it, read up to it and show receipts."""
    for seq in range(1, room.seq + 1):
        rows, count = await store.readers(room.number, seq, after="", limit=10)
        receipts = [receipt_of(member) for member in room.showing_receipts(but="")]
        shown = [one for one in receipts if one.first_visible <= seq and one.read is not UNSET]
        expected = sorted(
            (one.user, one.read) for one in shown if isinstance(one.read, int) and one.read >= seq
        )
        assert ([(row.user, row.read) for row in rows], count) == (expected, len(expected))


async def check_watchable(store: Store, room: Room) -> None:
    """A user may watch those who share a room in which the marks of both are shown."""
    for one in room.users:
        for shown_to in ("known", "members"):
            answered = shown_to == "known"
            shown = marks_shown(shown_to, direct=room.direct, written=room.written)
            expected = {other for other in room.users if shown}
            assert await store.watchable(one, USERS, answered=answered) == expected


async def check_previews(store: Store, room: Room) -> None:
    """The preview is the newest message, to those who may see it."""
    page = await store.history(room.number, 1, room.seq, 1, 100_000, newest=True)
    newest = [decode_event(blob).seq for blob in page.events]
    for one in room.users:
        (summary,) = (await store.sync(SyncQuery(one, None, 10, previews=True))).rooms
        expected = [seq for seq in newest if seq >= room.members[one].first_visible]
        shown = [] if summary.preview is UNSET else [decode_event(summary.preview).seq]
        assert shown == expected


# A shorter history says no more than a long one, and looking for it takes longer than the test.
@settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.generate])
@example(steps=FULL, direct=False)
@example(steps=FULL[:-1], direct=True)
@given(steps=histories, direct=st.booleans())
async def test_a_store_answers_by_the_rules_of_core(
    steps: list[tuple[str, str, object]], direct: bool
) -> None:
    for make in STORES.values():
        with TemporaryDirectory() as directory:
            store = await make(Path(directory) / "store")
            try:
                builder = HistoryBuilder(store)
                room = await (builder.direct("ann", "bob") if direct else builder.group("ann", "bob"))
                story = Story(builder, room)
                for what, who, value in steps:
                    await story.go_on(what, who, value)
                    for member in room.members.values():
                        member.receipts = story.shows(member.user)
                for check in (check_summaries, check_readers, check_watchable, check_previews):
                    await check(store, room)
            finally:
                await store.close()
