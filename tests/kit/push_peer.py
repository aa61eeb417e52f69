"""A sender in the loop that keeps what it is given, and answers as a test wants; and push in an in-process server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from msgspec.structs import replace

from chatd.config.push import PushApp
from chatd.core.push import Address, Notification
from chatd.core.push_registrations import Registration
from chatd.push.interface import Answer, Delivery, OnAnswers
from chatd.push.service import Push
from tests.kit.inprocess import InProcessServer, device_of
from tests.kit.waiting import until

APPS = tuple(PushApp(platform, "key") for platform in ("apns", "fcm", "web", "gateway"))

_tokens = count()


@dataclass
class PushPeer:
    """A sender. `answer`: what each delivery is answered, None for nothing yet."""

    answer: Callable[[Delivery], Answer | None] = lambda one: Answer(one.number, "sent")
    deliveries: list[Delivery] = field(default_factory=list)
    closed: bool = False
    _on_answers: OnAnswers | None = None

    def make(self, config: object, context: object, on_answers: OnAnswers) -> "PushPeer":
        """Become the sender of a daemon."""
        self._on_answers = on_answers
        return self

    def send(self, deliveries: Sequence[Delivery]) -> None:
        self.deliveries += deliveries
        answers = [answer for one in deliveries if (answer := self.answer(one)) is not None]
        asyncio.get_running_loop().call_soon(self.give, *answers)

    def give(self, *answers: Answer) -> None:
        """Answer deliveries, as a push service does some time later."""
        assert self._on_answers is not None
        self._on_answers(answers)

    async def close(self) -> None:
        self.closed = True

    @property
    def shown(self) -> list[Notification]:
        return [one.notification for one in self.deliveries]

    def take(self) -> list[Delivery]:
        """Return the deliveries since the last call."""
        taken, self.deliveries = self.deliveries, []
        return taken


@dataclass
class Pushing:
    """Push of an in-process server."""

    server: InProcessServer
    push: Push
    peer: PushPeer

    async def register(self, user: str, device: int = 1, platform: str = "fcm", **keys: Any) -> str:
        """Register a device for alerts; return its name."""
        name, token = device_of(device), f"token{next(_tokens)}"
        registration = Registration(
            user, name, Address(platform, "", token, **keys), 0, self.server.app.store.epoch
        )
        await self.server.app.writer.submit_and_wait(user, registration)
        return name

    async def advance(self, seconds: float) -> None:
        """Let time pass, and let push notice it."""
        # Time that passes during a query would count as work, for which push rests ten times as long.
        await self.idle()
        await self.server.advance(seconds)
        self.push.parts.wake.set()
        await self.idle()

    async def idle(self) -> None:
        """Wait until everything is planned, and what is due is sent and answered."""
        parts = self.push.parts
        await self.server.wait_idle()

        def is_idle() -> bool:
            due = parts.queue.next_due() <= parts.env.monotonic()
            waiting = (one for app in parts.queue.apps.values() for one in app.all())
            looked_at = any(one.number and one.address is None for one in waiting)
            return self.push.is_planned and not (due or looked_at or parts.wake.is_set())

        for _ in range(3):
            await until(is_idle)
            await asyncio.sleep(0)

    async def sent(self, count: int = 1) -> list[Delivery]:
        """Wait for so many deliveries, and return them when there are no more."""
        await until(lambda: len(self.peer.deliveries) >= count)
        await self.idle()
        taken = self.peer.take()
        assert len(taken) == count, taken
        return taken


@asynccontextmanager
async def pushing(
    server: InProcessServer, peer: PushPeer | None = None, *, killed: bool = False, **settings: Any
) -> AsyncIterator[Pushing]:
    """Run push around the block. `killed`: it ends without a word to the database."""
    peer = peer or PushPeer()
    chosen = replace(server.config.push, enabled=True, apps=APPS, **settings)
    work = server.app.push.adopt(replace(server.config, push=chosen), peer.make)
    assert work is not None
    push = server.app.push.push
    assert push is not None
    task = asyncio.create_task(work())
    await until(lambda: push.is_planned)
    try:
        yield Pushing(server, push, peer)
    finally:
        if killed:
            push.parts.post = lambda request: asyncio.get_running_loop().create_future()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await server.app.store.push.close()
        server.app.push.adopt(server.config, peer.make)
