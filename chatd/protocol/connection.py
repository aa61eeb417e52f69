"""The life of a connection (protocol.md "Connection life cycle"): hello, auth, mode, heartbeat, bye."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from chatd.protocol.envelope import Bearer, Ok, Push, Request
from chatd.protocol.identifiers import U53, Device, Milliseconds, Room, Seq, Word
from chatd.protocol.limits import FOCUS_MAX
from chatd.protocol.media import MediaOffer
from chatd.protocol.privacy import Capability, To
from chatd.protocol.push import PushOffer
from chatd.protocol.sync import SyncPage

Mode = Literal["foreground", "background"]


class Hello(Bearer, tag="hello", frozen=True, kw_only=True):
    version: U53
    device: Device
    app: Word | UnsetType = UNSET
    os: Word | UnsetType = UNSET
    locale: Word | UnsetType = UNSET
    features: Annotated[list[Word], Meta(max_length=32)] = []
    mode: str = "foreground"
    focus: Annotated[list[Room], Meta(max_length=FOCUS_MAX)] = []
    epoch: str | UnsetType = UNSET
    cursor: str | UnsetType = UNSET
    rooms: Seq | UnsetType = UNSET
    previews: bool | UnsetType = UNSET
    events: U53 = 0


class Auth(Bearer, tag="auth", frozen=True, kw_only=True):
    pass


class SetMode(Request, tag="mode", frozen=True, kw_only=True):
    mode: Mode


class Ping(Request, tag="ping", frozen=True, kw_only=True):
    pass


class Pong(Request, tag="pong", frozen=True, kw_only=True):
    pass


class HelloOk(Ok, tag="ok", kw_only=True):
    version: U53
    user: str
    session: str
    time: Milliseconds
    epoch: str
    features: list[str]
    heartbeat: U53
    token_ttl: U53
    limits: dict[str, int] | UnsetType = UNSET
    audiences: dict[Capability, list[To]] | UnsetType = UNSET
    deprecated_at: Milliseconds | UnsetType = UNSET
    push: PushOffer | UnsetType = UNSET
    media: MediaOffer | UnsetType = UNSET
    sync: SyncPage


class AuthOk(Ok, tag="ok", kw_only=True):
    token_ttl: U53


class ModeOk(Ok, tag="ok", kw_only=True):
    heartbeat: U53


class PingOk(Ok, tag="ok", kw_only=True):
    time: Milliseconds


class TokenExpiringPush(Push, tag="token_expiring", omit_defaults=False):
    token_ttl: U53  # seconds


class PingPush(Push, tag="ping"):
    cursor: str | UnsetType = UNSET


class ByePush(Push, tag="bye"):
    """Sent before every deliberate close. `retry_after`: milliseconds."""

    reason: str
    close: int
    retry_after: Milliseconds | UnsetType = UNSET
    to: str | UnsetType = UNSET
    cursor: str | UnsetType = UNSET
