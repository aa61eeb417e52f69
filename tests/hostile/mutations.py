"""Correct packets made wrong at random, one seed each: in their structure, then in their bytes."""

import copy
import random
from collections.abc import Callable
from typing import Any

from chatd.protocol.envelope import Request
from chatd.protocol.members import RoomLeave
from chatd.protocol.rooms import RoomDelete
from tests.hostile.case import FOREIGN, NOWHERE, OWN
from tests.hostile.samples import COMMANDS, encoded, right

EDGES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2**31, 2**53 - 1, 2**53, 2**63, 2**64 - 1, -(2**63), 0.0, -0.0, 1.0, 1e300,
    "", " ", "x" * 65, "x" * 5000, "\x00", "👋" * 40, "*", b"", b"\xff" * 9, [], [[]], [None], {}, {"": {}},
    {"$bytes": "AA"}, {"$bytes": "*"}, OWN, FOREIGN, NOWHERE,
)  # fmt: skip
DEPTH_MAX = 40

# A user who is not in the room is refused everything else.
STAYING = tuple(kind for kind in COMMANDS if kind not in (RoomLeave, RoomDelete))

Packet = dict[str, Any]


def edge(chance: random.Random) -> Any:
    """Return a value at a limit; a copy, since others may be put into it."""
    return copy.deepcopy(chance.choice(EDGES))


def drop(packet: Packet, chance: random.Random) -> None:
    packet.pop(chance.choice(list(packet)))


def replace(packet: Packet, chance: random.Random) -> None:
    packet[chance.choice(list(packet))] = edge(chance)


def add(packet: Packet, chance: random.Random) -> None:
    packet[chance.choice(("x", "key", "limit", "more", "before", "cursor", "body", "data"))] = chance.choice(
        EDGES
    )


def wrap(packet: Packet, chance: random.Random) -> None:
    name = chance.choice(list(packet))
    for _ in range(chance.randrange(1, DEPTH_MAX)):
        packet[name] = [packet[name]] if chance.random() < 0.5 else {"a": packet[name]}


def borrow(packet: Packet, chance: random.Random) -> None:
    """Take fields over from another command."""
    packet.update(
        {
            **copy.deepcopy(right(chance.choice(COMMANDS), 0)),
            "type": packet.get("type", ""),
            "id": packet.get("id"),
        }
    )


def reach_in(packet: Packet, chance: random.Random) -> None:
    """Change something inside a field that holds others."""
    inner = [value for value in packet.values() if isinstance(value, dict) and value]
    if inner:
        chosen = chance.choice(inner)
        chosen[chance.choice([*chosen, "attachments", "mentions", "card", "spans", "forwarded", "data"])] = (
            edge(chance)
        )


def flip(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def insert(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    data[at:at] = chance.randbytes(chance.randrange(1, 6))


def repeat(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    data[at:at] = data[at : at + 8] * chance.randrange(1, 20)


def overwrite(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] = chance.randrange(256)


STRUCTURAL: tuple[Callable[[Packet, random.Random], None], ...] = (
    drop,
    replace,
    replace,
    add,
    wrap,
    borrow,
    reach_in,
)
BYTEWISE: tuple[Callable[[bytearray, random.Random], None], ...] = (flip, cut, insert, repeat, overwrite)


def mutated(seed: int, commands: tuple[type[Request], ...] = STAYING, *, text: bool) -> bytes:
    """Return a payload: a packet or a batch with up to three changes, its bytes with up to two; some are random
    bytes."""
    chance = random.Random(seed)
    if chance.random() < 0.02:
        return chance.randbytes(chance.randrange(1, 200))
    packets = [
        _changed(commands, seed * 4 + place, chance) for place in range(chance.choice((1, 1, 1, 2, 4)))
    ]
    data = bytearray(encoded(packets[0] if len(packets) == 1 else packets, text=text))
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        if data:
            chance.choice(BYTEWISE)(data, chance)
    return bytes(data)


def _changed(commands: tuple[type[Request], ...], id: int, chance: random.Random) -> Packet:
    packet = copy.deepcopy(right(chance.choice(commands), 1 + id))
    if "key" in packet:
        # A second one would be a conflict whatever else is wrong.
        packet["key"] = f"key-{id:08}"
    for _ in range(chance.randrange(1, 4)):
        if packet:
            chance.choice(STRUCTURAL)(packet, chance)
    return packet
