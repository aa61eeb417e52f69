"""Push notifications: registrations of users, decisions of the day, tests, and the brake (docs/push.md)."""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from chatd.core.push_registrations import digest_of
from chatd.http.api.route import Asked, Call, Done, Limit, Route
from chatd.protocol.identifiers import Device, Milliseconds, Room, Seq, User
from chatd.protocol.push import Platform, PushPreferences
from chatd.push.views import AppStatus, Decision, Now, Status, Tested

# Hexadecimal digits: enough to tell tokens apart, and nothing to send with.
DIGEST_SHOWN = 16


class RegistrationRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One registration. `digest`: the beginning of that of its token. `restored`: it has to say hello first."""

    device: str
    purpose: str
    platform: str
    app: str = ""
    environment: str = "production"
    digest: str
    sealed: bool
    registered_at: Milliseconds
    restored: bool = False


class UserPushAnswer(Struct, frozen=True, kw_only=True):
    """`enabled`: whether push is on. `badge`: the number on the icon, now."""

    enabled: bool
    registrations: list[RegistrationRow]
    preferences: PushPreferences
    badge: int


class DecisionsQuery(Asked, frozen=True, kw_only=True):
    """`seq` needs its `room`."""

    user: User
    room: Room | UnsetType = UNSET
    seq: Seq | UnsetType = UNSET
    limit: Limit = 50


class DecisionsAnswer(Struct, frozen=True, kw_only=True):
    """The decisions of the day, the newest first. `now`: what would become of a message at this moment, by device."""

    decisions: Sequence[Decision]
    now: Sequence[Now]
    badge: int


class SendTest(Asked, frozen=True, kw_only=True):
    """Without `device`: to all of the user. `dry_run`: nothing is sent."""

    user: User
    device: Device | UnsetType = UNSET
    dry_run: bool = False


class TestsAnswer(Struct, frozen=True):
    devices: Sequence[Tested]


class SetPause(Asked, frozen=True, kw_only=True):
    platform: Platform
    on: bool


class PushAnswer(Struct, frozen=True, kw_only=True):
    """`late_ms`: how long the oldest commit waits to be planned. `outstanding`: notifications that may be withdrawn."""

    late_ms: int
    outstanding: int
    apps: Sequence[AppStatus]


def answer_of(status: Status) -> PushAnswer:
    return PushAnswer(late_ms=status.late_ms, outstanding=status.outstanding, apps=status.apps)


async def get_push(call: Call, asked: Asked) -> PushAnswer:
    return answer_of(call.services.push.status())


async def get_user_push(call: Call, asked: Asked) -> UserPushAnswer:
    user = call.path["user"]
    found = await call.services.push.of_user(user, call.audit(user))
    rows = [
        RegistrationRow(
            device=one.device,
            purpose=one.address.purpose,
            platform=one.address.platform,
            app=one.address.app,
            environment=one.address.environment,
            digest=digest_of(one.address).hex()[:DIGEST_SHOWN],
            sealed=bool(one.address.p256dh),
            registered_at=one.registered_at,
            restored=one.epoch != found.epoch,
        )
        for one in found.registrations
    ]
    return UserPushAnswer(
        enabled=call.services.push.enabled,
        registrations=rows,
        preferences=found.preferences,
        badge=found.badge,
    )


async def delete_registrations(call: Call, asked: Asked) -> Done:
    user = call.path["user"]
    await call.services.push.forget(user, call.path["device"], call.audit(user))
    return Done()


async def get_decisions(call: Call, asked: DecisionsQuery) -> DecisionsAnswer:
    found, now, badge = await call.services.push.decisions(
        asked.user, asked.room or "", asked.seq or 0, asked.limit, call.audit(asked.user)
    )
    return DecisionsAnswer(decisions=found, now=now, badge=badge)


async def send_test(call: Call, asked: SendTest) -> TestsAnswer:
    audit = call.audit(asked.user)
    tested = await call.services.push.test(asked.user, asked.device or "", audit, dry_run=asked.dry_run)
    return TestsAnswer(tested)


async def set_pause(call: Call, asked: SetPause) -> PushAnswer:
    audit = call.audit(asked.platform)
    return answer_of(await call.services.push.pause(asked.platform, asked.on, audit))


ROUTES = (
    Route("GET", "/v1/push", "push", get_push, Asked, PushAnswer),
    Route("GET", "/v1/push/decisions", "push", get_decisions, DecisionsQuery, DecisionsAnswer),
    Route("POST", "/v1/push/test", "push", send_test, SendTest, TestsAnswer, waits=True),
    Route("POST", "/v1/push/pause", "push", set_pause, SetPause, PushAnswer),
    Route("GET", "/v1/users/{user}/push", "push", get_user_push, Asked, UserPushAnswer),
    Route("DELETE", "/v1/users/{user}/push/{device}", "push", delete_registrations),
)
