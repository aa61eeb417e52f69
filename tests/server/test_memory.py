"""The memory of honest and hostile connections, compared with `chatd config show --memory`."""

import asyncio
import os
import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from chatd.config.memory import memory_of
from chatd.config.model import Config
from chatd.core.read_set import most_rooms
from tests.hostile.attacker import Attacker
from tests.hostile.client_bytes import frame
from tests.kit import http
from tests.kit.client import TestClient, fresh_key
from tests.kit.daemon import DaemonProcess, daemon_process
from tests.kit.frames import BINARY, BINARY_START, MIDDLE, PING
from tests.kit.soak import scaled
from tests.kit.tokens import token_for

MANY, FEW = 200, 40  # connections of a shape; of one that makes the daemon hold a megabyte each
DAY_S = 86_400.0  # the longest life of a token, and longer than any soak
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
LOOK_S, STILL = 0.05, 4  # memory is stable when so many looks find the same
JITTER_BYTES = 128 << 10  # the log and the timers go on
CYCLES = scaled(3_000, 100_000)
AT_ONCE = 25
LEFT_MAX = 0.10  # of the daemon's memory: arenas that hold one living object
PAGES = 60  # of 70 KB: what the kernel buffers for a client that does not read, and more than its outbox may
LONG_ONES = 16  # with 40 who send them 10 MB, which the writer holds several times over while it stores them
SMALL_WINDOW = 4096  # bytes the kernel takes for somebody who reads nothing

# Nothing is to end while it is measured, and nobody is to be refused for coming from here.
PATIENT = {
    "LISTEN__REQUEST_DEADLINE_S": "100",
    "LIMITS__HELLO_TIMEOUT_S": "100",
    "LIMITS__CONNECTIONS_PER_ADDRESS": "5000",
    "LIMITS__UNAUTHENTICATED_PER_ADDRESS": "1000",
}


@cache
def token_of(user: str) -> str:
    """One token for each user, as a phone has: the daemon remembers those it verified, up to a bound of its own."""
    return token_for(user, lifetime_s=DAY_S)


class Place:
    """A daemon process with alice, who has a room full of long messages with all the others in it."""

    def __init__(self, server: DaemonProcess, alice: TestClient, room: str) -> None:
        self.server = server
        self.alice = alice
        self.room = room
        parts = urlsplit(server.url)
        self._address = str(parts.hostname), int(parts.port or 0)

    async def socket(self) -> Attacker:
        return await Attacker.connect(*self._address)

    async def stranger(self) -> Attacker:
        attacker = await self.socket()
        await attacker.upgrade("msgpack")
        return attacker

    async def member(self, number: int) -> Attacker:
        attacker = await self.stranger()
        await attacker.say_hello(f"member{number}", token_of(f"member{number}"))
        return attacker

    async def deaf(self, number: int) -> Attacker:
        """A member who reads nothing any more, and whose kernel buffers little."""
        mute = socket.socket()
        mute.setblocking(False)
        mute.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
        await asyncio.get_running_loop().sock_connect(mute, self._address)
        attacker = Attacker(*await asyncio.open_connection(sock=mute))
        await attacker.upgrade("msgpack")
        await attacker.say_hello(f"member{number}", token_of(f"member{number}"))
        attacker.writer.transport.pause_reading()  # type: ignore[attr-defined]
        return attacker

    def resident(self) -> int:
        return int(Path(f"/proc/{self.server.pid}/statm").read_text().split()[1]) * PAGE_BYTES

    async def stable_bytes(self) -> int:
        """The memory of the daemon once everything sent to it has had its effect."""
        last, still = self.resident(), 0
        while still < STILL:
            await self.alice.catch_up()
            await asyncio.sleep(LOOK_S)
            now = self.resident()
            still = still + 1 if abs(now - last) < JITTER_BYTES else 0
            last = now
        return last

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.server.pid}/fd"))

    async def is_empty(self) -> None:
        """Return when the daemon counts nobody but alice, and has closed every socket of the others."""
        async with asyncio.timeout(60):
            while True:
                metrics = (await http.request(f"{self.server.ops_url}/metrics")).body.decode()
                here = re.findall(r'^chatd_connections\{state="(\w+)"\} (\S+)', metrics, re.MULTILINE)
                if dict(here) == {"ready": "1.0", "unauthenticated": "0.0"}:
                    return
                await asyncio.sleep(LOOK_S)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with daemon_process(tmp_path, **PATIENT) as server:
        alice = await TestClient.connect(server.url, "alice")
        await alice.say_hello()
        room = await alice.create_group("all", *[f"member{number}" for number in range(99)])
        for start in range(99, MANY, 99):
            more = [f"member{number}" for number in range(start, min(start + 99, MANY))]
            await alice.mutate("members.add", room, users=more)
        for _ in range(100):
            await alice.send(room, "x" * 15_000)
        yield Place(server, alice, room)
        await alice.hang_up()


