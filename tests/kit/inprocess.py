"""A whole daemon without sockets: the real store in a directory, a manual clock, wires in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, cast

import msgpack
from msgspec.structs import replace

from chatd.auth.interface import Claims
from chatd.config import model
from chatd.core.maintenance import Barrier
from chatd.env import Env
from chatd.protocol.errors import Refused, Unavailable
from chatd.server.app import App
from chatd.server.capability import Capability, combined
from chatd.storage.interface import Store
from chatd.storage.sqlite.store import SqliteStore
from tests.kit.empty_database import lay_empty_database
from tests.kit.env import ManualEnv
from tests.kit.faulty_store import TamperedStore
from tests.kit.leak_detector import LeakDetector
from tests.kit.memory_wire import MemoryWire
from tests.kit.search import local_index
from tests.kit.waiting import until

HOUR_S = 3600.0
_keys = count()


def device_of(number: int) -> str:
    """Return a device id."""
    return f"device{number:016}"


def new_key() -> str:
    """Return an idempotency key never used before in this run."""
    return f"key-{next(_keys):08}"


class FakeIdentity:
    """An Identity for which a token is the name of its user, unless a test set other claims or a refusal."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self.claims: dict[str, Claims] = {}
        self.refusals: dict[str, Refused] = {}
        self.has_keys, self.can_mint, self.key_age_s = True, False, 0.0

    async def verify(self, token: str) -> Claims:
        if token.startswith("bad"):
            raise Refused("token_invalid", "no such token")
        if token in self.refusals:
            raise self.refusals[token]
        now_s = self._env.now_ms() / 1000
        return self.claims.get(token) or Claims(token, now_s + HOUR_S, issued_at_s=now_s)

    async def keep_fresh(self) -> None: ...

    def adopt(self, other: "FakeIdentity") -> bool:
        return False

    def mint(
        self, user: str, ttl_s: int, *, device: str | None = None, generation: int = 0, **claims: object
    ) -> str:
        return user

    def mint_session(self, user: str, ttl_s: int, *, device: str | None, generation: int) -> str:
        return user

    def verify_session(self, session: str) -> Claims:
        raise Refused("token_invalid", "no session")


class InProcessClient:
    """One connection and the packets it received."""

    def __init__(self, server: "InProcessServer", *, text: bool = False, address: str = "192.0.2.1") -> None:
        self.server = server
        self.session = server.app.session()
        self.wire = MemoryWire(text=text, address=address)
        self._ids = count(1)
        self.session.opened(self.wire)

    def send_packets(self, *packets: dict[str, Any]) -> None:
        """Send one frame: a packet, or several as a batch."""
        content = packets[0] if len(packets) == 1 else list(packets)
        self.session.received(msgpack.packb(content))

    def say_hello(self, user: str, device: int = 1, **keys: Any) -> int:
        """Send a hello; return its id."""
        id = next(self._ids)
        hello = {"type": "hello", "id": id, "version": 1, "token": user, "device": device_of(device)}
        self.send_packets({**hello, **keys})
        return id

    def send_request(self, **packet: Any) -> int:
        """Send a request; return its id."""
        id = next(self._ids)
        self.send_packets({"id": id, **packet})
        return id

    async def request(self, **packet: Any) -> dict[str, Any]:
        """Send a request; wait for its reply and return it."""
        id = self.send_request(**packet)
        await self.server.wait_idle()
        return self.reply(id)

    async def answer(self, id: int) -> dict[str, Any]:
        """Wait for the reply to a request, whatever else is under way, and return it."""
        await until(lambda: any(packet.get("id") == id for packet in self.wire.packets))
        return self.reply(id)

    def reply(self, id: int) -> dict[str, Any]:
        """Return the one reply to a request."""
        replies = [packet for packet in self.wire.packets if packet.get("id") == id]
        assert len(replies) == 1, f"{len(replies)} replies to {id}"
        return replies[0]

    def take(self, *types: str) -> list[dict[str, Any]]:
        """Return the packets since the last call; only those of `types`, when given."""
        return [packet for packet in self.wire.take() if not types or packet["type"] in types]

    def hang_up(self, code: int = 1001) -> None:
        self.session.closed(code)

    async def send(self, room: str, text: str = "hello", **keys: Any) -> dict[str, Any]:
        """Send a message and wait for its acknowledgement."""
        return await self.request(type="send", room=room, key=new_key(), body={"text": text}, **keys)

    async def create_group(self, *users: str, **keys: Any) -> str:
        """Create a group with `users`; return its name."""
        reply = await self.request(
            type="room.create", key=new_key(), kind="group", title="t", users=list(users), **keys
        )
        return str(reply["summary"]["room"])


