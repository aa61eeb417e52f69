"""Devices: devices.list (protocol.md "Rooms and members")."""

from msgspec import UNSET

from chatd.commands.context import Context, Session
from chatd.core.maintenance import Barrier
from chatd.protocol.users import DeviceRow, DevicesList, DevicesOk


async def devices(ctx: Context, session: Session, request: DevicesList) -> DevicesOk:
    """Return the user's own devices."""
    # The record of this device, made at hello, may still wait for the writer.
    await ctx.writer.submit_and_wait(session.user, Barrier())
    rows = await ctx.store.devices(session.user)
    return DevicesOk(
        devices=[
            DeviceRow(row.device, app=row.app or UNSET, os=row.os or UNSET, last_seen=row.last_seen)
            for row in rows
            if row.listed
        ]
    )
