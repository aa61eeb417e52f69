"""The attacks: what is sent, how often, by whom; and the process that carries one out, so that it costs honest people
nothing but what it costs the daemon.

Each is something that one account, or nobody at all, could do, and bounded in its rate: it shows what a request costs
the others, not what a full line does.
"""

import asyncio
import contextlib
import itertools
import json
import multiprocessing
import os
import secrets
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench import wire
from bench.client.device import Address, Refused
from bench.client.phone import Phone, connect
from bench.server import http
from bench.wire import ENCODINGS, Packet

HASH_PRIME = (1 << 61) - 1  # an integer below it is its own hash in CPython
_LANE, _ROUND, _SEED = 14_029_467_366_897_019_727, 11_400_714_785_074_694_791, 2_870_177_450_012_600_261
_WORD = (1 << 64) - 1
FRAME_BYTES = 65_000  # as much as a frame may have, nearly
FIRST_FRAME_BYTES = 8_000

pack = ENCODINGS["msgpack"].pack


@dataclass(frozen=True)
class AttackContext:
    """The attacker's knowledge: rooms to be in, a long one, and a stranger's user id."""

    own: str
    long: str
    crowded: str
    victim: str


@dataclass(frozen=True)
class Attack:
    """Its frames are sent `per_s` times a second on each of `connections`; those that are closed are opened again.

    `kind` is how the attacker comes in: `chat` says hello and sends, `stranger` sends its first frame over and over,
    `silent` opens sockets and says nothing, `login` posts passwords, `revoked` says hello with a token that is not
    in force any more.
    """

    name: str
    about: str
    per_s: float
    connections: int = 1
    kind: str = "chat"
    make: Callable[[AttackContext, int], bytes] = lambda context, number: (
        b""
    )  # the number of a frame -> its payload


@cache
def colliding_keys(count: int) -> tuple[tuple[int, int], ...]:
    """So many pairs of integers that CPython hashes alike: xxHash without a key, solved for its second lane."""
    found: list[tuple[int, int]] = []
    for first in itertools.count():
        state = _mixed(_SEED + first * _LANE)
        second = (_SEED - state) * pow(_LANE, -1, 1 << 64) & _WORD
        if second < HASH_PRIME:
            found.append((first, second))
            if len(found) == count:
                return tuple(found)
    raise AssertionError


def _mixed(state: int) -> int:
    state &= _WORD
    return ((state << 31 | state >> 33) & _WORD) * _ROUND & _WORD


def colliding_map(pairs: int) -> bytes:
    """A MessagePack map of so many arrays of integers as keys, whose hashes are all the same."""
    return b"\xdf" + struct.pack(">I", pairs) + b"".join(pack(key) + b"\xc0" for key in colliding_keys(pairs))


def _with(packet: Packet, path: tuple[str, ...], raw: bytes) -> bytes:
    """The packet with raw MessagePack in context of the value at `path`."""
    marker = "\x00raw\x00"
    inner: Any = packet
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = marker
    return pack(packet).replace(pack(marker), raw)


def _key(number: int) -> str:
    return f"siege-{number:014d}"


def _send(context: AttackContext, number: int) -> Packet:
    return {"type": "send", "room": context.own, "key": _key(number), "body": {"text": "x"}}


def _wide(context: AttackContext, number: int) -> bytes:
    nested = b"\xdd" + struct.pack(">I", 60_000) + b"\x91\x90" * 15_000 + b"\x90" * 30_000
    return _with(_send(context, number), ("body", "data"), b"\x81\xa1k" + nested[: FRAME_BYTES - 400])


def _update_nils(context: AttackContext, number: int) -> bytes:
    data = b"\x81\xa1k\xdd" + struct.pack(">I", 60_000) + b"\xc0" * 60_000
    return _with({"type": "room.update", "room": context.own, "key": _key(number)}, ("data",), data)


def _keyed(number: int, request: str, /, **more: object) -> bytes:
    return pack({"type": request, "id": number + 10, "key": _key(number), **more})


