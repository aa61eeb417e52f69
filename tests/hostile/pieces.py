"""Layers B, C and D cut into pieces: a head, a frame and a packet that end at every byte, or come byte by byte."""

import msgpack

from tests.hostile.attacked_daemon import AttackedDaemon
from tests.hostile.case import Scenarios
from tests.hostile.client_bytes import asking, frame, packet_frame
from tests.kit.frames import upgrade_request

PACKET = msgpack.packb(
    asking("send", room="g00000000000", key="cut-in-pieces", body={"text": "x", "mentions": ["*"]})
)

SCENARIOS = Scenarios()


@SCENARIOS(40, "a head that ends at every byte")
async def cuts_the_head(attacked: AttackedDaemon) -> None:
    request = upgrade_request()
    for cut in range(len(request)):
        attacker = await attacked.connect()
        attacker.send(request[:cut])
        await attacker.leave()


@SCENARIOS(40, "a head byte by byte")
async def spells_the_head(attacked: AttackedDaemon) -> None:
    attacker = await attacked.connect()
    for byte in upgrade_request():
        attacker.send(bytes((byte,)))
        await attacker.writer.drain()
    assert await attacker.status() == "status 101"


@SCENARIOS(67, "a frame byte by byte")
async def spells_the_frame(attacked: AttackedDaemon) -> None:
    for encoding in ("msgpack", "json"):
        mallory = await attacked.connect(encoding, user="mallory")
        for byte in packet_frame(asking("ping"), encoding):
            mallory.send(bytes((byte,)))
            await mallory.writer.drain()
        await mallory.expect("ok")
        await mallory.leave()


@SCENARIOS(67, "a frame that ends at every byte")
async def cuts_the_frame(attacked: AttackedDaemon) -> None:
    whole = packet_frame(asking("ping"), "msgpack")
    for cut in range(1, len(whole)):
        mallory = await attacked.connect("msgpack", user="mallory")
        mallory.send(whole[:cut])
        await mallory.leave()


@SCENARIOS(72, "a packet that ends at every byte")
async def cuts_the_packet(attacked: AttackedDaemon) -> None:
    for cut in range(len(PACKET)):
        mallory = await attacked.connect("msgpack", user="mallory")
        mallory.send(frame(PACKET[:cut]))
        await mallory.expect("close 4204")
        await mallory.leave()
