"""Out of the room, out of sight: after departures, watches are looked at again (protocol.md "presence")."""

import asyncio
from collections.abc import Callable

from chatd.core.work import Departure, Work
from chatd.ports import Presence, Present, Store
from chatd.protocol.errors import ChatError


class Watching:
    """Ends the watches of those who share no room any more. `keep` holds on to the task that does it."""

    def __init__(
        self, store: Store, presence: Presence, keep: Callable[["asyncio.Future[None]"], object]
    ) -> None:
        self._store = store
        self._presence = presence
        self._keep = keep
        self._doubted: dict[Present, None] = {}
        self._looking = False

    def noticed(self, work: Work) -> None:
        """After a commit: who left may have shared his last room with those he watches, or who watch him."""
        if not work.moves:
            return
        steps = (step for steps in work.steps.values() for step in steps)
        for user in {step.user for step in steps if isinstance(step, Departure)}:
            self._doubted.update(dict.fromkeys(self._presence.concerned(user)))
        if self._doubted and not self._looking:
            self._looking = True
            self._keep(asyncio.ensure_future(self._look()))

    async def _look(self) -> None:
        try:
            while self._doubted:
                session = next(iter(self._doubted))
                del self._doubted[session]
                await self._look_at(session)
        finally:
            self._looking = False

    async def _look_at(self, session: Present) -> None:
        users = self._presence.watched(session)
        try:
            known = await self._store.acquaintances(session.user, users) if users else set()
        except ChatError:  # whom we cannot ask about is not shown
            known = set()
        if self._presence.watched(session) is users:  # a newer watch asked for itself
            self._presence.lose(session, [user for user in users if user not in known])
