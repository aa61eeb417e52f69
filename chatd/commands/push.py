"""Questions about one's own notifications: push.test, push.decisions (protocol.md "Asking why")."""

from msgspec import UNSET

from chatd.commands.context import Context, Session
from chatd.protocol.errors import Refused
from chatd.protocol.push import PushDecision, PushDecisions, PushDecisionsOk, PushTest, PushTestOk
from chatd.push.views import Decision


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
