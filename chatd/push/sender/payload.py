"""The payload of a notification, which all platforms share (protocol.md "What arrives"): synchronous and pure.

Beside it stands a loc-key: the sentence that a phone shows is the app's own, in the language of its user. Sealed, the
push service sees no more than `kind`, `tag`, `badge` and `quiet`.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from chatd.core.push import Address, Notification
from chatd.core.push_rendering import cut
from chatd.push.sender.sealing import BadKeys, seal

# Of what is sealed: in base64 and with all around it, it fits into the 4,096 bytes that every push service takes.
PLAINTEXT_MAX = 2_700
PAYLOAD_MAX = 4_096
# Characters of a text that does not fit. One of 160, as it is cut before, always does.
SHORTER = (160, 80, 40)

WORDS = {
    "message": "MESSAGE",
    "mention": "MENTION",
    "reaction": "REACTION",
    "friend": "FRIEND",
    "invite": "INVITE",
    "test": "TEST",
    "offer": "OFFER",
    "accepted": "ACCEPTED",
    "join": "JOIN",
}
CONTENTS = {word: f"_{word.upper()}" for word in ("picture", "video", "voice", "file", "sticker", "card")}
COUNTED = ("message", "join")
WITH_TEXT = ("message", "mention", "reaction")


class Inexpressible(Exception):
    """A delivery that a push service has no form for; the text is a word for the trace."""


def payload_of(notification: Notification) -> dict[str, Any]:
    """Return the payload as an object."""
    return {"v": notification.v, **msgspec.to_builtins(notification)}


def plain(notification: Notification) -> bytes:
    """Return the payload as JSON."""
    return msgspec.json.encode(payload_of(notification))


def sentence(notification: Notification) -> tuple[str, list[str]]:
    """Return the loc-key of a notification with its arguments, in the order: name, title, text; count comes last.

    >>> sentence(Notification("message", "t", name="Bob", title="Bike tour", text="Who brings the map?"))
    ('MESSAGE_IN_TEXT', ['Bob', 'Bike tour', 'Who brings the map?'])
    """
    kind = notification.kind
    if kind not in WORDS:
        raise Inexpressible(f"no sentence for {kind}")
    word, name, title = WORDS[kind], notification.name or "", notification.title or ""
    if kind in COUNTED and notification.count and notification.count > 1:
        place = ("_IN", [title]) if title else ("_FROM", [name]) if name else ("", [])
        return f"{word}S{place[0]}", [*place[1], str(notification.count)]
    if not name or kind == "test":
        return word, []
    key, arguments = (f"{word}_IN", [name, title]) if title and kind != "friend" else (f"{word}_FROM", [name])
    if notification.text and kind in WITH_TEXT:
        return f"{key}_TEXT", [*arguments, notification.text]
    if notification.content and kind == "message":
        return key + CONTENTS.get(notification.content.partition(":")[0], ""), arguments
    return key, arguments


def visible(notification: Notification) -> Notification:
    """Return what the push service sees of a sealed notification."""
    bare = Notification(notification.kind, notification.tag)
    return replace(bare, badge=notification.badge, quiet=notification.quiet)


def sealed_for(address: Address, notification: Notification, salt: bytes) -> bytes:
    """Return the payload sealed for a device. Raises Inexpressible."""
    try:
        return seal(fitted(notification, plain, PLAINTEXT_MAX), address.p256dh, address.auth, salt)
    except BadKeys as error:
        raise Inexpressible(f"key {error}") from None


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def fitted(notification: Notification, encode: Callable[[Notification], bytes], bytes_max: int) -> bytes:
    """Return what `encode` makes of a notification, whose texts are shortened until that fits. Raises Inexpressible."""
    for shorter in shortened(notification):
        encoded = encode(shorter)
        if len(encoded) <= bytes_max:
            return encoded
    raise Inexpressible("too large")


def shortened(notification: Notification) -> Iterator[Notification]:
    """Yield a notification, then with less and less text, at last with none and without names."""
    yield notification
    if notification.text:
        for most in SHORTER:
            yield replace(notification, text=cut(notification.text, most) or UNSET)
    yield replace(notification, text=UNSET)
    yield replace(notification, text=UNSET, title=UNSET, name=UNSET)
