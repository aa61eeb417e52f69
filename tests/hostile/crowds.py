"""Layer A and the floods of other layers: many connections, many bytes, many requests, and clients that vanish."""

import asyncio
import random
from contextlib import suppress

from tests.hostile.bytesmith import asking, packet_frame
from tests.hostile.case import OWN, Stories
from tests.hostile.documented import is_documented
from tests.hostile.siege import Siege
from tests.kit.echo import upgrade_request

CONNECTS, AT_ONCE = 3000, 100  # as fast as they go; more at once than a listener accepts in one turn
GARBAGE_BYTES, CHUNK_BYTES = 100 << 20, 1 << 16
REQUESTS = 10_000

STORIES = Stories()


@STORIES(3, "a reset right after the connection was accepted")
async def resets(siege: Siege) -> None:
    for _ in range(50):
        await (await siege.connects()).leaves()


@STORIES(4, "the end of sending, then listening on")
async def half_closes(siege: Siege) -> None:
    mute = await siege.connects()
    mute.writer.write_eof()
    assert await mute.status() == "cut"
    for encoding in ("msgpack", "json"):
        mallory = await siege.connects(encoding, user="mallory")
        mallory.writer.write_eof()
        await mallory.expects("cut")
        await mallory.leaves()


@STORIES(9, "three thousand connections from one address, as fast as they go")
async def crowds_in(siege: Siege) -> None:
    async def knocks() -> None:
        attacker = await siege.connects()
        attacker.sends(b"GET / HTTP/1.1\r\n")
        await attacker.leaves()

    for _ in range(CONNECTS // AT_ONCE):
        await asyncio.gather(*(knocks() for _ in range(AT_ONCE)))
    await (await siege.connects("msgpack", user="mallory")).leaves()


@STORIES(11, "100 MB of random bytes")
async def pours(siege: Siege) -> None:
    noise = random.Random(11)
    for encoding in ("", "msgpack"):
        attacker = await siege.connects(encoding)
        with suppress(ConnectionError):
            for _ in range(GARBAGE_BYTES // CHUNK_BYTES):
                attacker.sends(noise.randbytes(CHUNK_BYTES))
                await attacker.writer.drain()
        found = await (attacker.outcome() if encoding else attacker.status())
        assert is_documented(found), found


@STORIES(37, "hello and a request in one segment with the upgrade")
async def pipelines(siege: Siege) -> None:
    attacker = await siege.connects()
    hello = {"type": "hello", "id": 900, "version": 1, "token": "x", "device": "d" * 22}
    attacker.sends(upgrade_request() + packet_frame(hello, "msgpack"))
    assert await attacker.status() == "status 101"
    await attacker.expects("close 4101")


@STORIES(38, "a second request behind the upgrade")
async def asks_again(siege: Siege) -> None:
    attacker = await siege.connects()
    attacker.sends(upgrade_request() + b"GET /v1/health HTTP/1.1\r\nHost: chat.example\r\n\r\n")
    assert await attacker.status() == "status 101"
    await attacker.expects("close 1002")


@STORIES(96, "10,000 requests, and no reply is read")
async def asks_and_does_not_listen(siege: Siege) -> None:
    mallory = await siege.connects("msgpack", user="mallory")
    mallory.writer.transport.pause_reading()  # type: ignore[attr-defined]
    request = packet_frame(asking("history", room=siege.names[OWN]), "msgpack")
    mallory.sends(request * REQUESTS)
    await siege.chats()
    waiting = [session.outbox.queued_bytes for session in siege.sessions_of("mallory")]
    assert sum(waiting) <= siege.daemon.config.outbox.close_bytes
