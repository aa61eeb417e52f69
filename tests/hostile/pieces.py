"""Layers B, C and D cut into pieces: a head, a frame and a packet that end at every byte, or come byte by byte."""

import msgpack

from tests.hostile.bytesmith import asking, frame, packet_frame
from tests.hostile.case import Stories
from tests.hostile.siege import Siege
from tests.kit.echo import upgrade_request

PACKET = msgpack.packb(
    asking("send", room="g00000000000", key="cut-in-pieces", body={"text": "x", "mentions": ["*"]})
)

STORIES = Stories()


@STORIES(40, "a head that ends at every byte")
async def cuts_the_head(siege: Siege) -> None:
    request = upgrade_request()
    for cut in range(len(request)):
        attacker = await siege.connects()
        attacker.sends(request[:cut])
        await attacker.leaves()


@STORIES(40, "a head byte by byte")
async def spells_the_head(siege: Siege) -> None:
    attacker = await siege.connects()
    for byte in upgrade_request():
        attacker.sends(bytes((byte,)))
        await attacker.writer.drain()
    assert await attacker.status() == "status 101"


@STORIES(67, "a frame byte by byte")
async def spells_the_frame(siege: Siege) -> None:
    for encoding in ("msgpack", "json"):
        mallory = await siege.connects(encoding, user="mallory")
        for byte in packet_frame(asking("ping"), encoding):
            mallory.sends(bytes((byte,)))
            await mallory.writer.drain()
        await mallory.expects("ok")
        await mallory.leaves()


@STORIES(67, "a frame that ends at every byte")
async def cuts_the_frame(siege: Siege) -> None:
    whole = packet_frame(asking("ping"), "msgpack")
    for cut in range(1, len(whole)):
        mallory = await siege.connects("msgpack", user="mallory")
        mallory.sends(whole[:cut])
        await mallory.leaves()


@STORIES(72, "a packet that ends at every byte")
async def cuts_the_packet(siege: Siege) -> None:
    for cut in range(len(PACKET)):
        mallory = await siege.connects("msgpack", user="mallory")
        mallory.sends(frame(PACKET[:cut]))
        await mallory.expects("close 4204")
        await mallory.leaves()
