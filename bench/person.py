"""One person of a replay: a device that connects, says hello with its cursor, is cut off, and comes back."""

from __future__ import annotations

import asyncio
import random
import ssl
import time

from bench.codec import Packet
from bench.frames import HandshakeError
from bench.phone import REQUEST_TIMEOUT_S, Phone, Refused
from bench.reader import Reader
from bench.server import Unreachable
from bench.target import Target
from bench.trace import Message
from bench.writer import Writer

FOCUS_MAX = 8  # `limits.focus`
INLINE_EVENTS = 50  # the most a hello may bring of each room; the rest comes by `log`
BACKOFF_S = 0.1  # a phone waits up to 1 s; shorter here, so that more of the traffic meets a returning phone
BACKOFF_CAP_S = 5.0  # a phone waits up to 60 s; nobody watches a bench that long

_FAILURES = (OSError, TimeoutError, HandshakeError, ssl.SSLError)


class Person:
    """A user with one device. `live` runs until `leave`."""

    def __init__(self, device: str, focus: list[str], reader: Reader, writer: Writer, target: Target) -> None:
        self.user = reader.user
        self.reader = reader
        self.ready = asyncio.Event()  # hello is answered, and its pages read
        self._writer = writer
        self._target = target
        self._figures = reader.figures
        self._hello: Packet = {
            "type": "hello",
            "version": 1,
            "token": target.token(reader.user),
            "device": device,
            "events": INLINE_EVENTS,
            "previews": False,
            "focus": focus[:FOCUS_MAX],
        }
        self._phone: Phone | None = None
        self._leaving = False
        self._cut_ns = 0
        self._retry_after_s = 0.0
        reader.on_repaired = self._check_resumed

    @property
    def caught_up(self) -> bool:
        """Whether the person is connected and misses nothing he knows of."""
        return self.ready.is_set() and not self.reader.behind

    def say(self, room: str, message: Message) -> None:
        """Sends a message, or keeps it until there is a connection."""
        self._writer.say(room, message)

    def cut(self) -> None:
        """Cuts the connection if hello was answered; otherwise there is nothing to cut."""
        if self._phone is not None and self.ready.is_set():
            self.ready.clear()
            self._figures.cuts += 1
            self._cut_ns = self._cut_ns or time.perf_counter_ns()
            self._phone.cut()

    async def request(self, packet: Packet) -> Packet:
        """One request on the present connection, or on the next. Raises Refused, Unreachable."""
        try:
            await asyncio.wait_for(self.ready.wait(), REQUEST_TIMEOUT_S)
            assert self._phone is not None
            return await self._phone.request(packet)
        except TimeoutError:
            raise Unreachable(f"{self.user} got no answer to {packet['type']}") from None

    async def leave(self) -> None:
        """Closes the connection and lets `live` end."""
        self._leaving = True
        if self._phone is not None:
            await self._phone.close()

    async def live(self) -> None:
        """Connects, and connects again whenever the connection ends. Raises Refused when that is no use."""
        attempts = 0
        while not self._leaving:
            try:
                await self._visit()
                attempts = 0
            except Refused as refusal:
                if refusal.packet.get("retry") == "never":
                    raise
                self._fail(refusal)
                self._retry_after_s = refusal.packet.get("retry_after", 0) / 1000
            except _FAILURES as error:
                self._fail(error)
            await asyncio.sleep(self._backoff_s(attempts))
            attempts += 1

    async def _visit(self) -> None:
        """One connection from dialling to its end."""
        async with self._target.handshakes:
            started_ns = time.perf_counter_ns()
            phone = await self._target.dial()
            try:
                await self._enter(phone)
            except BaseException:
                phone.cut()
                self._gone()
                raise
            self._figures.connects.record(time.perf_counter_ns() - started_ns)
        end = await phone.lost
        self._gone()
        if phone.garbled:
            self._figures.tally.add("altered", f"{self.user} got what cannot be read: {phone.garbled}")
        if not self._cut_ns and not self._leaving:
            self._figures.drops[end] += 1
            self._cut_ns = time.perf_counter_ns()

    def _gone(self) -> None:
        self.ready.clear()
        self._phone = None
        self.reader.lost()
        self._writer.lost()

    async def _enter(self, phone: Phone) -> None:
        """Hello and all pages of its sync. What comes behind the reply is handled after it, never before."""
        self.reader.connected(phone, self._target.encoding)
        phone.on_push = self._pushed
        entered: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()

        def answered(reply: Packet) -> None:
            if reply["type"] == "ok":
                self._welcome(phone, reply)
            if not entered.done():
                entered.set_result(reply)

        phone.ask(self._hello, answered)
        reply = await entered
        if reply["type"] != "ok":
            raise Refused(reply)
        page = reply["sync"]
        while "more" in page:
            page = await phone.request({"type": "sync", "more": page["more"]})
            self.reader.summaries(page["rooms"])
        self._figures.resumes += "cursor" in self._hello
        self._hello |= {"epoch": reply["epoch"], "cursor": page["cursor"]}
        self.ready.set()
        self._check_resumed()

    def _welcome(self, phone: Phone, reply: Packet) -> None:
        self._phone = phone
        self.reader.summaries(reply["sync"]["rooms"])
        self._writer.connected(phone)

    def _check_resumed(self) -> None:
        if self._cut_ns and self.ready.is_set() and self.reader.resumed:
            self._figures.absences.record(time.perf_counter_ns() - self._cut_ns)
            self._cut_ns = 0

    def _pushed(self, push: Packet) -> None:
        if push["type"] == "bye":
            self._retry_after_s = push.get("retry_after", 0) / 1000
        self.reader.push(push)

    def _fail(self, error: Exception) -> None:
        self._figures.failures[str(error) or type(error).__name__] += 1

    def _backoff_s(self, attempts: int) -> float:
        lower_s, self._retry_after_s = self._retry_after_s, 0.0
        longest_s = min(BACKOFF_CAP_S, BACKOFF_S * 2**attempts)
        return lower_s + random.uniform(0, longest_s)
