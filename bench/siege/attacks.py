"""The attacks: what is sent, how often, by whom. Each is something that one account, or nobody at all, could do.

An attack is bounded in its rate: it shows what a request costs the others, not what a full line does.
"""

from __future__ import annotations

import itertools
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from bench.codec import ENCODINGS, Packet

HASH_PRIME = (1 << 61) - 1  # an integer below it is its own hash in CPython
_LANE, _ROUND, _SEED = 14_029_467_366_897_019_727, 11_400_714_785_074_694_791, 2_870_177_450_012_600_261
_WORD = (1 << 64) - 1
FRAME_BYTES = 65_000  # as much as a frame may have, nearly
FIRST_FRAME_BYTES = 8_000

pack = ENCODINGS["msgpack"].pack


@dataclass(frozen=True)
class Place:
    """What the attacker knows: rooms to be in, a long one, and a stranger's user id."""

    own: str
    long: str
    crowded: str
    victim: str


@dataclass(frozen=True)
class Attack:
    """`payload` makes the frames, by their number. `user` "": before hello. They are sent `per_s` times a second
    on each of `connections`, and those that are closed are opened again.

    `kind` is how the attacker comes in: `chat` says hello and sends, `stranger` sends its first frame over and over,
    `silent` opens sockets and says nothing, `login` posts passwords, `revoked` says hello with a token that is not
    in force any more.
    """

    name: str
    about: str
    payload: Callable[[Place, int], bytes]
    per_s: float
    connections: int = 1
    kind: str = "chat"


def _nothing(place: Place, number: int) -> bytes:
    return b""


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
    """The packet with raw MessagePack in place of the value at `path`."""
    marker = "\x00raw\x00"
    inner: Any = packet
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = marker
    return pack(packet).replace(pack(marker), raw)


def _send(place: Place, number: int, **more: object) -> Packet:
    return {"type": "send", "room": place.own, "key": f"siege-{number:014d}", "body": {"text": "x"}, **more}


def _colliding_send(place: Place, number: int) -> bytes:
    return _with({**_send(place, number), "id": number + 10}, ("body", "data"), colliding_map(3_000))


def _colliding_hello(place: Place, number: int) -> bytes:
    return _with({"type": "x"}, ("id",), colliding_map(500))


def _wide(place: Place, number: int) -> bytes:
    nested = b"\xdd" + struct.pack(">I", 60_000) + b"\x91\x90" * 15_000 + b"\x90" * 30_000
    return _with(_send(place, number), ("body", "data"), b"\x81\xa1k" + nested[: FRAME_BYTES - 400])


def _update_nils(place: Place, number: int) -> bytes:
    data = b"\x81\xa1k\xdd" + struct.pack(">I", 60_000) + b"\xc0" * 60_000
    return _with({"type": "room.update", "room": place.own, "key": f"siege-{number:014d}"}, ("data",), data)


def _update_large(place: Place, number: int) -> bytes:
    data = {"k": f"{number:012d}" * 5_000}
    return pack(
        {
            "type": "room.update",
            "id": number + 10,
            "room": place.own,
            "key": f"siege-{number:014d}",
            "data": data,
        }
    )


def _watch(place: Place, number: int) -> bytes:
    return pack({"type": "watch", "users": [f"u{number % 7}{other}" for other in range(8_000)]})


def _pongs(place: Place, number: int) -> bytes:
    return pack([{"type": "pong"}] * 64)


def _invalid(place: Place, number: int) -> bytes:
    return pack([{"type": "send", "id": number * 64 + other + 10, "room": 7} for other in range(64)])


def _read(place: Place, number: int) -> bytes:
    return pack({"type": "read", "room": place.long, "seq": 1 + number % 2})


def _create(place: Place, number: int) -> bytes:
    users = [f"nobody-{number}-{other}" for other in range(99)] + [place.victim]
    return pack(
        {
            "type": "room.create",
            "id": number + 10,
            "key": f"siege-{number:014d}",
            "kind": "group",
            "title": "x",
            "users": users,
        }
    )


def _join_and_leave(place: Place, number: int) -> bytes:
    kind = ("room.join", "room.leave")[number % 2]
    return pack({"type": kind, "id": number + 10, "key": f"siege-{number:014d}", "room": place.crowded})


def _typing(place: Place, number: int) -> bytes:
    return pack([{"type": "typing", "room": place.own}] * 64)


def _profiles(place: Place, number: int) -> bytes:
    users = [f"u{number * 100 + other}" for other in range(100)]
    return pack({"type": "users.get", "id": number + 10, "users": users})


def _sync(place: Place, number: int) -> bytes:
    return pack({"type": "sync", "id": number + 10, "rooms": 200})


def _history(place: Place, number: int) -> bytes:
    return pack({"type": "history", "id": number + 10, "room": place.long, "limit": 200})


def _login(place: Place, number: int) -> bytes:
    return json.dumps({"user": f"u{number}", "password": "wrong"}).encode()


def _deep(place: Place, number: int) -> bytes:
    return b"\x91" * FIRST_FRAME_BYTES


ATTACKS = (
    Attack("collisions", "a send whose data has 3,000 keys with one hash", _colliding_send, 10),
    Attack("first-frame", "first frames of 8 KiB whose id has 500 such keys", _colliding_hello, 100, 12, "stranger"),
    Attack("deep-hello", "first frames that nest 8,000 times", _deep, 50, 4, "stranger"),
    Attack("read-scan", "read of the first message of a very long room, without id", _read, 20, 4),
    Attack("wide", "sends without id whose data has 45,000 lists", _wide, 20),
    Attack("watch", "watch of 8,000 users, without id", _watch, 40),
    Attack("update-nils", "room.update with 60,000 nils, without id", _update_nils, 40),
    Attack("update-large", "room.update with 60 KB of text", _update_large, 20, 4),
    Attack("pongs", "batches of 64 pongs", _pongs, 200),
    Attack("invalid", "batches of 64 invalid packets", _invalid, 100),
    Attack("create", "rooms with a hundred invented members", _create, 20, 4),
    Attack("join-leave", "joining and leaving somebody else's public room", _join_and_leave, 20, 4),
    Attack("typing", "batches of 64 typing signals", _typing, 50),
    Attack("profiles", "users.get of a hundred at a time", _profiles, 20, 4),
    Attack("sync", "whole syncs in a loop", _sync, 20, 4),
    Attack("history", "the longest pages of the longest room", _history, 20, 4),
    Attack("silent", "sockets that never say anything, 100 a second", _nothing, 100, 1, "silent"),
    Attack("login", "wrong passwords for invented users", _login, 50, 2, "login"),
    Attack("revoked", "hello with a token that was revoked", _nothing, 10, 2, "revoked"),
)  # fmt: skip
