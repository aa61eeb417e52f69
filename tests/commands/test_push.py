"""push.py: what a user asks about their own notifications, and when they are refused."""

from types import SimpleNamespace

import pytest

from chatd.commands.push import decisions
from chatd.commands.push import test as send_test
from chatd.commands.push_door import PushDoor
from chatd.protocol.errors import Refused
from chatd.protocol.push import PushDecision, PushDecisions, PushTest
from chatd.push import views
from chatd.push.views import Decision
from tests.kit.env import ManualEnv

ROOM = "g4fKz81QwXe2"


class Notifications:
    """Answers as the planner and the sender would, and keeps what it was asked."""

    def __init__(self, *tested):
        self.tested = list(tested)
        self.asked = []

    async def test(self, user, device="", *, dry_run=False):
        self.asked.append((user, device, dry_run))
        return self.tested

    async def decisions(self, user, room="", seq=0, limit=50):
        self.asked.append((user, room, seq, limit))
        return [
            Decision(time=5, kind="message", outcome="read", device="phone", room=ROOM, seq=7),
            Decision(time=4, kind="friend", outcome="prefs_off"),
        ]


@pytest.fixture
def env():
    return ManualEnv()


def asked_of(env, notifications):
    door = PushDoor(env)
    door.notifications = notifications
    session = SimpleNamespace(user="alice", identity=SimpleNamespace(device="phone"))
    return SimpleNamespace(push=door), session


async def refused(coroutine):
    with pytest.raises(Refused) as caught:
        await coroutine
    return caught.value


async def test_while_push_is_off_nothing_is_answered(env):
    ctx, session = asked_of(env, None)
    assert (await refused(send_test(ctx, session, PushTest()))).code == "not_supported"
    assert (await refused(decisions(ctx, session, PushDecisions()))).code == "not_supported"


async def test_a_test_goes_to_the_device_that_asks_once_a_minute(env):
    sent = views.Tested("phone", "apns", "com.example", "sent")
    notifications = Notifications(
        views.Tested("phone", "apns", "com.example", "provider_error", "BadTopic", 400), sent
    )
    ctx, session = asked_of(env, notifications)
    reply = await send_test(ctx, session, PushTest())
    assert (reply.outcome, notifications.asked) == ("sent", [("alice", "phone", False)])
    again = await refused(send_test(ctx, session, PushTest()))
    assert (again.code, again.scope) == ("rate_limited", "user")
    env.advance(again.retry_after / 1000)
    notifications.tested = [views.Tested("phone", "apns", "com.example", "provider_error", "BadTopic", 400)]
    reply = await send_test(ctx, session, PushTest())
    assert (reply.outcome, reply.detail) == ("provider_error", "BadTopic")


async def test_a_device_that_is_not_registered_is_told_so(env):
    ctx, session = asked_of(env, Notifications())
    assert (await send_test(ctx, session, PushTest())).outcome == "no_token"


async def test_decisions_are_those_of_the_user_who_asks(env):
    notifications = Notifications()
    ctx, session = asked_of(env, notifications)
    reply = await decisions(ctx, session, PushDecisions(room=ROOM, seq=7, limit=3))
    assert notifications.asked == [("alice", ROOM, 7, 3)]
    assert reply.decisions == [
        PushDecision(time=5, kind="message", outcome="read", device="phone", room=ROOM, seq=7),
        PushDecision(time=4, kind="friend", outcome="prefs_off"),
    ]


async def test_a_message_is_asked_about_with_its_room(env):
    ctx, session = asked_of(env, Notifications())
    refusal = await refused(decisions(ctx, session, PushDecisions(seq=7)))
    assert (refusal.code, refusal.field) == ("bad_request", "room")
