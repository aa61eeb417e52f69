"""Groups for a scenario: made and filled before anything is measured."""

from __future__ import annotations

from collections.abc import Sequence

from bench.codec import Packet
from bench.phone import Phone
from bench.target import Target

MEMBERS_AT_ONCE = (
    100  # `room.create` and `members.add` take at most 100 users (protocol.md, Rooms and members)
)


async def hello(phone: Phone, target: Target, user: str, device: str) -> Packet:
    """Says hello on a new connection, without a cursor. Raises Refused."""
    packet = {"type": "hello", "version": 1, "token": target.token(user), "device": device}
    return await phone.request(packet)


async def create_group(target: Target, run: str, title: str, members: Sequence[str]) -> str:
    """Makes a group of these members, the first of them its owner, and returns the room.

    `run` keeps it apart from groups that earlier runs made. Raises OSError, HandshakeError, Refused.
    """
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
    rooms = []
    for first, second in pairs:
        phone = await target.dial()
        try:
            await hello(phone, target, first, f"{run}-founder".ljust(22, "-"))
            reply = await phone.request({"type": "room.direct", "user": second})
            rooms.append(str(reply["summary"]["room"]))
        finally:
            await phone.close()
    return rooms