class InProcessServer:
    """The app of a daemon, and its clients."""

    def __init__(
        self, settings: model.Config, env: ManualEnv, store: TamperedStore, whole: Capability | None = None
    ) -> None:
        self.env = env
        self.store = store
        self.identity = FakeIdentity(env)
        self.config = settings
        self.app = App(settings, env, cast(Store, store), self.identity, whole)

    def client(self, **options: Any) -> InProcessClient:
        """Return a connection that has not said hello."""
        return InProcessClient(self, **options)

    async def connect(self, user: str, device: int = 1, **hello: Any) -> InProcessClient:
        """Return a connection that was welcomed."""
        client = self.client()
        id = client.say_hello(user, device, **hello)
        await self.wait_idle()
        assert client.reply(id)["type"] == "ok", client.reply(id)
        client.wire.take()
        return client

    async def wait_idle(self) -> None:
        """Wait until nothing is under way: no handler, no batch."""
        tasks = self.app.rate_limits.tasks
        while True:
            if tasks:
                await asyncio.wait(set(tasks))
            await self._nothing_waits()
            if not tasks:
                return

    async def _nothing_waits(self) -> None:
        """Wait for all batches; wait again when one failed, or a full queue refused the request to wait."""
        while True:
            with suppress(Unavailable):
                await self.app.writer.submit_and_wait("", Barrier())
                return
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Let time pass, and wait for everything it sets off."""
        self.env.advance(seconds)
        await self.wait_idle()


def refusal(client: InProcessClient) -> tuple[str, str, int]:
    """Return the answer to a refused hello: code of the error, reason of the bye, close code."""
    error, bye = client.wire.packets
    assert (error["type"], bye["type"]) == ("error", "bye")
    assert client.wire.closed_with == (bye["close"], bye["reason"])
    return error["code"], bye["reason"], bye["close"]


async def refused(server: InProcessServer, user: str = "ann", **hello: Any) -> tuple[str, str, int]:
    """Send a hello that has to be refused; return its `refusal`."""
    client = server.client()
    client.say_hello(user, **hello)
    await server.wait_idle()
    return refusal(client)


def settings(directory: Path, **sections: dict[str, Any]) -> model.Config:
    """Return the default configuration with other values: settings(path, limits={"focus": 2})."""
    plain = model.Config(storage=model.Storage(directory=str(directory), min_free_bytes=0))
    changed = {name: replace(getattr(plain, name), **values) for name, values in sections.items()}
    return replace(plain, **changed)


@asynccontextmanager
async def in_process(
    directory: Path, *capabilities: Capability, **sections: dict[str, Any]
) -> AsyncIterator[InProcessServer]:
    """Run a server around the block; it is stopped and closed at the end."""
    env = ManualEnv()
    chosen = settings(directory, **sections)
    whole = combined(capabilities, people=chosen.people.enabled)
    lay_empty_database(directory, env.random_bytes, whole.sqlite.migrations)
    store = await SqliteStore.open(chosen.storage, env, whole.sqlite)
    server = InProcessServer(chosen, env, TamperedStore(store), whole)
    server.app.writer.start()
    index = None
    if chosen.search.enabled:
        index = server.app.search.index = server.app.context.search = local_index(server.app, directory)
        server.app.hooks.published.subscribe(lambda writes: index.on_commit(writes.rooms))
    if server.app.feed_upkeep is not None:
        await server.app.feed_upkeep.begin()
    detector = LeakDetector()
    detector.open()
    try:
        yield server
    finally:
        server.store.release_all()
        await server.app.writer.stop()
        server.app.passwords.close()
        if index is not None:
            await index.close()
        await store.close()
        detector.close()
