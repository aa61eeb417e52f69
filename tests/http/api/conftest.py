"""A daemon whose API has a listener of its own, and callers with keys."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kit import http
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.loops import Loops, loops_of

ADDRESS = {"api_address": "127.0.0.1:0"}
# Requests that are slow, broken, in pieces or held open. The decisions in all other files know no event loop.
ON_BOTH_LOOPS = {"test_access", "test_bulk", "test_event_feed", "test_hostile"}


def pytest_asyncio_loop_factories(item: pytest.Item) -> Loops:
    return loops_of(item, ON_BOTH_LOOPS)


@dataclass
class Caller:
    """A back end with a key, or none."""

    url: str
    secret: str = ""
    id: str = ""

    async def __call__(
        self, method: str, path: str, content: Any = None, headers: dict[str, str] | None = None
    ) -> http.Answer:
        bearer = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        return await http.request(self.url + path, method, content=content, headers=bearer | (headers or {}))

    async def get(self, path: str) -> Any:
        answer = await self("GET", path)
        assert answer.status == 200, answer.body
        return answer.json


WithKey = Callable[..., Awaitable[Caller]]


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path, listen=ADDRESS, channels={"enabled": True})) as running:
        yield running


@pytest.fixture
def with_key(daemon: RunningDaemon) -> WithKey:
    """Make a key with these scopes; return a caller that has it."""
    made = 0

    async def make(*scopes: str, **options: Any) -> Caller:
        nonlocal made
        made += 1
        answer = await daemon.api("POST", "/v1/keys", name=f"key-{made}", scopes=scopes, **options)
        assert answer.status == 200, answer.body
        return Caller(daemon.api_url, answer.json["secret"], answer.json["key"]["id"])

    return make


@pytest.fixture
async def clients(daemon: RunningDaemon) -> AsyncIterator[Clients]:
    clients = Clients(daemon.url)
    yield clients
    await clients.leave()
