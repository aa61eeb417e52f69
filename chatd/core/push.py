"""The words of push notifications: what they tell of, and what became of each. Synchronous and pure."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

Kind = Literal[
    "message", "mention", "reaction", "friend", "invite", "read", "test", "offer", "accepted", "join"
]
"""What a notification tells of; `read` takes others away. The order is kept in traces: append only."""

AlertKind = Literal["friend", "invite", "offer", "accepted", "join"]
"""Those that are of no message."""

Outcome = Literal[
    "own",
    "large_room",
    "departed",
    "blocked",
    "request",
    "disabled",
    "no_token",
    "stale_device",
    "prefs_off",
    "muted",
    "mentions_only",
    "foreground",
    "read",
    "recalled",
    "quiet",
    "paced",
    "sent",
    "sent_silent",
    "superseded",
    "expired",
    "provider_busy",
    "token_dead",
    "provider_error",
]
"""What became of a notification for one device. The order is kept in traces: append only."""


class Address(Struct, array_like=True, frozen=True):
    """The place of one device at a push service. `p256dh`, `auth`: to seal what is sent to it, empty for not sealed."""

    platform: str
    app: str
    token: str
    purpose: str = "alert"
    environment: str = "production"
    p256dh: bytes = b""
    auth: bytes = b""

    def __repr__(self) -> str:
        return f"Address({self.platform!r}, {self.app!r})"


class Notification(Struct, omit_defaults=True, frozen=True):
    """The content of a notification, the same on all platforms.

    `tag`: the key by which a later one replaces it. `content`: a word in place of a text. `count`: messages that this
    one stands for. `time`: Unix ms. `quiet`: shown without a sound. Absent keys are not shown to the push service.
    """

    kind: Kind
    tag: str
    v: int = 1
    room: str | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    user: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    count: int | UnsetType = UNSET
    badge: int | UnsetType = UNSET
    time: int | UnsetType = UNSET
    quiet: bool = False
