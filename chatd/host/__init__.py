"""The Python client for back ends of apps: the API of docs/api.md, tokens for phones, and the signatures of webhooks.

It needs nothing but the standard library, and is synchronous: from asyncio, call it in a thread. docs/host.md shows it.
"""

from chatd.host.api import Host, HostError
from chatd.host.signing import BadSignature, sign_token, verify_webhook
from chatd.host.types import (
    Entry,
    MediaUsage,
    Message,
    OwnFile,
    PushDecision,
    PushTested,
    Room,
    Sticker,
    User,
    Written,
)

__all__ = [
    "BadSignature",
    "Entry",
    "Host",
    "HostError",
    "MediaUsage",
    "Message",
    "OwnFile",
    "PushDecision",
    "PushTested",
    "Room",
    "Sticker",
    "User",
    "Written",
    "sign_token",
    "verify_webhook",
]
