"""Push notifications: the place of a device at a push service, and what its user wants to be told (protocol.md "Push
notifications").
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from chatd.protocol.envelope import Bearer, Ok, Request
from chatd.protocol.identifiers import Milliseconds, Room, Seq
from chatd.protocol.limits import DECISIONS_MAX

Platform = Literal["apns", "fcm", "web", "gateway"]
Purpose = Literal["alert", "voip"]
Environment = Literal["production", "sandbox"]
Level = Literal["all", "mentions", "none"]
QuietMode = Literal["silent", "off"]
Content = Literal["full", "sender", "none"]
Notify = Literal["all", "mentions", "none", "default"]
"""Of a room; `default`: as the account says."""

# Base64url without padding: a point of P-256 as 65 bytes, and 16 bytes.
PublicKey = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_\-]{87}\Z")]
AuthSecret = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_\-]{22}\Z")]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")]
Weekday = Annotated[int, Meta(ge=1, le=7)]
TimeZone = Annotated[str, Meta(max_length=64)]


class QuietHours(Struct, omit_defaults=True, frozen=True):
    """A time of the day, of the wall clock; `to` is after midnight where it is not above `from`.

    `days`: those on which it begins, 1 is Monday; empty for all.
    """

    start: TimeOfDay = field(name="from")
    end: TimeOfDay = field(name="to")
    days: Annotated[list[Weekday], Meta(max_length=7)] = []


class PushPreferences(Struct, omit_defaults=True, frozen=True):
    """What a user wants to be told on their devices, and when. `timezone`: an IANA name, needed with `quiet`."""

    messages: Level = "all"
    groups: Level = "all"
    content: Content = "full"
    mute_mentions: bool = True
    friends: bool = True
    invites: bool = True
    joins: bool = True
    reactions: bool = False
    quiet: Annotated[list[QuietHours], Meta(max_length=7)] = []
    timezone: TimeZone = ""
    quiet_mode: QuietMode = "silent"


class PushOffer(Struct, omit_defaults=True, frozen=True):
    """What a device learns in the reply to hello. `vapid`: the key of the server, in base64url."""

    platforms: list[Platform]
    vapid: str | UnsetType = UNSET
    registered: bool = False


class DevicesPush(Bearer, tag="devices.push", frozen=True, kw_only=True):
    """Register the place of this device for a purpose; an empty `token` removes it."""

    platform: Platform
    token: Annotated[str, Meta(max_length=4096)]
    app: Annotated[str, Meta(max_length=128)] = ""
    purpose: Purpose = "alert"
    environment: Environment = "production"
    p256dh: PublicKey | UnsetType = UNSET
    auth: AuthSecret | UnsetType = UNSET


class PushTest(Request, tag="push.test", frozen=True, kw_only=True):
    """Send a test to this device."""


class PushTestOk(Ok, tag="ok", kw_only=True):
    """The outcome of a test, one of core/push.py, with the word of the push service."""

    outcome: str
    detail: str | UnsetType = UNSET


class PushDecisions(Request, tag="push.decisions", frozen=True, kw_only=True):
    """What was decided about the user's own devices in the last day."""

    room: Room | UnsetType = UNSET
    seq: Seq | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=DECISIONS_MAX)] = DECISIONS_MAX


class PushDecision(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """One decision. `device` is absent where it was the same for all devices."""

    time: Milliseconds
    kind: str
    outcome: str
    device: str | UnsetType = UNSET
    room: str | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    detail: str | UnsetType = UNSET


class PushDecisionsOk(Ok, tag="ok", kw_only=True):
    """Decisions, the newest first."""

    decisions: list[PushDecision]
