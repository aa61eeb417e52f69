"""Silent and slow clients, links that end without a close, clocks that jump.

Time is a SteppedEnv; the deadline of a request is the event loop's, and short.
"""

import asyncio
import socket

from tests.hostile.attacked_daemon import AttackedDaemon
from tests.hostile.case import FOREIGN, OWN, Scenarios
from tests.hostile.client_bytes import asking, frame
from tests.kit.frames import BINARY_START, PING

YEAR_S = 365 * 86_400.0
# The kernel makes it as small as it can.
TINY_WINDOW_BYTES = 1

SCENARIOS = Scenarios()


@SCENARIOS(1, "not a word on a bare connection")
async def says_nothing(attacked: AttackedDaemon) -> None:
    mute = await attacked.connect()
    assert await mute.status() == "cut"


@SCENARIOS(1, "not a word behind the upgrade")
async def never_says_hello(attacked: AttackedDaemon) -> None:
    mute = await attacked.connect("json")
    await attacked.advance(attacked.daemon.config.limits.hello_timeout_s + 5)
    await mute.expect("close 4006")


@SCENARIOS(2, "a head that drips")
async def drips(attacked: AttackedDaemon) -> None:
    attacker = await attacked.connect()
    attacker.send(b"GET /v1/ws HTTP/1.1\r\nHost: ")
    while not attacker.reader.at_eof() and attacker.reader.exception() is None:
        attacker.send(b"x")
        await asyncio.sleep(0.02)


@SCENARIOS(2, "a hello that drips")
async def drips_hello(attacked: AttackedDaemon) -> None:
    attacker = await attacked.connect("msgpack")
    attacker.send(b"\x82\xfe\x20\x00" + bytes(4))
    for _ in range(2):
        attacker.send(b"x")
        await attacked.advance(5)
    await attacker.expect("close 4006")


@SCENARIOS(5, "a link that died without a word")
async def vanishes(attacked: AttackedDaemon) -> None:
    mallory = await attacked.connect("msgpack", user="mallory")
    beat = attacked.daemon.config.heartbeat
    mallory.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await attacked.advance(beat.foreground_s + beat.answer_foreground_s + 5)
    assert attacked.sessions_of("mallory") == []


@SCENARIOS(12, "a window of nothing for an hour")
async def takes_nothing(attacked: AttackedDaemon) -> None:
    mallory = await attacked.connect("msgpack", user="mallory")
    mallory.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TINY_WINDOW_BYTES)
    mallory.writer.transport.pause_reading()  # type: ignore[attr-defined]
    own = attacked.names[OWN]
    # 16 KiB each: more than the sockets of both sides take.
    for _ in range(300):
        if not attacked.sessions_of("mallory"):
            break
        await attacked.alice.send(own, "x" * 16_000)
    outbox = attacked.daemon.config.outbox
    assert all(
        session.outbox.queued_bytes <= outbox.close_bytes for session in attacked.sessions_of("mallory")
    )
    await attacked.advance(outbox.stall_s + 10)
    assert attacked.sessions_of("mallory") == [], "the rest of the hour would change nothing"


@SCENARIOS(55, "a message never finished, with pings between, for ten minutes")
async def never_finishes(attacked: AttackedDaemon) -> None:
    mallory = await attacked.connect("msgpack", user="mallory")
    mallory.send(frame(b"\x82", BINARY_START))
    for _ in range(600 // 5):
        if not attacked.sessions_of("mallory"):
            # Pings are no sign of life (protocol.md "The WebSocket"): the connection ends long before.
            break
        mallory.send(frame(b"", PING))
        await attacked.advance(5)
    await mallory.expect("cut", "close 4001")


@SCENARIOS(62, "a close that is never answered")
async def never_answers(attacked: AttackedDaemon) -> None:
    mallory = await attacked.connect("msgpack", user="mallory")
    mallory.send_packet(7)
    await mallory.expect("close 4204")
    # This is not read any more.
    mallory.send_packet(asking("ping"))
    await attacked.advance(5)
    await mallory.expect("cut")


@SCENARIOS(118, "a wall clock that jumps ten years back and forth")
async def jumps(attacked: AttackedDaemon) -> None:
    assert attacked.env is not None
    room = attacked.names[FOREIGN]
    before = await attacked.alice.send(room, "before")
    for jump_s in (-10 * YEAR_S, 10 * YEAR_S, 0.0):
        attacked.env.jump_s = jump_s
        mark = await attacked.alice.send(room, "meanwhile")
        assert mark["seq"] > before["seq"]
        assert attacked.alice.is_connected
        before = mark
    await attacked.bob.collect_until(room, before["seq"])
    assert (await attacked.alice.request(asking("ping")))["type"] == "ok"
