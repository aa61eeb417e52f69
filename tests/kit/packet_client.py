"""The protocol side of a scripted client: requests and their replies, promises, endings. It knows no chat."""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from tests.kit.client_socket import Frame, Link, Packet
from tests.kit.protocol_promises import Promises

# The wait for what must come; only failing tests ever wait that long.
TIMEOUT_S = 30.0

# The type of requests whose reply has no schema to check: the test checks it.
UNTYPED = ""

Event = dict[str, Any]
T = TypeVar("T")


class Refused(AssertionError):
    """The server answered a request with `error` where the test expected `ok`."""

    def __init__(self, request: Packet, error: Packet) -> None:
        super().__init__(f"{request!r} was refused: {error!r}")
        self.error = error


class PacketClient:
    """One connection that sends requests and reads; pushes wait in order until a method takes them."""

    def __init__(self, link: Link, name: str) -> None:
        self.link = link
        self.name = name
        self.answers_pings = True
        # Everything, in order of arrival.
        self.heard: list[Packet] = []
        self._pushes: deque[Packet] = deque()
        self._events: dict[str, deque[Event]] = {}
        self._replies: dict[int, asyncio.Future[Packet]] = {}
        # Frames that the tests make themselves use lower ones.
        self._ids = itertools.count(1001)
        self._promises = Promises()
        self._news = asyncio.Event()
        self._failure: BaseException | None = None
        self._listening = asyncio.create_task(self._listen(), name=f"ears of {name}")

    # Requests

    async def request(self, packet: Packet) -> Packet:
        """Send a request and return its `ok`; raises Refused on `error`."""
        reply = await self.reply_to(packet)
        if reply["type"] != "ok":
            raise Refused(packet, reply)
        return reply

    async def expect_refusal(self, code: str, packet: Packet) -> Packet:
        """Send a request that must be answered with this error code; return the error."""
        reply = await self.reply_to(packet)
        assert reply.get("code") == code, f"{packet!r}: expected {code}, got {reply!r}"
        return reply

    async def reply_to(self, packet: Packet) -> Packet:
        """Send a request and return its reply, whether ok or error."""
        (reply,) = await self.request_all([packet], as_batch=False)
        return reply

    async def request_all(self, packets: Iterable[Packet], *, as_batch: bool = True) -> list[Packet]:
        """Send requests in one batch frame (or one frame each) and return their replies in request order."""
        requests = [self._numbered(packet) for packet in packets]
        replies = [self._expect_reply(request) for request in requests]
        if as_batch:
            await self.link.send(requests)
        else:
            for request in requests:
                await self.link.send(request)
        return [
            await self._in_time(reply, f"the reply to {request!r}")
            for reply, request in zip(replies, requests, strict=True)
        ]

    async def post(self, packet: Packet) -> None:
        """Send a packet without `id`, which gets no reply."""
        await self.link.send(packet)

    async def send_frame(self, frame: Frame) -> None:
        """Send these bytes (or this text) as one WebSocket message."""
        await self.link.send_frame(frame)

    async def reply_to_frame(self, frame: Frame, request_id: int) -> Packet:
        """Send a frame that the test made itself, with a request of this id, and return the reply."""
        reply = self.allow_reply(request_id)
        await self.link.send_frame(frame)
        return await self._in_time(reply, f"the reply to request {request_id}")

    def allow_reply(self, request_id: int) -> "asyncio.Future[Packet]":
        """Allow one reply to this id; the future need not be awaited."""
        return self._expect_reply({"type": UNTYPED, "id": request_id})

    # Endings

    async def expect_bye(self, close: int, *, within_s: float = TIMEOUT_S) -> Packet:
        """Wait until the server says `bye` with this close code and closes with it; return the `bye`."""
        bye = await self.receive("bye", within_s=within_s)
        assert bye["close"] == close, f"expected bye {close}, got {bye!r}"
        await self.expect_close(close, within_s=within_s)
        assert self.link.close_reason == bye["reason"]
        return bye

    async def expect_close(self, *codes: int, within_s: float = TIMEOUT_S) -> None:
        """Wait until the link closes with one of these codes."""
        await self._in_time(asyncio.shield(self._listening), f"close {codes}", within_s)
        self.check_promises()
        assert self.link.close_code in codes, f"expected close {codes}, got {self.link.close_code}"

    def cut(self) -> None:
        """Lose the network: reset the TCP connection."""
        self.link.cut()

    async def hang_up(self, code: int = 1000) -> None:
        """Close the link as a client does, and stop listening."""
        await self.link.close(code)
        await self.stop_listening()
        self.check_promises()

    async def stop_listening(self) -> None:
        """Return when the link is closed and everything before that was read."""
        await self._in_time(asyncio.shield(self._listening), "the link to close")

    @property
    def is_connected(self) -> bool:
        return not self._listening.done()

    def check_promises(self) -> None:
        """Raise the first promise that the server broke on this connection, if any."""
        if self._failure is not None:
            raise self._failure

    # Pushes

    async def receive(self, kind: str, *, within_s: float = TIMEOUT_S, **match: Any) -> Packet:
        """Return the first waiting push of this type whose keys equal `match`; others keep waiting."""

        def take() -> Packet | None:
            for push in self._pushes:
                if push["type"] == kind and all(push.get(name) == value for name, value in match.items()):
                    self._pushes.remove(push)
                    return push
            return None

        return await self._wait_for(take, f"push {kind} {match}", within_s)

    async def wait_for_ping(self, *, within_s: float = TIMEOUT_S) -> None:
        """Return when the server has sent another ping."""
        before = self._count("ping")
        await self._wait_for(lambda: True if self._count("ping") > before else None, "a ping", within_s)

    async def catch_up(self) -> None:
        """Return when everything that the server had queued for this connection has arrived: a ping round trip."""
        await self.request({"type": "ping"})

    async def expect_silence(self, *kinds: str) -> None:
        """Check that nothing waits and nothing was on its way: no push at all, or none of these types."""
        await self.catch_up()
        unheard = [push for push in self.waiting() if not kinds or push["type"] in kinds]
        assert not unheard, f"{self.name} heard {unheard!r}"

    async def forget(self) -> None:
        """Catch up and drop everything that waits."""
        await self.catch_up()
        self._pushes.clear()
        self._events.clear()

    def waiting(self) -> list[Packet]:
        """The pushes and events that no method has taken yet."""
        events = [
            {"type": "event", "room": room, "events": list(events)}
            for room, events in self._events.items()
            if events
        ]
        return [*self._pushes, *events]

    def _count(self, kind: str) -> int:
        return sum(packet.get("type") == kind for packet in self.heard)

    def _numbered(self, packet: Packet) -> Packet:
        return packet if "id" in packet else {**packet, "id": next(self._ids)}

    def _expect_reply(self, request: Packet) -> "asyncio.Future[Packet]":
        self._promises.asked(request)
        reply: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        self._replies[request["id"]] = reply
        if self._listening.done():
            reply.cancel()
        return reply

    # Reading

    async def _listen(self) -> None:
        try:
            async for packet in self.link.packets():
                await self._hear(packet)
        except AssertionError as failure:
            self._failure = failure
            self.link.cut()
        finally:
            self._news.set()
            for reply in self._replies.values():
                reply.cancel()

    async def _hear(self, packet: Packet) -> None:
        self.heard.append(packet)
        self._promises.hear(packet)
        if "id" in packet:
            reply = self._replies.pop(packet["id"])
            if not reply.done():
                reply.set_result(packet)
        elif packet["type"] != "ping":
            self._keep(packet)
        elif self.answers_pings:
            await self.link.send({"type": "pong"})
        self._news.set()

    def _keep(self, packet: Packet) -> None:
        if packet["type"] == "event":
            self._events.setdefault(packet["room"], deque()).extend(packet["events"])
        else:
            self._pushes.append(packet)

    async def _wait_for(self, take: Callable[[], T | None], wanted: str, within_s: float) -> T:
        try:
            async with asyncio.timeout(within_s):
                while (found := take()) is None:
                    self.check_promises()
                    assert self.is_connected, f"{self.name} waits for {wanted}: {self._ending()}"
                    self._news.clear()
                    await self._news.wait()
                return found
        except TimeoutError:
            raise AssertionError(f"{self.name} waits for {wanted}, has {self.waiting()!r}") from None

    async def _in_time(self, coming: "asyncio.Future[T]", wanted: str, within_s: float = TIMEOUT_S) -> T:
        try:
            # wait_for of Python 3.11 swallows a cancellation that meets the result, and a bare await cancels `coming`.
            async with asyncio.timeout(within_s):
                return await asyncio.shield(coming)
        except TimeoutError:
            self.check_promises()
            raise AssertionError(f"{self.name} waits for {wanted}, has {self.waiting()!r}") from None
        except asyncio.CancelledError:
            if not coming.cancelled():
                raise
            self.check_promises()
            raise AssertionError(f"{self.name} waits for {wanted}: {self._ending()}") from None

    def _ending(self) -> str:
        return f"the link closed with {self.link.close_code} after {self.heard[-3:]!r}"