def _create(context: AttackContext, number: int) -> bytes:
    users = [f"nobody-{number}-{other}" for other in range(99)] + [context.victim]
    return _keyed(number, "room.create", kind="group", title="x", users=users)


def _asked(number: int, kind: str, **more: object) -> bytes:
    return pack({"type": kind, "id": number + 10, **more})


ATTACKS = (
    Attack("collisions", "a send whose data has 3,000 keys with one hash", 10,
           make=lambda at, n: _with({**_send(at, n), "id": n + 10}, ("body", "data"), colliding_map(3_000))),
    Attack("first-frame", "first frames of 8 KiB whose id has 500 such keys", 100, 12, "stranger",
           make=lambda at, n: _with({"type": "x"}, ("id",), colliding_map(500))),
    Attack("deep-hello", "first frames that nest 8,000 times", 50, 4, "stranger",
           make=lambda at, n: b"\x91" * FIRST_FRAME_BYTES),
    Attack("read-scan", "read of the first message of a very long room, without id", 20, 4,
           make=lambda at, n: pack({"type": "read", "room": at.long, "seq": 1 + n % 2})),
    Attack("wide", "sends without id whose data has 45,000 lists", 20, make=_wide),
    Attack("watch", "watch of 8,000 users, without id", 40,
           make=lambda at, n: pack({"type": "watch", "users": [f"u{n % 7}{other}" for other in range(8_000)]})),
    Attack("update-nils", "room.update with 60,000 nils, without id", 40, make=_update_nils),
    Attack("update-large", "room.update with 60 KB of text", 20, 4,
           make=lambda at, n: _keyed(n, "room.update", room=at.own, data={"k": f"{n:012d}" * 5_000})),
    Attack("pongs", "batches of 64 pongs", 200, make=lambda at, n: pack([{"type": "pong"}] * 64)),
    Attack("invalid", "batches of 64 invalid packets", 100,
           make=lambda at, n: pack([{"type": "send", "id": n * 64 + at, "room": 7} for at in range(10, 74)])),
    Attack("create", "rooms with a hundred invented members", 20, 4, make=_create),
    Attack("join-leave", "joining and leaving somebody else's public room", 20, 4,
           make=lambda at, n: _keyed(n, ("room.join", "room.leave")[n % 2], room=at.crowded)),
    Attack("typing", "batches of 64 typing signals", 50,
           make=lambda at, n: pack([{"type": "typing", "room": at.own}] * 64)),
    Attack("profiles", "users.get of a hundred at a time", 20, 4,
           make=lambda at, n: _asked(n, "users.get", users=[f"u{n * 100 + other}" for other in range(100)])),
    Attack("sync", "whole syncs in a loop", 20, 4, make=lambda at, n: _asked(n, "sync", rooms=200)),
    Attack("history", "the longest pages of the longest room", 20, 4,
           make=lambda at, n: _asked(n, "history", room=at.long, limit=200)),
    Attack("silent", "sockets that never say anything, 100 a second", 100, 1, "silent"),
    Attack("login", "wrong passwords for invented users", 50, 2, "login",
           make=lambda at, n: json.dumps({"user": f"u{n}", "password": "wrong"}).encode()),
    Attack("revoked", "hello with a token that was revoked", 10, 2, "revoked"),
)  # fmt: skip


SOURCE = "127.0.0.66"  # another address than that of honest people
NICENESS = 19  # the processor is theirs first
REDIAL_S = 0.2  # somebody who was closed tries again
HELD_MAX = 2_000  # silent sockets that are held at the same time

_spawning = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class AttackPlan:
    attack: str
    context: AttackContext
    url: str
    token: str
    seconds: float


@dataclass
class AttackCounts:
    dialled: int = 0
    turned_away: int = 0
    closed: int = 0
    frames: int = 0
    bytes: int = 0


@asynccontextmanager
async def attacking(plan: AttackPlan) -> AsyncIterator[AttackCounts]:
    """The attack goes on until the block ends or its seconds are over; the counts are known after it."""
    ours, theirs = _spawning.Pipe()
    process = _spawning.Process(target=_run_process, args=(plan, theirs), daemon=True)
    process.start()
    theirs.close()
    counts = AttackCounts()
    try:
        await asyncio.to_thread(ours.recv)  # it has begun
        yield counts
        vars(counts).update(await asyncio.to_thread(ours.recv))
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)
        ours.close()


