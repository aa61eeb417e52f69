"""The API of the host on a database that no daemon uses: the routes of a daemon, called here."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from chatd.auth.verifier import token_verifier
from chatd.cli.stores import with_store
from chatd.config.model import Auth, Config
from chatd.http.api.application import TABLE, route_of
from chatd.http.api.decoding import decoded
from chatd.http.api.ndjson import Lines, answered, lines_of
from chatd.http.api.route import Call, Caller, Route
from chatd.protocol.errors import Refused
from chatd.server.app import App
from chatd.server.system_env import SystemEnv
from chatd.storage.interface import Store

T = TypeVar("T")

REQUEST_ID = "cli"  # in the audit


class StoredApi:
    """The routes on a database; `create` makes one where there is none."""

    def __init__(self, config: Config, *, create: bool = False) -> None:
        self._config = config
        self._create = create

    def ask(self, method: str, path: str, content: Mapping[str, Any]) -> Any:
        """Return the answer, from JSON. `content`: the query or the body. Failure when it is refused."""
        route, values = route_of(method, path)

        async def answer(call: Call) -> Any:
            asked = decoded(msgspec.json.encode(content), route.asked)
            return json.loads(msgspec.json.encode(await route.handler(call, asked)))

        return self._run(route, values, answer)

    def upload(self, method: str, path: str, body: bytes) -> Iterator[Any]:
        """Yield the answer for each line of `body`, from JSON."""
        route, values = route_of(method, path)

        async def answers(call: Call) -> list[bytes]:
            decode = partial(decoded, kind=route.asked, whole="the line")
            if route.whole:
                return [msgspec.json.encode(await route.handler(call, Lines(lines_of(body), decode)))]
            return [some async for some in answered(call, lines_of(body), decode)]

        for some in self._run(route, values, answers):
            yield from map(json.loads, some.splitlines())

    def _run(self, route: Route, values: Mapping[str, str], action: Callable[[Call], Awaitable[T]]) -> T:
        async def run(store: Store) -> T:
            async with serving(self._config, store) as app:
                services = app.host.services(no_link, TABLE)
                return await action(Call(services, Caller(), route, values, REQUEST_ID))

        return with_store(self._config, run, create=self._create)


def with_app(config: Config, action: Callable[[App], Awaitable[T]]) -> T:
    """Run `action` with the parts of a daemon on the database of `config`; Failure when a daemon uses it."""

    async def run(store: Store) -> T:
        async with serving(config, store) as app:
            return await action(app)

    return with_store(config, run)


def no_link(name: str, scopes: Collection[str]) -> str:
    raise Refused("not_supported", "the console is a part of a running daemon")


@asynccontextmanager
async def serving(config: Config, store: Store) -> AsyncIterator[App]:
    """Run the parts of a daemon behind its listeners."""
    env = SystemEnv()
    if (await store.feed.bounds()).is_on and not config.events.enabled:
        # The command was given another configuration than the daemon, whose feed must not miss what it does.
        config = replace(config, events=replace(config.events, enabled=True))
    # No keys of tokens: files that cannot be read must not keep an operator from locking somebody out.
    app = App(config, env, store, token_verifier(Auth(), env, config.storage.directory))
    await app.rooms.start()
    app.writer.start()
    await app.host.api_keys.load()
    try:
        yield app
    finally:
        await asyncio.shield(app.writer.stop())
