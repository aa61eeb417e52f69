"""Deliberate breaks of what chatd promises about the event feed and before-hooks, by name."""

import sqlite3
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from chatd.core import screening as decisions
from chatd.storage.sqlite import writer as stored
from chatd.storage.sqlite.feed_rows import FeedRow
from chatd.webhooks.dispatcher import Dispatcher
from chatd.writer import screening
from chatd.writer.screening import Screening


def feed_after_commit() -> AbstractContextManager[Any]:
    """Store the entries of a commit in a transaction of their own, behind it."""
    real = stored.Writer._commit

    def commit(self: Any, connection: sqlite3.Connection, batch: Any) -> None:
        entries = [one for one in batch.records if isinstance(one[1][0], FeedRow)]
        batch.records = [one for one in batch.records if one not in entries]
        real(self, connection, batch)
        for write, rows in entries:
            write(connection, rows, batch.stamp)

    return patch.object(stored.Writer, "_commit", commit)


def cursor_before_answer() -> AbstractContextManager[Any]:
    """Move the cursor of an endpoint when a batch is sent, not when it was accepted."""
    real = Dispatcher._send

    async def send(self: Any, offer: Any, batch: Any) -> None:
        self._cursor = self._behind(batch, offer.skip + offer.count)
        await real(self, offer, batch)

    return patch.object(Dispatcher, "_send", send)


def retry_judged_again() -> AbstractContextManager[Any]:
    """Refuse what a judge rejects without a look whether it is stored."""
    real = decisions.refuse

    def refuse(refusal: Any, *rest: Any) -> Any:
        if refusal.code == "rejected":
            raise refusal
        return real(refusal, *rest)

    return patch.object(decisions, "refuse", refuse)


def failure_is_a_pass() -> AbstractContextManager[Any]:
    """Never read what the operator chose: what gets no verdict is stored."""
    real = Screening._ask

    async def ask(self: Any, submission: Any, sent: Any, on: Any) -> None:
        try:
            await real(self, submission, sent, on)
        except type(screening.NOT_JUDGED) as error:
            if error is not screening.NOT_JUDGED:
                raise

    return patch.object(Screening, "_ask", ask)


def lane_overtaken() -> AbstractContextManager[Any]:
    """Submit each request as soon as it was judged, whatever its author asked before it."""

    def release(self: Any, key: Any) -> None:
        lane = self._lanes[key]
        for waiting in [one for one in lane if one.is_ready]:
            lane.remove(waiting)
            self.waiting -= 1
            self._submit(waiting.submission)
        if not lane:
            del self._lanes[key]

    return patch.object(Screening, "_release", release)


HOOK_CANARIES = {
    "feed-after-commit": feed_after_commit,
    "cursor-before-answer": cursor_before_answer,
    "retry-judged-again": retry_judged_again,
    "failure-is-a-pass": failure_is_a_pass,
    "lane-overtaken": lane_overtaken,
}
