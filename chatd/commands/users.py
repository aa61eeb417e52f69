"""Users and devices: users.get, devices.list, devices.push (protocol.md "Rooms and members")."""

from msgspec import UNSET

from chatd.commands.context import Context, Session
from chatd.commands.reply_size import bytes_of, page_bytes
from chatd.core.maintenance import Barrier
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.users import DeviceRow, DevicesList, DevicesOk, DevicesPush, Profile, UsersGet, UsersOk


async def users(ctx: Context, session: Session, request: UsersGet) -> UsersOk:
    """Return profiles, as many as fit a frame; that of an unknown user is empty, so that it says nothing about users.

    Strangers, known or not, count against the user's budget of the day; when it is too small, nobody is shown.
    """
    if request.users is UNSET:
        raise Refused("bad_request", "users are missing", field="users")
    asked = list(dict.fromkeys(request.users))
    known = {profile.user: profile for profile in await ctx.store.profiles(asked)}
    shown, bytes_left = [], page_bytes(ctx)
    for profile in (known.get(user) or Profile(user) for user in asked):
        bytes_left -= bytes_of(session, profile)
        if bytes_left < 0:
            break
        shown.append(profile)
    strangers = {profile.user for profile in shown} - {session.user}
    if strangers:
        strangers -= await ctx.store.acquaintances(session.user, strangers)
    ctx.lookups.take(session.user, len(strangers))
    return UsersOk(users=shown)


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


def push(ctx: Context, session: Session, request: DevicesPush) -> Ok:
    raise Refused("not_supported", "push notifications are not supported yet")
