"""People who suffer under an attack, or do not: some write to each other in pairs, others come in."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable

from bench.checks import Tally
from bench.client.dialogue import Refused
from bench.client.phone import Phone
from bench.codec import Packet
from bench.histogram import Histogram

Dial = Callable[[], Awaitable[Phone]]

PAIRS = 5
RATE = 20.0  # messages a second of all pairs: each below `rates.writes_per_s`
SETTLE_S = 30.0  # for what is on its way at the end; an acknowledgement that takes longer never came
FIRST_S = 1.0  # an attacker who is out by then is out in time


class Stretch:
    """Everything honest people met between two moments; `later` leaves the first FIRST_S out."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.acks = Histogram()
        self.later = Histogram()
        self.hellos = Histogram()
        self.hellos_refused = 0

    def acked(self, due: float) -> None:
        """A message that was due then is durable, and acknowledged."""
        took_ns = int((time.perf_counter() - due) * 1e9)
        self.acks.record(took_ns)
        if due - self.began >= FIRST_S:
            self.later.record(took_ns)


class Pairs:
    """One of each pair writes to the other, in turn, by a schedule that waits for nobody.

    Whatever is acknowledged has to reach the other, once.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._writers: list[tuple[Phone, str]] = []
        self._numbers = itertools.count()
        self._unanswered: set[str] = set()
        self._acked: set[str] = set()
        self._received: set[str] = set()

    def add(self, writer: Phone, reader: Phone, room: str) -> None:
        self._writers.append((writer, room))
        reader.on_push = self._pushed

    async def write(self, stretch: Stretch, seconds: float) -> None:
        began = time.perf_counter()
        for number in range(int(seconds * RATE)):
            due = began + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            self._send(stretch, due)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                while self._unanswered:
                    await asyncio.sleep(0.01)

    def check(self) -> None:
        for key in self._unanswered:
            self._tally.add("unacked", f"{key} was never acknowledged")
        for key in self._acked - self._received:
            self._tally.add("lost", f"{key} was acknowledged and never delivered")

    def _send(self, stretch: Stretch, due: float) -> None:
        number = next(self._numbers)
        (writer, room), key = self._writers[number % len(self._writers)], f"honest-{number:015d}"
        packet = {"type": "send", "room": room, "key": key, "body": {"text": f"Message {key}"}}
        self._unanswered.add(key)

        def answered(reply: Packet) -> None:
            if reply["type"] != "ok":
                self._tally.add("unacked", f"{key} was refused: {reply.get('code')}")
            else:
                self._acked.add(key)
            self._unanswered.discard(key)
            stretch.acked(due)

        writer.ask(packet, answered)

    def _pushed(self, packet: Packet) -> None:
        for event in packet.get("events", ()) if packet["type"] == "event" else ():
            # The event that a room begins with has no key.
            key = event.get("key")
            if key is None:
                continue
            if key in self._received:
                self._tally.add("duplicated", f"{key} was delivered twice")
            self._received.add(key)


async def come_in(dial: Dial, hello: Callable[[], Packet], stretch: Stretch, every_s: float) -> None:
    """One new connection after the other, from dialling to the answered hello, until cancelled."""
    while True:
        began = time.perf_counter()
        try:
            phone = await dial()
            await phone.request(hello())
        except (OSError, TimeoutError, Refused):
            stretch.hellos_refused += 1
        else:
            stretch.hellos.record(int((time.perf_counter() - began) * 1e9))
            phone.cut()
        await asyncio.sleep(max(0.0, every_s - (time.perf_counter() - began)))
