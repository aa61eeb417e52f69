"""Histories of a few rooms in a store, with all that their unread numbers, their badge and their list depend on."""

from shutil import copytree
from typing import Any

import pytest
from hypothesis import strategies as st

from chatd.core.push_preferences import PREFERENCES
from chatd.core.room import ACCEPTED, DECLINED, POLICY, REQUEST, Room
from chatd.core.sections import ACCOUNT, ChangedRow
from chatd.protocol.codec import encode
from chatd.protocol.preferences import PreferencesRow
from chatd.protocol.push import PushPreferences
from chatd.storage.interface import Store
from tests.kit.adapters import STORES
from tests.kit.attention import attention
from tests.kit.env import START_MS
from tests.kit.history_builder import HistoryBuilder

USERS = ("ann", "bob", "eve")
# Rooms: two direct ones, of which nobody writes in one; a group of two and one of three.
ROOMS = (("ann", "bob"), ("bob", "eve"), ("ann", "bob"), USERS)
DIRECT = 2
MEMBERS_ALL = 2
# A mute that ends in the middle of the history.
SOON = START_MS + 20_000

levels = st.sampled_from(("all", "mentions", "none"))
user, place = st.sampled_from(USERS), st.integers(0, len(ROOMS) - 1)
saying = st.tuples(
    st.just("say"), place, user, st.booleans(), st.sets(st.sampled_from((*USERS, "*")), max_size=2)
)
reading = st.tuples(st.just("read"), place, user, st.integers(1, 12))
preferring = st.tuples(
    st.just("prefer"),
    place,
    user,
    st.one_of(
        st.fixed_dictionaries({"notify": st.sampled_from(("all", "mentions", "none", ""))}),
        st.fixed_dictionaries({"muted_until": st.sampled_from((0, 1, SOON))}),
        st.fixed_dictionaries({"hidden": st.integers(0, 9)}),
        st.fixed_dictionaries({"folder": st.integers(0, 2)}),
        st.fixed_dictionaries({"unread_mark": st.booleans()}),
        st.fixed_dictionaries({"standing": st.sampled_from((POLICY, ACCEPTED, REQUEST, DECLINED))}),
    ),
)
choosing = st.tuples(st.just("choose"), user, levels, levels)
purging = st.tuples(st.just("purge"), place, st.integers(1, 12), st.integers(1, 12))
leaving = st.tuples(st.just("leave"), user)
histories = st.lists(st.one_of(saying, saying, reading, preferring, choosing, purging, leaving), max_size=25)


class History:
    """The rooms of a history, and what each user chose in it."""

    def __init__(self, builder: HistoryBuilder, rooms: list[Room]) -> None:
        self.builder, self.rooms = builder, rooms
        self.chosen: dict[str, PushPreferences] = {}

    async def add(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("say", int(at), str(author), bool(silent), set(named)) if author in self.rooms[at].members:
                mentions = tuple(
                    name for name in named if name != author and (name == "*" or self.is_in(at, name))
                )
                await self.builder.post(
                    self.rooms[at], author, silent=silent, mentions=() if silent else mentions
                )
            case ("read", int(at), str(reader), int(seq)) if self.is_in(at, reader):
                seq = min(seq, self.rooms[at].seq)
                if seq > self.rooms[at].members[reader].read:
                    await self.builder.read(self.rooms[at], reader, seq)
            case ("prefer", int(at), str(member), dict(wanted)) if self.is_in(at, member):
                # Standings are of direct rooms.
                if at < DIRECT or "standing" not in wanted:
                    await self.builder.prefer(self.rooms[at], member, **wanted)
            case ("choose", str(chooser), messages, groups):
                self.chosen[chooser] = PushPreferences(messages=messages, groups=groups)
                writes = self.builder.writes()
                row = encode(PreferencesRow(push=self.chosen[chooser]))
                writes.add(ChangedRow(chooser, ACCOUNT, PREFERENCES, row))
                await self.builder.commit(writes)
            case ("purge", int(at), int(one), int(other)):
                # Of groups the beginning goes.
                low, high = sorted((one, other)) if at < DIRECT else (1, other)
                await self.builder.purge(self.rooms[at], low, min(high, self.rooms[at].seq))
            case ("leave", str(leaver)) if self.is_in(len(ROOMS) - 1, leaver):
                await self.builder.leave(self.rooms[-1], leaver)

    @classmethod
    async def begin(cls, store: Store) -> "History":
        """Make the rooms."""
        builder = HistoryBuilder(store)
        rooms = [await builder.direct(*users) for users in ROOMS[:DIRECT]]
        rooms += [await builder.group(*users) for users in ROOMS[DIRECT:]]
        return cls(builder, rooms)

    def is_in(self, at: int, name: str) -> bool:
        return name in self.rooms[at].members

    def share(self, room: Room, name: str) -> int:
        """The share of a room in the badge of a user, as the rule of core says."""
        member = room.member(name)
        if member is None:
            return 0
        chosen = self.chosen.get(name, PushPreferences())
        asked = attention(room, member, chosen, MEMBERS_ALL, self.builder.now)
        return asked.badge(member.unread(room.ordinal, room.purged_ordinal), member.mentions)

    def badge(self, name: str) -> int:
        return sum(self.share(room, name) for room in self.rooms)


async def new_store(name: str, places: pytest.TempPathFactory) -> Store:
    """Open an empty store. One is made and copied, because to make one takes longer than a history."""
    empty = places.getbasetemp() / f"empty-{name}"
    if not empty.exists():
        await (await STORES[name](empty)).close()
    place = places.mktemp("badge") / "store"
    copytree(empty, place)
    return await STORES[name](place)
