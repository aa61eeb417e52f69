"""What takes its time: silent and dripping clients, links that die without a word, clocks that jump. Time is a LeapEnv,
and the deadline of a request, which is the event loop's, is short."""

import asyncio
import socket

from tests.hostile.bytesmith import BINARY_START, PING, asking, frame
from tests.hostile.case import FOREIGN, OWN, Stories
from tests.hostile.siege import Siege

YEAR_S = 365 * 86_400.0
TINY_WINDOW_BYTES = 1  # the kernel makes the least it can of it

STORIES = Stories()


@STORIES(1, "not a word on a bare connection")
async def says_nothing(siege: Siege) -> None:
    mute = await siege.connects()
    assert await mute.status() == "cut"


@STORIES(1, "not a word behind the upgrade")
async def never_says_hello(siege: Siege) -> None:
    mute = await siege.connects("json")
    await siege.passes(siege.daemon.config.limits.hello_timeout_s + 5)
    await mute.expects("close 4006")


@STORIES(2, "a head that drips")
async def drips(siege: Siege) -> None:
    attacker = await siege.connects()
    attacker.sends(b"GET /v1/ws HTTP/1.1\r\nHost: ")
    while not attacker.reader.at_eof() and attacker.reader.exception() is None:
        attacker.sends(b"x")
        await asyncio.sleep(0.02)


@STORIES(2, "a hello that drips")
async def drips_hello(siege: Siege) -> None:
    attacker = await siege.connects("msgpack")
    attacker.sends(b"\x82\xfe\x20\x00" + bytes(4))
    for _ in range(2):
        attacker.sends(b"x")
        await siege.passes(5)
    await attacker.expects("close 4006")


@STORIES(5, "a link that died without a word")
async def vanishes(siege: Siege) -> None:
    mallory = await siege.connects("msgpack", user="mallory")
    beat = siege.daemon.config.heartbeat
    mallory.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await siege.passes(beat.foreground_s + beat.answer_foreground_s + 5)
    assert siege.sessions_of("mallory") == []


@STORIES(12, "a window of nothing for an hour")
async def takes_nothing(siege: Siege) -> None:
    mallory = await siege.connects("msgpack", user="mallory")
    mallory.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TINY_WINDOW_BYTES)
    mallory.writer.transport.pause_reading()  # type: ignore[attr-defined]
    own = siege.names[OWN]
    for _ in range(300):  # 16 KiB each: more than the sockets of both sides take
        if not siege.sessions_of("mallory"):
            break
        await siege.alice.sends(own, "x" * 16_000)
    outbox = siege.daemon.config.outbox
    assert all(session.outbox.queued_bytes <= outbox.close_bytes for session in siege.sessions_of("mallory"))
    await siege.passes(outbox.stall_s + 10)
    assert siege.sessions_of("mallory") == [], "the rest of the hour would change nothing"


@STORIES(55, "a message never finished, with pings between, for ten minutes")
async def never_finishes(siege: Siege) -> None:
    mallory = await siege.connects("msgpack", user="mallory")
    mallory.sends(frame(b"\x82", BINARY_START))
    for _ in range(600 // 5):
        if not siege.sessions_of("mallory"):
            break  # pings are no life sign (protocol.md 2.1): he is gone long before
        mallory.sends(frame(b"", PING))
        await siege.passes(5)
    await mallory.expects("cut", "close 4001")


@STORIES(62, "a close that is never answered")
async def never_answers(siege: Siege) -> None:
    mallory = await siege.connects("msgpack", user="mallory")
    mallory.sends_packet(7)
    await mallory.expects("close 4204")
    mallory.sends_packet(asking("ping"))  # not heard any more
    await siege.passes(5)
    await mallory.expects("cut")


@STORIES(118, "a wall clock that jumps ten years back and forth")
async def jumps(siege: Siege) -> None:
    assert siege.env is not None
    room = siege.names[FOREIGN]
    before = await siege.alice.sends(room, "before")
    for jump_s in (-10 * YEAR_S, 10 * YEAR_S, 0.0):
        siege.env.jump_s = jump_s
        mark = await siege.alice.sends(room, "meanwhile")
        assert mark["seq"] > before["seq"]
        assert siege.alice.is_connected
        before = mark
    await siege.bob.collects_until(room, before["seq"])
    assert (await siege.alice.asks(asking("ping")))["type"] == "ok"
