"""A push gateway: "Push Gateway API" of the Matrix specification, signed as webhooks are (Standard Webhooks)."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from standardwebhooks import Webhook, WebhookVerificationError

from tests.kit.push_services.authority import Authority
from tests.kit.push_services.listener import Request, json_response
from tests.kit.push_services.service import Service, Told

PATH = "/_matrix/push/v1/notify"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="


class Counts(Struct, frozen=True):
    unread: Annotated[int, Meta(ge=0)] = 0
    missed_calls: Annotated[int, Meta(ge=0)] = 0


class Device(Struct, frozen=True):
    """`pushkey_ts`: Unix s. `data`: what the pusher was set with. The lengths are those of client pushers."""

    app_id: Annotated[str, Meta(min_length=1, max_length=64)]
    pushkey: Annotated[str, Meta(min_length=1)]
    pushkey_ts: int = 0
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    tweaks: dict[str, Any] = msgspec.field(default_factory=dict)


class Notification(Struct, frozen=True):
    devices: Annotated[list[Device], Meta(min_length=1)]
    event_id: str | None = None
    room_id: str | None = None
    type: str | None = None
    sender: str | None = None
    sender_display_name: str | None = None
    room_name: str | None = None
    room_alias: str | None = None
    user_is_target: bool = False
    prio: Literal["high", "low"] = "high"
    content: dict[str, Any] = msgspec.field(default_factory=dict)
    counts: Counts = Counts()


class Notify(Struct, frozen=True):
    notification: Notification


class Gateway(Service):
    """`dead`: tokens that it names as rejected. `accepted`: notifications with a device that is not dead, in order."""

    def __init__(self, directory: Path, authority: Authority | None = None) -> None:
        super().__init__(authority)
        self.key_file = directory / "gateway.secret"
        self.key_file.touch(0o600)
        self.key_file.write_text(SECRET)
        self.dead: set[str] = set()
        self.accepted: list[Notification] = []
        self.unsigned = 0

    def app(self, **keys: Any) -> dict[str, Any]:
        """Return an app of the configuration for this service."""
        names = {"platform": "gateway", "app": "com.example.gateway"}
        return {**names, "key_file": str(self.key_file), "url": f"{self.url}{PATH}", **keys}

    def of(self, token: str) -> list[Notification]:
        return [one for one in self.accepted if any(device.pushkey == token for device in one.devices)]

    async def answer(self, request: Request) -> Told:
        if request.path != PATH:
            return json_response(404, {"errcode": "M_UNRECOGNIZED"})
        if request.method != "POST":
            return json_response(405, {"errcode": "M_UNRECOGNIZED"})
        try:
            Webhook(SECRET).verify(request.body, request.headers)
        except WebhookVerificationError:
            self.unsigned += 1
        try:
            notification = msgspec.json.decode(request.body, type=Notify).notification
        except msgspec.DecodeError as problem:
            return json_response(400, {"errcode": "M_BAD_JSON", "error": str(problem)})
        rejected = [one.pushkey for one in notification.devices if one.pushkey in self.dead]
        if len(rejected) < len(notification.devices):
            self.accepted.append(notification)
        return json_response(200, {"rejected": rejected})
