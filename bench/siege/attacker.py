"""One attack, in a process of its own: so that it costs the honest pair nothing but what it costs the daemon."""

import asyncio
import contextlib
import multiprocessing
import os
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench import frames
from bench.client.dialogue import Address, Refused
from bench.client.phone import Phone, connect
from bench.codec import ENCODINGS, Packet
from bench.siege.attacks import ATTACKS, Attack, Place

SOURCE = "127.0.0.66"  # another address than that of honest people
POLITENESS = 19  # the processor is theirs first
REDIAL_S = 0.2  # somebody who was closed tries again
HELD_MAX = 2_000  # silent sockets that are held at the same time

_spawning = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Orders:
    attack: str
    place: Place
    url: str
    token: str
    seconds: float


@dataclass
class Deeds:
    """The deeds of an attacker, and how often it was shown the door."""

    dialled: int = 0
    turned_away: int = 0
    closed: int = 0
    frames: int = 0
    bytes: int = 0


@asynccontextmanager
async def attacking(orders: Orders) -> AsyncIterator[Deeds]:
    """The attack goes on until the block ends or its seconds are over; the deeds are known after it."""
    ours, theirs = _spawning.Pipe()
    process = _spawning.Process(target=_perform, args=(orders, theirs), daemon=True)
    process.start()
    theirs.close()
    deeds = Deeds()
    try:
        await asyncio.to_thread(ours.recv)  # it has begun
        yield deeds
        vars(deeds).update(await asyncio.to_thread(ours.recv))
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)
        ours.close()


def _perform(orders: Orders, line: Connection) -> None:
    os.nice(POLITENESS)
    line.send(asyncio.run(_Attacker(orders).attack(line)))


class _Attacker:
    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._attack: Attack = next(attack for attack in ATTACKS if attack.name == orders.attack)
        self._address = Address.of(orders.url)
        self._deeds = Deeds()
        self._number = 0
        self._pause_s = self._attack.connections / self._attack.per_s

    async def attack(self, line: Connection) -> dict[str, int]:
        """Attack after one connection, opened and dropped: what takes time at the first only is no part of it."""
        phone = await self._phone()
        if phone is not None:
            phone.cut()
        line.send("begun")
        kinds = {
            "chat": lambda: self._dial_again(self._flood, REDIAL_S),
            "stranger": lambda: self._dial_again(self._introduce, self._pause_s),
            "revoked": lambda: self._dial_again(self._greet, self._pause_s),
            "silent": self._be_silent,
            "login": self._log_in,
        }
        act = kinds[self._attack.kind]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._orders.seconds), asyncio.TaskGroup() as together:
                for _ in range(self._attack.connections):
                    together.create_task(act())
        return dict(vars(self._deeds))

    async def _dial_again(self, act: Callable[[Phone], Awaitable[None]], pause_s: float) -> None:
        while True:
            phone = await self._phone()
            if phone is not None:
                await act(phone)
            await asyncio.sleep(pause_s)

    async def _flood(self, phone: Phone) -> None:
        if await self._welcomed(phone):
            await self._send(phone)
            self._deeds.closed += 1

    async def _introduce(self, phone: Phone) -> None:
        """Send one frame before hello, on a connection that is opened for it."""
        self._write(phone)
        await phone.lost
        self._deeds.closed += 1

    async def _greet(self, phone: Phone) -> None:
        await self._welcomed(phone)
        phone.cut()

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
                reader, writer = await self._socket(encrypted=True)
                body = self._payload()
                head = f"POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode() + body)
                await reader.read()
                writer.transport.abort()
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
        self._deeds.frames += 1

    def _payload(self) -> bytes:
        payload = self._attack.payload(self._orders.place, self._number)
        self._number += 1
        self._deeds.bytes += len(payload)
        return payload

    async def _phone(self) -> Phone | None:
        self._deeds.dialled += 1
        try:
            return await connect(self._address, ENCODINGS["msgpack"], unverified(), SOURCE)
        except (OSError, TimeoutError, frames.HandshakeError):
            self._deeds.turned_away += 1
            return None

    async def _welcomed(self, phone: Phone) -> bool:
        try:
            await phone.request(hello(self._orders.token))
        except (Refused, TimeoutError):
            self._deeds.turned_away += 1
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
