"""The hand-over to a sender that is another process: deliveries one way, answers the other.

The process knows nothing that has to outlive it. When it dies, whatever it was given and has not answered is answered
here.
"""

import asyncio
from collections.abc import Sequence
from math import isfinite
from typing import Protocol

from msgspec import Struct

from chatd.config.model import Config, Log
from chatd.config.push import PushApp
from chatd.protocol.process_frames import decode
from chatd.push.interface import NO_SENDER, SENDER_ENDED, SINCE_MAX, Answer, Delivery, OnAnswers

BATCH_MAX = 500  # deliveries of one frame: some 350 KB
DETAIL_MAX = 64
PAUSE_MAX_S = 86_400.0


class SenderSettings(Struct, frozen=True):
    """The part of the configuration that a sender needs. `allow`: private networks for the endpoints of Web Push."""

    apps: tuple[PushApp, ...] = ()
    vapid_subject: str = ""
    allow: tuple[str, ...] = ()
    log: Log = Log()


def sender_settings(config: Config) -> SenderSettings:
    push = config.push
    return SenderSettings(push.apps, push.vapid_subject, config.egress.allow, config.log)


class Link(Protocol):
    """The way to a process, which is started again whenever it ends."""

    @property
    def is_awaited(self) -> bool:
        """Whether the process is up, or will be in a moment: what is written is kept until then."""

    def write(self, content: object) -> bool:
        """Write to the process; False when it takes no more."""

    async def close(self) -> None:
        """End the process; return when it is over."""


class RemoteSender:
    """A `Sender` whose requests another process sends. `link` is set before the first delivery."""

    link: Link

    def __init__(self, settings: SenderSettings, on_answers: OnAnswers) -> None:
        self.settings = settings
        self._on_answers = on_answers
        self._under_way: set[int] = set()

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Begin to send; each is answered, in batches and in any order."""
        for first in range(0, len(deliveries), BATCH_MAX):
            batch = list(deliveries[first : first + BATCH_MAX])
            if self.link.is_awaited and self.link.write(batch):
                self._under_way.update(delivery.number for delivery in batch)
            else:
                answers = [Answer(delivery.number, "retry", NO_SENDER) for delivery in batch]
                asyncio.get_running_loop().call_soon(self._on_answers, answers)

    async def close(self) -> None:
        """End the process; what is under way is answered `retry`."""
        await self.link.close()
        self.on_end()

    def on_content(self, payload: bytes) -> None:
        """Take answers. Raises ValueError for anything else."""
        answers = [bounded(answer) for answer in decode(payload, list[Answer])]
        known = [answer for answer in answers if answer.number in self._under_way]
        self._under_way.difference_update(answer.number for answer in known)
        if known:
            self._on_answers(known)

    def on_end(self) -> None:
        """Answer for a process that ended."""
        numbers, self._under_way = sorted(self._under_way), set()
        if numbers:
            self._on_answers([Answer(number, "retry", SENDER_ENDED) for number in numbers])


def bounded(answer: Answer) -> Answer:
    """Return an answer of another process within the bounds of one. Raises ValueError."""
    pause_s = answer.retry_after_s
    is_bounded = 0 <= answer.status <= 999 and 0 <= answer.since <= SINCE_MAX
    if not isfinite(pause_s) or not 0 <= pause_s <= PAUSE_MAX_S or not is_bounded:
        raise ValueError("an answer beyond its bounds")
    return answer._replace(detail=answer.detail[:DETAIL_MAX], environment=answer.environment[:DETAIL_MAX])