# --- what hostile clients do


async def nothing(attacker: Attacker, place: Place) -> None:
    """Be there."""


async def half_a_head(attacker: Attacker, place: Place) -> None:
    attacker.send(b"GET /v1/ws HTTP/1.1\r\nHost: chatd\r\nX-Padding: " + b"y" * 15_000)


def half_a_frame(size: int) -> "Act":
    async def send(attacker: Attacker, place: Place) -> None:
        attacker.send(frame(b"x" * size)[:-1])

    return send


def fragments(count: int, size: int) -> "Act":
    async def send(attacker: Attacker, place: Place) -> None:
        attacker.send(frame(b"x" * size, BINARY_START) + frame(b"x" * size, MIDDLE) * (count - 2))

    return send


async def pings(attacker: Attacker, place: Place) -> None:
    attacker.send(frame(b"x" * 125, PING) * 29)


async def nesting(attacker: Attacker, place: Place) -> None:
    attacker.send(frame(b"\xdd\x00\x00\xff\xf0" * 13_000, BINARY))


async def empty_maps(attacker: Attacker, place: Place) -> None:
    head = b"\x82\xa4type\xa4send\xa4body\xdd\x00\x00\xf0\x00"
    attacker.send(frame(head + b"\x80" * 61_440))


async def everybody_watched(attacker: Attacker, place: Place) -> None:
    attacker.send_packet({"type": "watch", "id": 5, "users": [f"somebody{n}" for n in range(200)]})


async def pages_unread(attacker: Attacker, place: Place) -> None:
    for number in range(PAGES):
        attacker.send_packet({"type": "history", "id": 10 + number, "room": place.room, "limit": 100})


async def batches_unread(attacker: Attacker, place: Place) -> None:
    for _ in range(4):
        attacker.send_packet([post(place.room, number, 900) for number in range(60)])


async def long_messages_unread(attacker: Attacker, place: Place) -> None:
    for number in range(LONG_ONES):
        attacker.send_packet(post(place.room, number, 15_000))


def post(room: str, number: int, size: int) -> dict[str, Any]:
    body = {"text": "y" * size}
    return {"type": "send", "id": 10 + number, "room": room, "key": fresh_key(), "body": body}


Act = Callable[[Attacker, Place], Awaitable[None]]
Come = Callable[[Place, int], Awaitable[Attacker]]


@dataclass(frozen=True)
class Shape:
    """So many connections that come in one way and do one thing; `bound` names what each may cost."""

    name: str
    bound: str
    come: Come
    act: Act
    count: int = MANY


def silent(place: Place, number: int) -> Awaitable[Attacker]:
    return place.socket()


def strange(place: Place, number: int) -> Awaitable[Attacker]:
    return place.stranger()


SHAPES = (
    Shape("in a room and idle", "idle", Place.member, nothing),
    Shape("sockets that say nothing", "idle", silent, nothing),
    Shape("heads that do not end", "stranger", silent, half_a_head),
    Shape("strangers that say nothing", "stranger", strange, nothing),
    Shape("strangers with half a frame", "stranger", strange, half_a_frame(8192)),
    Shape("strangers with fragments", "stranger", strange, fragments(63, 100)),
    Shape("strangers with far too much", "stranger", strange, half_a_frame(300_000)),
    Shape("half a frame", "worst", Place.member, half_a_frame(65_536)),
    Shape("fragments", "worst", Place.member, fragments(63, 1000)),
    Shape("far too much", "worst", Place.member, half_a_frame(4_000_000), FEW),
    Shape("fragments without end", "worst", Place.member, fragments(4_000, 1000), FEW),
    Shape("pings", "worst", Place.member, pings),
    Shape("nesting", "worst", Place.member, nesting),
    Shape("empty maps", "worst", Place.member, empty_maps),
    Shape("everybody watched", "worst", Place.member, everybody_watched),
    Shape("pages unread", "worst", Place.deaf, pages_unread, FEW),
    Shape("batches unread", "worst", Place.deaf, batches_unread, FEW),
    Shape("long messages unread", "worst", Place.deaf, long_messages_unread, FEW),
)


