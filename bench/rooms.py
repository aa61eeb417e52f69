"""Rooms for a scenario: made and filled before anything is measured."""

import asyncio
from collections.abc import Sequence

from bench import printout
from bench.client.phone import Phone
from bench.server import Endpoint
from bench.wire import Packet

MEMBERS_AT_ONCE = 100  # `room.create` and `members.add` take no more users (protocol.md "Rooms and members")
FOUNDERS_AT_ONCE = 8  # so that the daemon's commits have something to share


async def create_groups(
    there: Endpoint, run: str, wanted: Sequence[tuple[str, Sequence[str]]], **more: object
) -> list[str]:
    """Make a group for each owner and their others, in this order; those of one owner over one connection.

    `run` keeps them apart from groups that earlier runs made. Raises OSError, HandshakeError, Refused.
    """
    by_owner: dict[str, list[int]] = {}
    for number, (owner, _) in enumerate(wanted):
        by_owner.setdefault(owner, []).append(number)
    places, made = asyncio.Semaphore(FOUNDERS_AT_ONCE), dict[int, str]()

    async def found(owner: str, numbers: Sequence[int]) -> None:
        async with places:
            phone = await there.enter(owner, f"{run}-founder")
            try:
                for number in numbers:
                    create = {"key": f"{run}-{number:x}-create", "title": f"Room {number}", **more}
                    made[number] = await _create(phone, create, wanted[number][1])
            finally:
                await phone.close()

    with printout.shown(lambda: f"rooms    {printout.bar(len(made), len(wanted))} groups"):
        await asyncio.gather(*(found(owner, numbers) for owner, numbers in by_owner.items()))
    return [made[number] for number in range(len(wanted))]


async def create_group(there: Endpoint, run: str, members: Sequence[str], **more: object) -> str:
    """Make a group of these members, the first of them its owner."""
    (room,) = await create_groups(there, run, [(members[0], members[1:])], **more)
    return room


async def create_direct(
    there: Endpoint, run: str, pairs: Sequence[tuple[str, str]], **more: object
) -> list[str]:
    """Make the direct room of each pair, in their order. Raises OSError, HandshakeError, Refused."""
    rooms: list[str] = []
    with printout.shown(lambda: f"rooms    {printout.bar(len(rooms), len(pairs))} direct rooms"):
        for first, second in pairs:
            phone = await there.enter(first, f"{run}-founder")
            reply = await phone.request({"type": "room.direct", "user": second})
            rooms.append(str(reply["summary"]["room"]))
            if more:
                key = f"{run}-{len(rooms):016x}"
                await phone.request({"type": "room.update", "room": rooms[-1], "key": key, **more})
            await phone.close()
    return rooms


async def create_blocks(there: Endpoint, run: str, users: Sequence[str], rooms_each: int) -> None:
    """Put every hundred users into groups of their own, so that each is in `rooms_each` rooms."""
    blocks = [users[at : at + MEMBERS_AT_ONCE] for at in range(0, len(users), MEMBERS_AT_ONCE)]
    await create_groups(there, run, [(block[0], block[1:]) for block in blocks for _ in range(rooms_each)])


async def _create(phone: Phone, create: Packet, others: Sequence[str]) -> str:
    first, key = others[:MEMBERS_AT_ONCE], create["key"]
    reply = await phone.request({"type": "room.create", "kind": "group", "users": first, **create})
    room = str(reply["summary"]["room"])
    for at in range(MEMBERS_AT_ONCE, len(others), MEMBERS_AT_ONCE):
        users = others[at : at + MEMBERS_AT_ONCE]
        await phone.request(
            {"type": "members.add", "room": room, "key": f"{key}-add-{at:05d}", "users": users}
        )
    return room
