"""A request that waits for the writer, and the door to it that callers are given."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from chatd.core.audit import Audit
from chatd.core.read_set import Counted, UnreadSpan
from chatd.core.screening import Screened
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import ChatError, Refused
from chatd.writer.batch_abort import BatchAbort


class Requester(Protocol):
    """The session that gets the reply: whose `device` it is, and the `address` it is connected from."""

    @property
    def device(self) -> str: ...

    @property
    def address(self) -> str: ...

    def on_reply(self, id: int, reply: Ok | ChatError) -> None: ...


@dataclass(slots=True, eq=False)
class Submission:
    """A request that waits for the writer; answered exactly once.

    `place`: in its batch frame. `since`: when it was submitted, monotonic seconds. `counted`: the events that a long
    read passes. `audit`: the entry to store with what was decided; nothing is stored of a refusal.
    `marks`: the notes of screening, for the back end of the host app. `screened`: how it is not carried out as it came.
    """

    user: str
    request: Any
    requester: Requester | None = None
    id: int = 0
    batch_abort: BatchAbort | None = None
    place: int = 0
    since: float = 0.0
    future: asyncio.Future[Ok] | None = None
    reply: Ok | ChatError | None = None
    completed: bool = False
    counted: tuple[UnreadSpan, Counted] | None = None
    audit: Audit | None = None
    marks: tuple[str, ...] = ()
    screened: Screened | None = None

    @property
    def is_of_host(self) -> bool:
        """Whether the host app asked, in whosever place."""
        return self.audit is not None

    def behind_failed(self) -> bool:
        """Whether the abort rule forbids it by now."""
        return self.batch_abort is not None and self.batch_abort.aborts(self.request.room, self.place)

    def reject(self, error: Refused) -> None:
        """Answer with `error` instead of the decision, when the batch is published."""
        self.reply = error

    def refuse(self, error: ChatError) -> None:
        """Answer with `error` now."""
        self.reply = error
        self.complete()

    def complete(self) -> None:
        """Give the answer, unless it was given before."""
        if self.completed or self.reply is None:
            return
        self.completed = True
        if isinstance(self.reply, ChatError) and self.batch_abort is not None and self.reply.retry != "never":
            self.batch_abort.fail(self.request.room, self.place)
        if self.requester is not None:
            self.requester.on_reply(self.id, self.reply)
        elif self.future is not None and not self.future.done():
            if isinstance(self.reply, ChatError):
                self.future.set_exception(self.reply)
            else:
                self.future.set_result(self.reply)


Submit = Callable[[Submission], None]
"""The door to the writer: of the writer itself, or of screening in front of it."""


async def submit_and_wait(submit: Submit, user: str, request: Any, audit: Audit | None = None) -> Ok:
    """Submit a request and wait for its outcome, for callers that are not sessions."""
    future: asyncio.Future[Ok] = asyncio.get_running_loop().create_future()
    submit(Submission(user, request, future=future, audit=audit))
    return await future


def aborted() -> Refused:
    """Return the refusal of a send behind a failed one."""
    return Refused("aborted", "an earlier send of this batch failed", retry_after=0)
