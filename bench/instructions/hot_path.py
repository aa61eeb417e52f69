"""The inside of a daemon with a real store and no sockets, who is connected to it, and the parts of its hot path.

Time stands still, so that no timer, no rate and no token depends on how fast somebody counts.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from string import ascii_lowercase
from typing import Any, cast

import msgpack

from chatd.auth.verifier import token_verifier
from chatd.config import model
from chatd.config.rates import Rates
from chatd.config.secret import Secret
from chatd.core.allowances import Allowances
from chatd.core.decisions import DECISIONS
from chatd.core.filters import Filter
from chatd.core.maintenance import Barrier
from chatd.core.read_set import ReadSet
from chatd.core.unread_counts import count_out
from chatd.core.write_set import NewEvent, WriteSet
from chatd.delivery import encoding
from chatd.delivery.event_pushes import event_push
from chatd.env import Timer
from chatd.moderation.compiling import compiled
from chatd.protocol.codec import decode_packets, decode_request
from chatd.server.app import App
from chatd.server.rules import rules_of
from chatd.server.system_env import SystemEnv
from chatd.session.dispatcher import Dispatcher
from chatd.session.session import Session
from chatd.storage.sqlite.commit import commit
from chatd.storage.sqlite.connection import writable
from chatd.storage.sqlite.directory import Directory
from chatd.storage.sqlite.store import SqliteStore
from chatd.storage.sqlite.write_set import Batch, batch_of
from chatd.writer.judged_rooms import JudgedRooms
from chatd.writer.screening import Screening, ScreeningRules
from chatd.writer.submission import Submission
from chatd.writer.writer import Writer, decide

OUTBOXES, ROOMS = 100, 20
TEXT = "We leave at a quarter to eight, platform 4."
START_MS = 1_763_900_000_000
PLENTY = 1_000_000  # of every rate: the buckets are kept as always, and nobody is refused
SECRET = "only-known-in-this-very-process-here"

Packet = dict[str, Any]


class Never:
    def cancel(self) -> None: ...


class Standstill(SystemEnv):
    """Time that does not pass, and chance that repeats itself."""

    def __init__(self) -> None:
        self._random = random.Random(1)

    def now_ms(self) -> int:
        return START_MS

    def monotonic(self) -> float:
        return 1.0

    def thread_cpu_s(self) -> float:
        return 1.0

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        return Never()


class NullConnection:
    """A connection whose kernel takes everything at once."""

    text = False
    address = ""

    def write(self, frame: bytes) -> None: ...

    def buffered_bytes(self) -> int:
        return 0

    def close(self, code: int, reason: str) -> None: ...

    def abort(self) -> None: ...

    cork = uncork = pause_reading = resume_reading = abort


class FrameReceiver(NullConnection):
    """A connection whose owner waits for what comes."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self._waits: asyncio.Future[None] | None = None

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)
        if self._waits is not None and not self._waits.done():
            self._waits.set_result(None)

    async def wait_frame(self) -> None:
        self._waits = asyncio.get_running_loop().create_future()
        await self._waits


class People:
    """Ann and Bob write to each other, a crowd has one room on the screen, guests of some rooms come and go."""

    def __init__(self, settings: model.Config, store: SqliteStore, guests: int) -> None:
        env = Standstill()
        self.config = settings
        self.identity = token_verifier(settings.auth, env, settings.storage.directory)
        self.app = App(settings, env, store, self.identity)
        self.connection = writable(Directory(settings.storage.directory).database)  # not the daemon's
        self.receivers = [FrameReceiver()]  # the first is Ann's
        self.guests = [f"guest{number}" for number in range(guests)]
        self._reads = ReadSet(rules_of(settings), self.app.rooms.cache.rooms)
        self._numbers = count()

    async def gather(self) -> None:
        crowd = [f"crowd{number}" for number in range(OUTBOXES)]
        self.pair = await self._room({"type": "room.direct", "user": "bob"})
        self.group = await self._room(self._group(crowd))
        for _ in range(ROOMS):
            await self._carry(self.send(await self._room(self._group(self.guests))))
        self.ann = await self.connect("ann", self.receivers[0])
        for user in ("bob", *crowd):
            await self.connect(user, NullConnection())
        for user in self.guests:
            (await self.connect(user, NullConnection())).closed(1000)
        self.app.context.last_seen.flush()
        await self.app.writer.submit_and_wait("", Barrier())

    def decides(self, room: str) -> WriteSet:
        request = decode_request(frame_of(self.send(room)), False)
        return self.decided(request)

    def decided(self, *requests: Any) -> WriteSet:
        writes = WriteSet(now=START_MS, stamp=self.app.store.stamp)
        for request in requests:
            decide(Submission("ann", request), writes, self._reads)
        count_out(writes)
        return writes

    def new_receiver(self) -> FrameReceiver:
        self.receivers.append(FrameReceiver())
        return self.receivers[-1]

    def send(self, room: str) -> Packet:
        key = f"key-{next(self._numbers):012}"
        return {"type": "send", "id": 7, "room": room, "key": key, "body": {"text": TEXT}}

    def hello(self, user: str) -> bytes:
        """The frame of a hello with a token never seen before."""
        token = self.identity.mint(user, 3600, jti=f"{next(self._numbers):08}")
        device = f"device-of-{user:-<12}"
        return frame_of({"type": "hello", "id": 1, "version": 1, "token": token, "device": device})

    async def connect(self, user: str, wire: NullConnection) -> Session:
        session = self.say_hello(self.hello(user), wire)
        await asyncio.wait(set(self.app.rate_limits.tasks))
        return session

    def say_hello(self, hello: bytes, wire: NullConnection) -> Session:
        session = self.app.session()
        session.opened(wire)
        session.received(hello)
        return session

    def _group(self, users: list[str]) -> Packet:
        key = f"key-{next(self._numbers):012}"
        group = {"kind": "group", "title": "A group", "users": users}
        return {"type": "room.create", "id": 1, "key": key, **group}

    async def _room(self, packet: Packet) -> str:
        return str((await self._carry(packet)).summary.room)

    async def _carry(self, packet: Packet) -> Any:
        (request,) = decode_packets(frame_of(packet), False)
        return await self.app.writer.submit_and_wait("ann", request)


