"""The rooms of requests that are about to be judged, and whether their users may ask that there.

The host app is shown nothing that the decision would refuse whatever the host app says.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from chatd.core.allowances import Allowances
from chatd.core.decisions import Decide
from chatd.core.entering import joined
from chatd.core.joining import Join
from chatd.core.messages import check_editable
from chatd.core.own_view import view_of
from chatd.core.read_set import ReadSet, Rules
from chatd.core.rehearsal import rehearse
from chatd.core.restrictions import check_account
from chatd.core.room import Room
from chatd.core.scheduled import SendScheduled
from chatd.core.screening import check_allowed
from chatd.core.write_set import Message, WriteSet
from chatd.env import Env
from chatd.protocol.errors import Refused
from chatd.protocol.members import RoomJoin
from chatd.protocol.messages import Edit
from chatd.storage.interface import DecisionStore, UserStore
from chatd.writer.read_set_loader import ReadSetLoader
from chatd.writer.submission import Submission


class ScreeningStore(DecisionStore, UserStore, Protocol):
    """The reads of screening: who is in which room, and accounts."""


class JudgedRooms:
    """The look at a room before anybody is asked about a request. The decision looks again."""

    def __init__(
        self,
        loader: ReadSetLoader,
        store: ScreeningStore,
        env: Env,
        allowances: Allowances,
        decisions: Mapping[type, Decide],
    ) -> None:
        self._loader = loader
        self.rooms = loader.rooms
        self.store = store
        self._env = env
        self._allowances = allowances
        self._decisions = decisions

    async def of(self, user: str, request: Any, edit_window_ms: int) -> Room | None:
        """Return the room that a request names, in which `user` may do that now; None when it names none. Raises
        Refused.
        """
        if not getattr(request, "room", ""):
            reads = await self._loader.load([Submission(user, request)], known_keys=True)
            rehearse(self._decisions[type(request)], user, request, reads, self._env.now_ms())
            return None
        if isinstance(request, SendScheduled) and (account := await self.store.account(user)) is not None:
            check_account(account, request, self._env.now_ms())
        room = await self._allowed(user, request)
        if isinstance(request, RoomJoin):
            reads = ReadSet(Rules(), self.rooms.cache.rooms)
            await self._read_join(room, user, reads)
            room = await self._allowed(user, request)
            joined(room, user, WriteSet(self._env.now_ms(), 0), reads)
        if isinstance(request, Edit):
            place = room.number, request.target
            event = (await self.store.messages_at([place])).get(place)
            room = await self._allowed(user, request)
            if event is None or not view_of(room.members[user]).shows(request.target):
                raise Refused("not_found", "no such message", field="target")
            check_editable(Message(room, event), user, self._env.now_ms(), edit_window_ms)
        return room

    async def _read_join(self, room: Room, user: str, reads: ReadSet) -> None:
        for join in await self.store.joining.joins([(room.number, user)]):
            reads.records_of(Join)[join.room, join.user] = join
        if room.details.channel:
            # Who follows it enters the group of its comments.
            await self.rooms.of(user, room.details.channel)

    async def _allowed(self, user: str, request: Any) -> Room:
        room = await self.rooms.of(user, request.room, joins=isinstance(request, RoomJoin))
        number = 0 if room is None else room.number
        since_s = self._allowances.since_s((number, user), self._env.monotonic())
        check_allowed(user, request, room, self._env.now_ms(), since_s)
        if room is None:
            raise Refused("not_found", "no such room")
        return room