def _run_process(plan: AttackPlan, line: Connection) -> None:
    os.nice(NICENESS)
    line.send(asyncio.run(_Attacker(plan).attack(line)))


class _Attacker:
    def __init__(self, plan: AttackPlan) -> None:
        self._plan = plan
        self._attack: Attack = next(attack for attack in ATTACKS if attack.name == plan.attack)
        self._address = Address.of(plan.url)
        self._counts = AttackCounts()
        self._number = 0
        self._pause_s = self._attack.connections / self._attack.per_s

    async def attack(self, line: Connection) -> dict[str, int]:
        """Attack after one connection, opened and dropped: what takes time at the first only is no part of it."""
        phone = await self._phone()
        if phone is not None:
            phone.cut()
        line.send("begun")
        act = {"silent": self._be_silent, "login": self._log_in}.get(self._attack.kind, self._dial_again)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._plan.seconds), asyncio.TaskGroup() as together:
                for _ in range(self._attack.connections):
                    together.create_task(act())
        return dict(vars(self._counts))

    async def _dial_again(self) -> None:
        while True:
            phone = await self._phone()
            if phone is not None:
                await self._act(phone)
            await asyncio.sleep(REDIAL_S if self._attack.kind == "chat" else self._pause_s)

    async def _act(self, phone: Phone) -> None:
        """One frame before hello, a hello and no more, or hello and then frames for as long as it is let."""
        if self._attack.kind == "stranger":
            self._write(phone)
            await phone.lost
        elif not await self._welcomed(phone) or self._attack.kind == "revoked":
            phone.cut()
            return
        else:
            await self._send(phone)
        self._counts.closed += 1

    async def _be_silent(self) -> None:
        held: list[asyncio.StreamWriter] = []
        while True:
            with contextlib.suppress(OSError):
                held.append((await self._socket(encrypted=False))[1])
            if len(held) > HELD_MAX:
                held.pop(0).transport.abort()
            await asyncio.sleep(1 / self._attack.per_s)

    async def _log_in(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                await http(*await self._socket(encrypted=True), "POST /v1/login", self._payload())
            await asyncio.sleep(self._pause_s)

    async def _send(self, phone: Phone) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while phone.alive:
            self._write(phone)
            # A sender that is held up does not catch up for ever.
            due = max(due + 1 / self._attack.per_s, loop.time() - 1)
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _write(self, phone: Phone) -> None:
        phone.send_payload(self._payload())
        self._counts.frames += 1

    def _payload(self) -> bytes:
        payload = self._attack.make(self._plan.context, self._number)
        self._number += 1
        self._counts.bytes += len(payload)
        return payload

    async def _phone(self) -> Phone | None:
        self._counts.dialled += 1
        try:
            return await connect(self._address, ENCODINGS["msgpack"], unverified(), SOURCE)
        except (OSError, TimeoutError, wire.HandshakeError):
            self._counts.turned_away += 1
            return None

    async def _welcomed(self, phone: Phone) -> bool:
        try:
            await phone.request(hello(self._plan.token))
        except (Refused, TimeoutError):
            self._counts.turned_away += 1
            return False
        # Answers are read, so that the daemon need not wait, and not looked at.
        phone.on_payload = lambda payload: None
        return True

    async def _socket(self, *, encrypted: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        tls = unverified() if encrypted and self._address.tls else None
        where = (self._address.host, self._address.port)
        return await asyncio.open_connection(*where, ssl=tls, local_addr=(SOURCE, 0))


def hello(token: str) -> Packet:
    return {"type": "hello", "version": 1, "token": token, "device": secrets.token_urlsafe(16)}


def unverified() -> ssl.SSLContext:
    """TLS with whoever answers: the certificate of a run is its own."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def certificate() -> bytes:
    """A key and a certificate that it signed itself, for a day, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "chatd siege")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return made.sign(key, hashes.SHA256()).public_bytes(pem) + private
