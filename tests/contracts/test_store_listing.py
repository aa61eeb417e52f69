"""The list of whoever comes back with a cursor against that of whoever stayed, over random histories of direct rooms
(protocol.md "Direct rooms and message requests").
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.core.read_set import PeopleRules
from chatd.core.room import Room, Standing
from chatd.core.room_steps import RoomListed, RoomUnlisted
from chatd.core.standings import befriend, stand, turn_away, unfriend
from chatd.core.sync_query import SyncQuery
from chatd.core.write_set import WriteSet
from chatd.storage.interface import Store
from tests.kit.adapters import STORES
from tests.kit.history_builder import HistoryBuilder

USERS = ("ann", "bob")
RULES = PeopleRules(enabled=True)

user = st.sampled_from(USERS)
steps = st.one_of(
    st.tuples(st.sampled_from(("unfriend", "befriend", "host")), user),
    st.tuples(st.sampled_from(("say", "ask", "accept", "decline", "prefer")), user),
)
histories = st.lists(steps, max_size=8)


class Lists:
    """What each user has in their list after each commit, as who stays connected is told; and what they ever had."""

    def __init__(self, builder: HistoryBuilder, room: Room) -> None:
        self.builder, self.room = builder, room
        self.now = {name: room.is_listed(room.members[name]) for name in USERS}
        self.known = {name for name in USERS if self.now[name]}
        self.before = [(builder.store.stamp, dict(self.now))]

    async def live(self, what: str, who: str) -> None:
        writes = self.builder.writes()
        self.decide(what, who, writes)
        for step in writes.steps.get(self.room.number, ()):
            if isinstance(step, RoomListed | RoomUnlisted):
                self.now[step.user] = isinstance(step, RoomListed)
        await self.builder.commit(writes)
        # Who declined was shown what they were asked.
        self.known |= {name for name, listed in self.now.items() if listed}
        self.known |= set(self.room.standing_at(Standing.REQUEST, Standing.DECLINED))
        self.before.append((self.builder.store.stamp, dict(self.now)))

    def decide(self, what: str, who: str, writes: WriteSet) -> None:
        room, other = self.room, self.room.members[self.room.peer(who)]
        match what:
            case "unfriend":
                unfriend(room, writes)
            case "befriend":
                befriend(room, writes)
            case "host":
                for name in USERS:
                    stand(room, name, Standing.ACCEPTED, writes)
            case "accept" if room.members[who].standing > Standing.ACCEPTED:
                stand(room, who, Standing.ACCEPTED, writes)
            case "decline":
                turn_away(room, who, writes)
            case "prefer":
                member = writes.touch_member(room, who)
                member.pinned = not member.pinned
            case "say" | "ask":
                # As `note_sent` has it.
                if what == "ask" and other.standing == Standing.POLICY:
                    stand(room, other.user, Standing.REQUEST, writes)
                elif not room.is_listed(other) and other.standing == Standing.POLICY:
                    writes.list_room(room, other.user)
                stand(room, who, Standing.ACCEPTED, writes)
                self.builder.say(writes, room, who)


async def compare(store: Store, lists: Lists) -> None:
    for name in USERS:
        for since, had in lists.before:
            page = await store.sync(SyncQuery(name, since, 50, people=RULES))
            listed = (had[name] and not page.gone) or bool(page.rooms)
            assert listed == lists.now[name], (name, since)
            assert not page.gone or name in lists.known, "a room that they never had is not named"


@settings(max_examples=30)
@given(history=histories, opened_by_host=st.booleans())
async def test_who_comes_back_has_the_list_of_who_stayed(
    history: list[tuple[str, str]], opened_by_host: bool
) -> None:
    for make in STORES.values():
        with TemporaryDirectory() as directory:
            store = await make(Path(directory) / "data")
            try:
                builder = HistoryBuilder(store)
                room = await builder.direct(*USERS)
                if not opened_by_host:
                    writes = builder.writes()
                    writes.touch_member(room, "bob").standing = Standing.POLICY
                    await builder.commit(writes)
                lists = Lists(builder, room)
                for what, who in history:
                    await lists.live(what, who)
                await compare(store, lists)
            finally:
                await store.close()
