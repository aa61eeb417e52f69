"""Fixtures of the client's tests: a clock that stands still, a server that does as a test says."""

import asyncio
import heapq
from collections import deque
from contextlib import AsyncExitStack, asynccontextmanager

import msgpack
import pytest
from websockets.asyncio.server import serve

from chatd.client import Client, Settings, Timing
from chatd.client.env import SystemEnv

NEVER_S = 1e6
TIMEOUT_S = 30.0  # longest wait for something that should happen at once; only a failing test waits so long


class StandingEnv:
    """An `Env` whose time moves by `advance` only, whose chance is 0.5, and whose keys count up."""

    def __init__(self):
        self.now = 1000.0
        self.chance = 0.5
        self.keys = 0
        self._timers = []
        self._order = 0

    def monotonic(self):
        return self.now

    def time_ms(self):
        return 1_700_000_000_000 + int(self.now * 1000)

    def random(self):
        return self.chance

    def key(self):
        self.keys += 1
        return f"key-{self.keys:018}"

    def device(self):
        return "Zk3vN0b1Q2mXr8sT5uWy7A"

    def call_later(self, delay_s, action):
        self._order += 1
        timer = StandingTimer(self.now + delay_s, self._order, action)
        heapq.heappush(self._timers, timer)
        return timer

    @property
    def delays(self):
        """How far away the timers are, soonest first."""
        return [round(timer.at - self.now, 6) for timer in sorted(self._timers) if timer.action]

    def advance(self, seconds):
        """Let time pass; what comes due is done in its order, at its time."""
        end = self.now + seconds
        while self._timers and self._timers[0].at <= end:
            timer = heapq.heappop(self._timers)
            if timer.action:
                self.now = max(self.now, timer.at)
                timer.fire()
        self.now = end


class StandingTimer:
    def __init__(self, at, order, action):
        self.at, self.order, self.action = at, order, action

    def __lt__(self, other):
        return (self.at, self.order) < (other.at, other.order)

    def cancel(self):
        self.action = None

    def fire(self):
        action, self.action = self.action, None
        action()


class Peer:
    """The server's end of one connection. Every wait ends in a failure rather than never."""

    def __init__(self, socket):
        self.socket = socket
        self.waiting = deque()

    async def frame(self):
        """The packets of the next frame."""
        async with asyncio.timeout(TIMEOUT_S):
            content = msgpack.unpackb(await self.socket.recv())
        return content if isinstance(content, list) else [content]

    async def next(self):
        """The next packet, whatever frame it came in."""
        while not self.waiting:
            self.waiting.extend(await self.frame())
        return self.waiting.popleft()

    async def expect(self, kind):
        """The next packet, which is of this type."""
        packet = await self.next()
        assert packet["type"] == kind, f"expected {kind}, got {packet}"
        return packet

    async def push(self, *packets):
        """Send packets in one frame."""
        await self.socket.send(msgpack.packb(list(packets) if len(packets) > 1 else packets[0]))

    async def ok(self, request, **result):
        await self.push({"type": "ok", "id": request["id"], **result})

    async def refuse(self, request, code, retry, **more):
        await self.push({"type": "error", "id": request["id"], "code": code, "retry": retry, **more})

    async def welcome(self, hello=None, *, rooms=(), **more):
        """Answer the hello, which is the next packet if it is not given."""
        hello = hello or await self.expect("hello")
        page = {"rooms": list(rooms), "cursor": "c1", **more.pop("sync", {})}
        reply = {"version": 1, "user": "me", "session": "s1", "time": 0, "epoch": "e1", "features": []}
        await self.ok(hello, **{**reply, "heartbeat": 30, "token_ttl": 3600, "sync": page, **more})
        return hello

    async def barrier(self):
        """Return when the client has handled everything sent before."""
        await self.push({"type": "ping"})
        await self.expect("pong")

    async def bye(self, code, reason="", **more):
        await self.push({"type": "bye", "close": code, "reason": reason, **more})
        await self.socket.close(code, reason)

    async def gone(self):
        """Return when the client has closed or dropped the connection; the close code."""
        async with asyncio.timeout(TIMEOUT_S):
            await self.socket.wait_closed()
        return self.socket.close_code

    def cut(self):
        """Break the line without a word."""
        self.socket.transport.abort()


class ScriptedServer:
    """Accepts connections and hands them to the test."""

    def __init__(self):
        self._arrived = asyncio.Queue()
        self.url = ""
        self.subprotocols = ["chatd.v1.msgpack", "chatd.v1.json"]

    async def accept(self):
        """The next connection, before its hello."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self._arrived.get()

    async def welcome(self, **more):
        """The next connection, its hello answered."""
        peer = await self.accept()
        await peer.welcome(**more)
        return peer

    @property
    def nobody_waits(self):
        return self._arrived.empty()

    @asynccontextmanager
    async def running(self, process_request=None):
        async def handle(socket):
            await self._arrived.put(Peer(socket))
            await socket.wait_closed()

        async with serve(
            handle,
            "127.0.0.1",
            0,
            subprotocols=self.subprotocols,
            compression=None,
            ping_interval=None,
            process_request=process_request,
            close_timeout=1,
        ) as listening:
            port = next(iter(listening.sockets)).getsockname()[1]
            self.url = f"ws://127.0.0.1:{port}/v1/ws"
            yield self


class Watch:
    """The changes of a client, to wait for."""

    def __init__(self, client):
        self.stream = client.changes()

    async def until(self, kind, **fields):
        """The next change of this class with these fields; what came before is skipped."""
        async with asyncio.timeout(TIMEOUT_S):
            async for change in self.stream:
                if isinstance(change, kind) and all(
                    getattr(change, name) == value for name, value in fields.items()
                ):
                    return change
        raise AssertionError(f"the changes ended before a {kind.__name__}")


@pytest.fixture
def env():
    return StandingEnv()


@pytest.fixture
async def server():
    async with ScriptedServer().running() as running:
        yield running


@pytest.fixture
async def client_of(env):
    """Make clients that are closed after the test: `client_of(server, **arguments)`."""
    async with AsyncExitStack() as stack:

        def make(server, *, token=None, storage=None, device="", **settings):
            async def get_token():
                return "token"

            timing = Timing(positions_s=NEVER_S)  # so that only timers of interest are set
            chosen = Settings(**{"env": env, "delivered": False, "timing": timing, **settings})
            url = server if isinstance(server, str) else server.url
            client = Client(url, token or get_token, device=device, storage=storage, settings=chosen)
            stack.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
async def connected(server, client_of):
    """Make a client that is READY: `client, peer = await connected(rooms=[...])`."""

    async def make(*, rooms=(), welcome=None, **arguments):
        client = client_of(server, **arguments)
        await client.start()
        peer = await server.accept()
        await peer.welcome(rooms=rooms, **(welcome or {}))
        async with asyncio.timeout(TIMEOUT_S):
            await client.connect()
        return client, peer

    return make


@pytest.fixture
def watch():
    return Watch


@pytest.fixture
def system_env():
    return SystemEnv()
