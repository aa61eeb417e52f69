"""The API of the host on a database that no daemon uses: the routes of a daemon, called here."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import msgspec

from chatd.auth.verifier import token_verifier
from chatd.cli.stores import explained, with_store
from chatd.config.model import Config
from chatd.http.api.application import TABLE
from chatd.http.api.decoding import decoded
from chatd.http.api.ndjson import answered, lines_of
from chatd.http.api.route import Call, Caller, Route, Services
from chatd.server.app import App
from chatd.server.system_env import SystemEnv
from chatd.storage.interface import Store

T = TypeVar("T")

REQUEST_ID = "cli"  # in the audit


class StoredApi:
    """The routes without parameters in their path."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def ask(self, method: str, path: str, content: Mapping[str, Any]) -> Any:
        """Return the answer, from JSON. `content`: the query or the body. Failure when it is refused."""
        route = route_of(method, path)

        async def answer(call: Call) -> Any:
            asked = msgspec.convert(content, route.asked)
            return json.loads(msgspec.json.encode(await route.handler(call, asked)))

        return self._run(route, answer)

    def upload(self, method: str, path: str, body: bytes) -> Iterator[Any]:
        """Yield the answer for each line of `body`, from JSON."""
        route = route_of(method, path)

        async def answers(call: Call) -> list[bytes]:
            decode = partial(decoded, kind=route.asked)
            return [some async for some in answered(call, lines_of(body), decode)]

        for some in self._run(route, answers):
            yield from map(json.loads, some.splitlines())

    def _run(self, route: Route, action: Callable[[Call], Awaitable[T]]) -> T:
        async def run(store: Store) -> T:
            async with serving(self._config, store) as services:
                return await action(Call(services, Caller(), route, {}, REQUEST_ID))

        with explained():
            return with_store(self._config, run)


def route_of(method: str, path: str) -> Route:
    return next(route for route in TABLE if (route.method, route.path) == (method, path))


@asynccontextmanager
async def serving(config: Config, store: Store) -> AsyncIterator[Services]:
    """Run the parts of a daemon that routes use."""
    env = SystemEnv()
    app = App(config, env, store, token_verifier(config.auth, env, config.storage.directory))
    app.writer.start()
    try:
        yield Services(app.admin, app.graph, app.api_keys, str, frozenset())
    finally:
        await asyncio.shield(app.writer.stop())
