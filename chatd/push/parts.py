"""What the parts of push share: the store, the queue, what phones show, the trace, and the settings in force."""

import asyncio
import hmac
import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from chatd.config.push import Push as Settings
from chatd.core.push import Kind, Outcome
from chatd.env import Env
from chatd.protocol.envelope import Ok
from chatd.push.facts import Moment
from chatd.push.outstanding import Outstanding
from chatd.push.pending import Ended, Key, Pending
from chatd.push.queue import Queue
from chatd.push.trace import Record, Trace
from chatd.storage.push import PushStore
from chatd.telemetry.counters import Counters
from chatd.telemetry.log_once import LogOnce
from chatd.telemetry.loop_share import LoopShare

TAG_CHARACTERS = 16

log = logging.getLogger(__name__)


class Subject(NamedTuple):
    """Whom a decision is about. `user`: "" for everybody in the room. `room`: its number, 0 for none."""

    user: str
    device: str
    room: int


def subject_of(pending: Pending) -> Subject:
    return Subject(pending.key.user, pending.key.device, pending.key.room)


@dataclass(slots=True)
class Parts:
    """`is_people`: whether message requests are kept out of lists. `foreground`: the devices of a user that are looked
    at. `post`: submits a request, and waits for nothing.
    """

    store: PushStore
    env: Env
    counters: Counters
    share: LoopShare
    queue: Queue
    trace: Trace
    settings: Settings
    is_people: bool
    foreground: Callable[[str], Collection[str]]
    post: Callable[[object], asyncio.Future[Ok]]
    outstanding: Outstanding = field(default_factory=Outstanding)
    # Set when something waits that may be due.
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _logged: LogOnce = field(init=False)

    def __post_init__(self) -> None:
        self._logged = LogOnce(self.env)

    def moment(self) -> Moment:
        """Return what facts need besides the store, at this moment."""
        return Moment(self.env.now_ms(), self.settings.members_all, self.is_people, self.foreground)

    def stale_ms(self) -> int:
        """Return the time (Unix ms) before which news is not worth a notification any more."""
        return self.env.now_ms() - 1000 * self.settings.stale_s

    def note(
        self, subject: Subject, span: tuple[int, int], kind: Kind, outcome: Outcome, detail: str = ""
    ) -> None:
        """Keep a decision about the events of a span."""
        self.counters.notifications[outcome] += 1
        self.trace.add(Record(self.env.now_ms(), *subject, *span, kind, outcome, detail))

    def end(self, ended: Iterable[Ended]) -> None:
        """Keep what became of notifications that are over; of withdrawals only what went wrong."""
        for pending, outcome, detail in ended:
            if pending.kind == "read" and outcome in ("sent", "superseded"):
                continue
            if outcome == "sent":
                outcome = "sent_silent" if pending.is_quiet else "sent"
            elif outcome == "provider_error":
                self._log_defect(pending.app.platform, detail)
            self.note(subject_of(pending), (pending.first, pending.seq), pending.kind, outcome, detail)
        self.wake.set()

    def _log_defect(self, platform: str, detail: str) -> None:
        """Log what a push service will never take, once an hour: it is a defect of ours, or a setting."""
        if self._logged.is_new(f"{platform} {detail}"):
            log.warning("%s did not take a notification: %s", platform, detail)

    def tag_of(self, key: Key, room: str) -> str:
        """Return the key by which a later notification replaces one: a hash, because it may name a person."""
        topic = "" if key.topic in ("message", "read") else key.topic
        by = "" if room else key.by
        digest = hmac.digest(self.trace.key.encode(), f"{room}/{topic}/{by}".encode(), "sha256")
        return urlsafe_b64encode(digest)[:TAG_CHARACTERS].decode()
