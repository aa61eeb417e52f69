"""The push notifications of a user: devices.push, push.test, push.decisions (protocol.md "Push notifications")."""

from msgspec import UNSET

from chatd.commands.connection import HelloRejected, Identified, checked
from chatd.commands.context import Context, Session
from chatd.core.push_registrations import Dropped, Registration, address_of
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.push import (
    DevicesPush,
    PushDecision,
    PushDecisions,
    PushDecisionsOk,
    PushTest,
    PushTestOk,
)
from chatd.push.endpoints import require_endpoint
from chatd.push.views import Decision


async def register(ctx: Context, session: Session, request: DevicesPush) -> Ok:
    """Note where this device is told of messages, or that it is not any more."""
    user, device = session.user, session.identity.device
    dropped = Dropped(user, device, request.purpose)
    if not request.token:
        return await ctx.writer.submit_and_wait(user, dropped)
    address = address_of(request, {(app.platform, app.app) for app in ctx.config.push.apps})
    if request.platform == "web":
        require_endpoint(request.token, ctx.config.egress.allow)
    reply = await ctx.writer.submit_and_wait(user, Registration(user, device, address, 0, ctx.store.epoch))
    # A device that was removed or revoked meanwhile lost its registrations before it got this one.
    known = await ctx.store.people([user], [(user, device)])
    seen = known.devices.get((user, device))
    try:
        checked(ctx, Identified(session.claims, known.accounts.get(user), seen))
    except HelloRejected as rejected:
        await ctx.writer.submit_and_wait(user, dropped)
        raise rejected.refusal from rejected
    if seen is None or not seen.listed:
        await ctx.writer.submit_and_wait(user, dropped)
        raise Refused("forbidden", "this device was removed")
    return reply


async def test(ctx: Context, session: Session, request: PushTest) -> PushTestOk:
    """Send a test to this device, and tell what its push service said of it."""
    notifications = ctx.push.require()
    ctx.push.take_test(session.user)
    tested = await notifications.test(session.user, session.identity.device)
    if not tested:
        return PushTestOk(outcome="no_token")
    # One that was sent says more to somebody who looks at their phone than one that was not.
    best = min(tested, key=lambda one: one.outcome != "sent")
    return PushTestOk(outcome=best.outcome, detail=best.detail or UNSET)


async def decisions(ctx: Context, session: Session, request: PushDecisions) -> PushDecisionsOk:
    """Return what was decided in the last day about the user's own devices, the newest first."""
    notifications = ctx.push.require()
    room, seq = request.room or "", request.seq or 0
    if seq and not room:
        raise Refused("bad_request", "a message needs its room", field="room")
    found = await notifications.decisions(session.user, room, seq, request.limit)
    return PushDecisionsOk(decisions=[shown(one) for one in found])


def shown(one: Decision) -> PushDecision:
    """Return a decision as clients see it."""
    return PushDecision(
        time=one.time,
        kind=one.kind,
        outcome=one.outcome,
        device=one.device or UNSET,
        room=one.room or UNSET,
        seq=one.seq or UNSET,
        detail=one.detail or UNSET,
    )
