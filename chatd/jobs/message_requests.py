"""One beyond the bound of message requests counts as declined (protocol.md "Direct rooms and message requests")."""

import asyncio
from collections.abc import Callable

from chatd.core.read_set import PeopleRules
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import ChatError
from chatd.protocol.rooms import RoomDecline
from chatd.storage.interface import JobStore
from chatd.writer.submission import Submission
from chatd.writer.writer import Writer


class RequestBound:
    """Looks at the requests to a user after each new one. `keep_task` holds on to the task that looks."""

    def __init__(
        self,
        store: JobStore,
        writer: Writer,
        keep_task: Callable[["asyncio.Future[None]"], object],
        rules: PeopleRules,
    ) -> None:
        self._store = store
        self._writer = writer
        self._keep_task = keep_task
        self._rules = rules

    def reconfigure(self, rules: PeopleRules) -> None:
        """Put other bounds in force."""
        self._rules = rules

    def on_commit(self, writes: WriteSet) -> None:
        """Look at the requests to users who got another one. A commit hook."""
        for user in {user: None for _, user in writes.new_requests}:
            self._keep_task(asyncio.ensure_future(self._keep_within(user)))

    async def _keep_within(self, user: str) -> None:
        try:
            rooms = await self._store.excess_requests(user, self._rules)
        except ChatError:
            # The next request looks again.
            return
        for room in rooms:
            self._writer.submit(Submission(user, RoomDecline(room=room)))
