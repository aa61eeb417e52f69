"""Deliberate breaks of what chatd promises about push notifications, by name."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from chatd.core.push_registrations import digest_of
from chatd.push import dispatch, planner
from chatd.push.parts import Parts
from chatd.push.queue import Queue
from chatd.storage.sqlite import push, push_reading


def decided_when_planned() -> AbstractContextManager[Any]:
    """Move the cursor when a notification is planned, not when it is over."""
    return patch.object(Queue, "oldest_stamp", lambda self: None)


def expired_too_soon() -> AbstractContextManager[Any]:
    """Give up what waits for 3 s, as if it were too old."""
    return patch.object(Parts, "stale_ms", lambda self: self.env.now_ms() - 3000)


def resend_everything() -> AbstractContextManager[Any]:
    """Plan everything again at each start, wherever the cursor is."""
    return patch.object(planner, "stamp_of", lambda saved, epoch: 0)


@contextmanager
def decide_once() -> Iterator[None]:
    """Send what was planned without another look at who may see it, or has read it."""
    real = push_reading.look_at

    def look_at(connection: sqlite3.Connection, asked: Any, room: Any, recipient: Any) -> Any:
        return real(connection, asked, room, recipient._replace(read=0, first_visible=0))

    with (
        patch.object(push_reading, "look_at", look_at),
        patch.object(dispatch, "decide", lambda facts: "sent"),
    ):
        yield


def badge_counts_muted() -> AbstractContextManager[Any]:
    """Count muted rooms whole in the badge of notifications."""
    broken = push.BADGES.replace("m.muted_until = 1", "0")
    assert broken != push.BADGES
    return patch.object(push, "BADGES", broken)


def owner_stays() -> AbstractContextManager[Any]:
    """Leave a token with whoever registered it first."""
    real = push.put

    def put(connection: sqlite3.Connection, registration: Any) -> None:
        found = connection.execute(
            "SELECT user, device FROM push_tokens WHERE digest = ?", (digest_of(registration.address),)
        ).fetchone()
        if found in (None, (registration.user, registration.device)):
            real(connection, registration)

    return patch.object(push, "put", put)


PUSH_CANARIES = {
    "decided-when-planned": decided_when_planned,
    "expired-too-soon": expired_too_soon,
    "resend-everything": resend_everything,
    "decide-once": decide_once,
    "badge-counts-muted": badge_counts_muted,
    "owner-stays": owner_stays,
}