def frame_of(packet: Packet) -> bytes:
    encoded: bytes = msgpack.packb(packet)
    return encoded


@asynccontextmanager
async def running_people(directory: Path, guests: int) -> AsyncIterator[People]:
    settings = model.Config(
        auth=model.Auth(secret=Secret(SECRET)),
        limits=model.Limits(in_flight=PLENTY),
        rates=Rates(
            requests_burst=PLENTY,
            bytes_burst=1 << 30,
            writes_burst=PLENTY,
            room_burst=PLENTY,
            hello_user_per_min=PLENTY,
            hello_address_per_min=PLENTY,
            added_per_day=PLENTY,
            stored_bytes_per_day=1 << 40,
        ),
        storage=model.Storage(directory=str(directory), min_free_bytes=0, readers=1),
    )
    store = await SqliteStore.open(settings.storage, Standstill())
    people = People(settings, store, guests)
    people.app.writer.start()
    try:
        await people.gather()
        yield people
    finally:
        await people.app.writer.stop()
        people.app.passwords.close()
        people.connection.close()
        await store.close()


MEANINGS = {
    "send": "all of a send in a direct room, from its frame until both are told, threads included",
    "hello": "all of a hello of a known device with a new token and 20 rooms, threads included",
    "decode": "one frame with one send, to its struct",
    "check": "that send: rates, what the token allows, host data; given to the writer",
    "filters": "that send looked through for 50,000 words and 200 patterns, where moderation is on",
    "decide": "that send as a batch of its own: numbered, keyed, encoded for the log",
    "rows": "the rows of that batch",
    "sqlite": "those rows as one transaction in the file",
    "encode": "the push of that message, framed",
    "push": "a batch of one message told to 100 connections that flow",
}


@dataclass(frozen=True)
class Part:
    """`call` does the work once, with what `make` gave it before anything was counted."""

    call: Callable[[Any], Any]
    make: Callable[[], Any] = lambda: None
    waits: bool = False  # a coroutine function


def parts(people: People) -> dict[str, Part]:
    """Every part. Those that go past the writer leave memory ahead of it, so they come last."""
    return {"send": _send(people), "hello": _hello(people), **_pieces(people)}


def _send(people: People) -> Part:
    async def call(frame: bytes) -> None:
        people.ann.received(frame)
        await people.receivers[0].wait_frame()

    return Part(call, lambda: frame_of(people.send(people.pair)), waits=True)


def _hello(people: People) -> Part:
    users = iter(people.guests)

    async def call(made: tuple[bytes, FrameReceiver]) -> None:
        frame, receiver = made
        people.say_hello(frame, receiver)
        await receiver.wait_frame()

    return Part(call, lambda: (people.hello(next(users)), people.new_receiver()), waits=True)


def _pieces(people: People) -> dict[str, Part]:
    app, deflate_min = people.app, people.config.delivery.deflate_min_bytes
    frame = frame_of(people.send(people.pair))
    request = decode_request(frame, False)
    taken = replace(app.context, writer=cast(Writer, Taker()), submit=take)
    dispatcher = Dispatcher(taken, app.rate_limits, people.ann)
    screening = screening_of(app)
    writes, told = people.decides(people.pair), people.decides(people.group)
    new = new_events(writes)

    def write(batch: Batch) -> None:
        commit(people.connection, batch)

    return {
        "decode": Part(lambda _: decode_request(frame, False)),
        "check": Part(lambda _: dispatcher.handle(request, None)),
        "filters": Part(lambda _: screening.submit(Submission("ann", request))),
        "decide": Part(lambda _: people.decided(request)),
        "rows": Part(lambda _: batch_of(writes)),
        "sqlite": Part(write, lambda: batch_of(people.decides(people.pair))),
        "encode": Part(lambda _: encoding.frame_of(event_push(new), encoding.MSGPACK, deflate_min)),
        "push": Part(lambda _: app.fanout.publish(told)),
    }


def new_events(writes: WriteSet) -> list[NewEvent]:
    return [step for steps in writes.steps.values() for step in steps if isinstance(step, NewEvent)]


class Taker:
    """In the place of the writer, which nobody asks."""


def take(submission: Submission) -> None:
    """In the place of the door to the writer: take everything and do nothing."""


def screening_of(app: App) -> Screening:
    """Return screening by as many words and patterns as there may be, none of which is in TEXT."""
    settings = app.context.config.moderation
    chance = random.Random(1)
    words = {"".join(chance.choices(ascii_lowercase, k=8)) for _ in range(settings.words_max)}
    patterns = tuple(rf"\b(buy|sell)\s+{word}\b" for word in sorted(words)[: settings.patterns_max])
    env = app.context.env
    judged_rooms = JudgedRooms(app.read_set_loader, app.store, env, Allowances(), DECISIONS)
    screening = Screening(take, judged_rooms, env, app.counters, app.rate_limits.keep_task)
    screening.reconfigure(ScreeningRules(new_account_ms=settings.new_account_h * 3_600_000))
    screening.adopt(compiled([Filter("bench", words=tuple(words), patterns=patterns)]))
    return screening
