"""The messages of FCM as Google's discovery document `fcm:v1` describes them (schema SendMessageRequest and below)."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Duration = Annotated[str, Meta(pattern=r"^\d+(\.\d{1,9})?s$")]
Data = dict[str, str]


class Schema(Struct, forbid_unknown_fields=True, rename="camel", omit_defaults=True, frozen=True):
    """A schema of the document: keys in camel case, none that it does not name."""


class Label(Schema, frozen=True):
    """FcmOptions and AndroidFcmOptions."""

    analytics_label: str | None = None


class ApnsFcmOptions(Schema, frozen=True):
    analytics_label: str | None = None
    image: str | None = None


class WebpushFcmOptions(Schema, frozen=True):
    analytics_label: str | None = None
    link: str | None = None


class Notification(Schema, frozen=True):
    title: str | None = None
    body: str | None = None
    image: str | None = None


class Color(Schema, frozen=True):
    red: float = 0
    green: float = 0
    blue: float = 0
    alpha: float = 1


class LightSettings(Schema, frozen=True):
    color: Color
    light_on_duration: Duration
    light_off_duration: Duration


class AndroidNotification(Schema, frozen=True):
    title: str | None = None
    body: str | None = None
    icon: str | None = None
    color: Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$")] | None = None
    sound: str | None = None
    tag: str | None = None
    click_action: str | None = None
    body_loc_key: str | None = None
    body_loc_args: list[str] | None = None
    title_loc_key: str | None = None
    title_loc_args: list[str] | None = None
    channel_id: str | None = None
    ticker: str | None = None
    sticky: bool | None = None
    event_time: str | None = None
    local_only: bool | None = None
    notification_priority: (
        Literal[
            "PRIORITY_UNSPECIFIED",
            "PRIORITY_MIN",
            "PRIORITY_LOW",
            "PRIORITY_DEFAULT",
            "PRIORITY_HIGH",
            "PRIORITY_MAX",
        ]
        | None
    ) = None
    default_sound: bool | None = None
    default_vibrate_timings: bool | None = None
    default_light_settings: bool | None = None
    vibrate_timings: list[Duration] | None = None
    visibility: Literal["VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"] | None = None
    notification_count: int | None = None
    light_settings: LightSettings | None = None
    image: str | None = None
    bypass_proxy_notification: bool | None = None
    proxy: Literal["PROXY_UNSPECIFIED", "ALLOW", "DENY", "IF_PRIORITY_LOWERED"] | None = None


class AndroidConfig(Schema, frozen=True):
    collapse_key: str | None = None
    # The document names NORMAL and HIGH; the service takes both cases.
    priority: Literal["NORMAL", "HIGH", "normal", "high"] | None = None
    ttl: Duration | None = None
    restricted_package_name: str | None = None
    data: Data | None = None
    notification: AndroidNotification | None = None
    fcm_options: Label | None = None
    direct_boot_ok: bool | None = None


class WebpushConfig(Schema, frozen=True):
    headers: Data | None = None
    data: Data | None = None
    notification: dict[str, Any] | None = None
    fcm_options: WebpushFcmOptions | None = None


class ApnsConfig(Schema, frozen=True):
    headers: Data | None = None
    payload: dict[str, Any] | None = None
    fcm_options: ApnsFcmOptions | None = None


class Message(Schema, frozen=True):
    name: str | None = None
    data: Data | None = None
    notification: Notification | None = None
    android: AndroidConfig | None = None
    webpush: WebpushConfig | None = None
    apns: ApnsConfig | None = None
    fcm_options: Label | None = None
    token: str | None = None
    topic: str | None = None
    condition: str | None = None


class SendMessageRequest(Schema, frozen=True):
    message: Message
    validate_only: bool = False
