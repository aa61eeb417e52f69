"""Groups for a scenario: made and filled before anything is measured."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench import progress
from bench.codec import Packet
from bench.phone import Phone
from bench.target import Target

MEMBERS_AT_ONCE = (
    100  # `room.create` and `members.add` take at most 100 users (protocol.md "Rooms and members")
)
BLOCKS_AT_ONCE = 8  # so that the daemon's commits have something to share


async def hello(phone: Phone, target: Target, user: str, device: str) -> Packet:
    """Says hello on a new connection, without a cursor. Raises Refused."""
    packet = {"type": "hello", "version": 1, "token": target.token(user), "device": device}
    return await phone.request(packet)


async def create_group(target: Target, run: str, title: str, members: Sequence[str]) -> str:
    """Makes a group of these members, the first of them its owner, and returns the room.

    `run` keeps it apart from groups that earlier runs made. Raises OSError, HandshakeError, Refused.
    """
    with progress.shown(lambda: f"rooms    a group of {len(members):,}"):
        return await _create_group(target, run, title, members)


async def _create_group(target: Target, run: str, title: str, members: Sequence[str]) -> str:
    owner, *others = members
    phone = await target.dial()
    try:
        await hello(phone, target, owner, f"{run}-founder".ljust(22, "-"))
        create = {
            "type": "room.create",
            "key": f"{run}-create",
            "kind": "group",
            "title": title,
            "users": others[:MEMBERS_AT_ONCE],
        }
        room = str((await phone.request(create))["summary"]["room"])
        for at in range(MEMBERS_AT_ONCE, len(others), MEMBERS_AT_ONCE):
            users = others[at : at + MEMBERS_AT_ONCE]
            add = {"type": "members.add", "room": room, "key": f"{run}-add-{at:05d}", "users": users}
            await phone.request(add)
    finally:
        await phone.close()
    return room


async def create_direct(target: Target, run: str, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Makes the direct room of each pair, in their order. Raises OSError, HandshakeError, Refused."""
    rooms: list[str] = []
    with progress.shown(lambda: f"rooms    {progress.bar(len(rooms), len(pairs))} direct rooms"):
        for first, second in pairs:
            rooms.append(await _create_direct(target, run, first, second))
    return rooms


async def _create_direct(target: Target, run: str, first: str, second: str) -> str:
    phone = await target.dial()
    try:
        await hello(phone, target, first, f"{run}-founder".ljust(22, "-"))
        reply = await phone.request({"type": "room.direct", "user": second})
        return str(reply["summary"]["room"])
    finally:
        await phone.close()


async def create_blocks(target: Target, run: str, users: Sequence[str], rooms_each: int) -> None:
    """Puts every hundred users into groups of their own, so that each is in `rooms_each` rooms."""
    blocks = [users[at : at + MEMBERS_AT_ONCE] for at in range(0, len(users), MEMBERS_AT_ONCE)]
    places, made = asyncio.Semaphore(BLOCKS_AT_ONCE), 0

    async def fill(number: int, members: Sequence[str]) -> None:
        nonlocal made
        async with places:
            for room in range(rooms_each):
                await _create_group(target, f"{run}-{number:x}-{room:x}", f"Room {room}", members)
                made += 1

    with progress.shown(lambda: f"rooms    {progress.bar(made, len(blocks) * rooms_each)} groups"):
        await asyncio.gather(*(fill(number, members) for number, members in enumerate(blocks)))