async def test_no_connection_costs_more_than_is_stated(place: Place) -> None:
    """Every shape against the memory before the first: what an earlier one left counts against the later ones."""
    stated = memory_of(Config())
    await visits(place, 10)
    before, opened = await place.stable_bytes(), place.descriptors()
    for shape in SHAPES:
        there = [await shape.come(place, number) for number in range(shape.count)]
        for attacker in there:
            await shape.act(attacker, place)
        each = (await place.stable_bytes() - before) / shape.count
        for attacker in there:
            await attacker.leave()
        await place.is_empty()
        assert each <= getattr(stated, shape.bound), f"{shape.name}: {each / 1024:.0f} KiB each"
    assert place.descriptors() <= opened


async def test_a_user_in_as_many_rooms_as_may_be_costs_no_more_than_is_stated(tmp_path: Path) -> None:
    limits, stated = Config().limits, memory_of(Config())
    async with daemon_process(tmp_path, **PATIENT) as server:
        await server.terminate()
        fill(server.database, "ann", most_rooms(limits.rooms_per_user))
        await server.start()
        alice = await TestClient.connect(server.url, "alice")
        await alice.say_hello()
        place = Place(server, alice, "")

        async def comes() -> TestClient:
            client = await TestClient.connect(server.url, "ann", token=token_of("ann"))
            assert (await client.say_hello())["sync"]["totals"]["rooms"] == most_rooms(limits.rooms_per_user)
            return client

        await (await comes()).hang_up()
        await place.is_empty()
        before = await place.stable_bytes()
        there = [await comes() for _ in range(limits.connections_per_user)]
        each = (await place.stable_bytes() - before) / len(there)
        assert each <= stated.full, f"{each / 1024:.0f} KiB each"
        for client in (*there, alice):
            await client.hang_up()


def fill(database: Path, user: str, count: int) -> None:
    """Put `user` into so many groups of their own."""
    zeros = "1, 0, 0, 1, 0, 1, 't', '', 0, x'', NULL, 0, 0, 0, x'', 0, 0, 0, 0"
    room = f"INSERT INTO rooms VALUES (?1, ?2, 'group', ?3, 0, NULL, NULL, {zeros})"
    member = "INSERT INTO members VALUES (?3, ?1, 'owner', 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, x'', 1, '', 0, 0)"
    with closing(sqlite3.connect(database)) as connection:
        for statement in (room, member):
            rows = [(number, f"g{number:011}", user) for number in range(1_000, 1_000 + count)]
            connection.executemany(statement, rows)
        connection.execute("INSERT INTO memberships VALUES (?, ?)", (user, count))
        connection.commit()


async def visits(place: Place, count: int) -> None:
    """People come and go, some politely, some not, some without a word."""

    async def one(number: int) -> None:
        if number % 3 == 0:
            await (await place.stranger()).leave()
            return
        attacker = await place.member(number % MANY)
        if number % 3 == 1:
            attacker.send(frame(b"\x03\xe8", 0x88))
            await attacker.outcome()
        await attacker.leave()

    for start in range(0, count, AT_ONCE):
        await asyncio.gather(*(one(number) for number in range(start, min(start + AT_ONCE, count))))
    await place.is_empty()


@pytest.mark.timeout(1200 + CYCLES // 5)
async def test_those_who_came_and_went_leave_nothing(place: Place) -> None:
    await visits(place, CYCLES // 3)
    before, opened = await place.stable_bytes(), place.descriptors()
    await visits(place, CYCLES)
    after = await place.stable_bytes()
    assert after <= before * (1 + LEFT_MAX), f"{before >> 10} KiB before, {after >> 10} KiB after"
    assert place.descriptors() <= opened
