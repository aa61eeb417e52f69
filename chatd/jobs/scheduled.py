"""Messages that are sent later (protocol.md "Drafts, scheduled messages, folders"), when their time has come."""

import asyncio
import contextlib
import logging

from chatd.core.scheduled import EndScheduled, LookAt, SendScheduled, scheduled_of
from chatd.core.write_set import WriteSet
from chatd.env import Env
from chatd.protocol.errors import ChatError, Unavailable
from chatd.storage.scheduled import ScheduledStore
from chatd.writer.submission import Submit, submit_and_wait

log = logging.getLogger(__name__)

# Messages on their way at once: those of a full hour come by and by, and chat goes on between them.
SENT_AT_ONCE = 50
# The clock on the wall may be set meanwhile.
ROUND_S = 60.0
# After a failure of the disk, or of whoever judges messages.
AGAIN_S = 5.0
# What one may do again after a while, where the refusal does not say when.
WAIT_MS = 60_000
# Refusals that a while ends.
PASSING = ("rate_limited", "not_ready")


class ScheduledMessages:
    """The job that sends what is due, as its author would. `submit`: the door to the writer that screens."""

    def __init__(self, store: ScheduledStore, env: Env, submit: Submit) -> None:
        self._store = store
        self._env = env
        self._submit = submit
        self._wake = asyncio.Event()

    def on_commit(self, writes: WriteSet) -> None:
        """Look again when a message was scheduled. A commit hook."""
        if LookAt in writes.records:
            self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; first on what became due while no process ran."""
        while True:
            self._wake.clear()
            try:
                await self.send_due()
                wait_s = await self._wait_s()
            except ChatError as error:
                log.warning("scheduled messages were not sent: %s", error)
                await asyncio.sleep(AGAIN_S)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    async def send_due(self) -> None:
        """Send all that is due. Raises Unavailable when some of it could not be sent now."""
        while due := await self._store.due(self._env.now_ms(), SENT_AT_ONCE):
            outcomes = await asyncio.gather(*(self._send(*one) for one in due), return_exceptions=True)
            for outcome in outcomes:
                if outcome is not None:
                    raise outcome

    async def _wait_s(self) -> float:
        """Return the seconds until somebody has to look again."""
        at = await self._store.next_at()
        return ROUND_S if at is None else min(ROUND_S, max(0.0, (at - self._env.now_ms()) / 1000))

    async def _send(self, user: str, key: str, row: bytes) -> None:
        """Send one message, or note why it could not be sent."""
        message = scheduled_of(row)
        if message.error:
            # It could not be sent a month ago.
            await self._end(user, EndScheduled(message.room, key, row))
            return
        sending = SendScheduled(room=message.room, key=key, body=message.body, row=row)
        try:
            await submit_and_wait(self._submit, user, sending)
        except Unavailable:
            raise
        except ChatError as refusal:
            wait_ms = (refusal.retry_after or WAIT_MS) if refusal.code in PASSING else 0
            await self._end(user, EndScheduled(message.room, key, row, refusal.code, wait_ms))

    async def _end(self, user: str, request: EndScheduled) -> None:
        await submit_and_wait(self._submit, user, request)
