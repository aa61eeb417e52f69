"""The two encodings of the wire, as the phones of the harness speak them; no frames and no sockets here."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack

Packet = dict[str, Any]

TEXT = 0x1
BINARY = 0x2


@dataclass(frozen=True, slots=True)
class Encoding:
    """One subprotocol: its name on the command line and on the wire, its frame opcode and its codec."""

    name: str
    subprotocol: str
    opcode: int
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]


def _pack_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


ENCODINGS = {
    "msgpack": Encoding("msgpack", "chatd.v1.msgpack", BINARY, msgpack.packb, msgpack.unpackb),
    "json": Encoding("json", "chatd.v1.json", TEXT, _pack_json, json.loads),
}


def packets(decoded: Any) -> list[Packet]:
    """The packets of one decoded frame: a map is one packet, an array a batch (protocol.md "Batches")."""
    return decoded if isinstance(decoded, list) else [decoded]
