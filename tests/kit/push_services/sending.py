"""A sender in the loop of a test, with the answers it gives."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import patch

from chatd.config.push import PushApp
from chatd.core.push import Address, Notification
from chatd.egress import client
from chatd.env import Env
from chatd.push.handover import SenderSettings
from chatd.push.interface import Answer, Delivery
from chatd.push.sender import http2
from chatd.push.sender.services import LocalSender
from tests.kit.echo_server import LoopEnv
from tests.kit.push_services.authority import Authority

WAIT_S = 60.0
HOUR_MS = 3_600_000


class Sending:
    """A sender that runs, and those who wait for its answers."""

    def __init__(self, settings: SenderSettings, env: Env) -> None:
        self.env = env
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self.sender = LocalSender(settings, env, self._on_answers)

    def _on_answers(self, answers: Sequence[Answer]) -> None:
        for one in answers:
            # A second answer to a delivery raises InvalidStateError.
            self._waiting[one.number].set_result(one)

    def begin(self, address: Address, notification: Notification, **keys: Any) -> asyncio.Future[Answer]:
        """Begin to send; return what will be its answer."""
        self._number += 1
        keys = {"expires_at": self.env.now_ms() + HOUR_MS, **keys}
        future = self._waiting[self._number] = asyncio.get_running_loop().create_future()
        self.sender.send([Delivery(self._number, address, notification, **keys)])
        return future

    async def one(self, address: Address, notification: Notification, **keys: Any) -> Answer:
        async with asyncio.timeout(WAIT_S):
            return await self.begin(address, notification, **keys)


@asynccontextmanager
async def sending(
    authority: Authority | None, *apps: dict[str, Any], env: Env | None = None, **settings: Any
) -> AsyncIterator[Sending]:
    """Run a sender around the block that trusts this authority. `settings`: of SenderSettings."""
    with trusting(authority):
        made = SenderSettings(tuple(PushApp(**app) for app in apps), **settings)
        running = Sending(made, env or LoopEnv())
        try:
            yield running
        finally:
            await running.sender.close()


@contextmanager
def trusting(authority: Authority | None) -> Iterator[None]:
    """Trust an authority around the block, in this process and those it starts, as one of the system."""
    trusted = {"SSL_CERT_FILE": str(authority.file)} if authority else {}
    with patch.dict(os.environ, trusted):
        _forget_trust()
        try:
            yield
        finally:
            _forget_trust()


def _forget_trust() -> None:
    for cached in (http2.http2_context, client.trusted_certificates):
        cached.cache_clear()
