"""Layer A and the floods of other layers: many connections, many bytes, many requests, and clients that vanish."""

import asyncio
import random
from contextlib import suppress

from tests.hostile.attacked_daemon import AttackedDaemon
from tests.hostile.case import OWN, Scenarios
from tests.hostile.client_bytes import asking, packet_frame
from tests.hostile.documented import is_documented
from tests.kit.frames import upgrade_request

# Connections as fast as possible; more at once than a listener accepts in one turn.
CONNECTS, AT_ONCE = 3000, 100
GARBAGE_BYTES, CHUNK_BYTES = 100 << 20, 1 << 16
REQUESTS = 10_000

SCENARIOS = Scenarios()


@SCENARIOS(3, "a reset right after the connection was accepted")
async def resets(attacked: AttackedDaemon) -> None:
    for _ in range(50):
        await (await attacked.connect()).leave()


@SCENARIOS(4, "the end of sending, then listening on")
async def half_closes(attacked: AttackedDaemon) -> None:
    mute = await attacked.connect()
    mute.writer.write_eof()
    assert await mute.status() == "cut"
    for encoding in ("msgpack", "json"):
        mallory = await attacked.connect(encoding, user="mallory")
        mallory.writer.write_eof()
        await mallory.expect("cut")
        await mallory.leave()


@SCENARIOS(9, "three thousand connections from one address, as fast as they go")
async def crowds_in(attacked: AttackedDaemon) -> None:
    async def knocks() -> None:
        attacker = await attacked.connect()
        attacker.send(b"GET / HTTP/1.1\r\n")
        await attacker.leave()

    for _ in range(CONNECTS // AT_ONCE):
        await asyncio.gather(*(knocks() for _ in range(AT_ONCE)))
    await (await attacked.connect("msgpack", user="mallory")).leave()


@SCENARIOS(11, "100 MB of random bytes")
async def pours(attacked: AttackedDaemon) -> None:
    noise = random.Random(11)
    for encoding in ("", "msgpack"):
        attacker = await attacked.connect(encoding)
        with suppress(ConnectionError):
            for _ in range(GARBAGE_BYTES // CHUNK_BYTES):
                attacker.send(noise.randbytes(CHUNK_BYTES))
                await attacker.writer.drain()
        found = await (attacker.outcome() if encoding else attacker.status())
        assert is_documented(found), found


@SCENARIOS(37, "hello and a request in one segment with the upgrade")
async def pipelines(attacked: AttackedDaemon) -> None:
    attacker = await attacked.connect()
    hello = {"type": "hello", "id": 900, "version": 1, "token": "x", "device": "d" * 22}
    attacker.send(upgrade_request() + packet_frame(hello, "msgpack"))
    assert await attacker.status() == "status 101"
    await attacker.expect("close 4101")


@SCENARIOS(38, "a second request behind the upgrade")
async def asks_again(attacked: AttackedDaemon) -> None:
    attacker = await attacked.connect()
    attacker.send(upgrade_request() + b"GET /v1/health HTTP/1.1\r\nHost: chat.example\r\n\r\n")
    assert await attacker.status() == "status 101"
    await attacker.expect("close 1002")


@SCENARIOS(96, "10,000 requests, and no reply is read")
async def asks_and_does_not_listen(attacked: AttackedDaemon) -> None:
    mallory = await attacked.connect("msgpack", user="mallory")
    mallory.writer.transport.pause_reading()  # type: ignore[attr-defined]
    request = packet_frame(asking("history", room=attacked.names[OWN]), "msgpack")
    mallory.send(request * REQUESTS)
    await attacked.chat()
    waiting = [session.outbox.queued_bytes for session in attacked.sessions_of("mallory")]
    assert sum(waiting) <= attacked.daemon.config.outbox.close_bytes
