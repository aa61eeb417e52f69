"""The words of a notification: as much as the user and the operator want to be seen, cut to what a lock screen shows.

Synchronous and pure. Whatever is not shown to the push service is absent, not empty.
"""

import re
import unicodedata
from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from chatd.core.push import Kind, Notification
from chatd.protocol.messages import Attachment, Body
from chatd.protocol.push import Content

TEXT_MAX = 160
NAME_MAX = 80
# The most characters of one that a reader sees as a single one: a family is of 11, a flag of a region of 7.
CLUSTER_MAX = 16
JOINER, FLAGS, TONES = "\u200d", range(0x1F1E6, 0x1F200), range(0x1F3FB, 0x1F400)
CARD = re.compile(r"[a-z][a-z0-9_.-]{0,31}\Z")

ORDER: tuple[Content, ...] = ("none", "sender", "full")


def narrower(one: Content, other: Content) -> Content:
    """Return the one that shows less.

    >>> narrower("full", "sender")
    'sender'
    """
    return min(one, other, key=ORDER.index)


def cut(text: str, most: int) -> str:
    """Return the beginning of a text without control characters, at most `most` characters, and none cut in half.

    >>> cut("two\\tlines", 3)
    'two'
    """
    shown = "".join(" " if unicodedata.category(one) == "Cc" else one for one in text[: 4 * most]).strip()
    if len(shown) <= most:
        return shown
    for end in range(most - 1, max(0, most - 1 - CLUSTER_MAX), -1):
        if not is_inside(shown, end):
            return shown[:end] + "…"
    return shown[: most - 1] + "…"


def is_inside(text: str, place: int) -> bool:
    """Whether a cut before `text[place]` would be inside of what a reader sees as one character."""
    before, behind = text[place - 1], text[place]
    if (
        JOINER in (before, behind)
        or ord(behind) in TONES
        or unicodedata.category(behind) in ("Mn", "Me", "Mc")
    ):
        return True
    # A flag is two letters, and several may follow on each other.
    letters = 0
    while letters < place and ord(text[place - 1 - letters]) in FLAGS:
        letters += 1
    return letters % 2 == 1 and ord(behind) in FLAGS


def content_of(body: Body) -> str:
    """Return the word for a body without text (protocol.md "The payload")."""
    if body.attachments:
        return attached(body.attachments[0])
    if body.card is not UNSET:
        return "sticker" if body.card.type == "sticker" else f"card:{body.card.type}"
    kind: Any = body.data.get("type") if isinstance(body.data, dict) else None
    if kind == "sticker":
        return "sticker"
    return f"card:{kind}" if isinstance(kind, str) and CARD.match(kind) else "card"


def attached(attachment: Attachment) -> str:
    if attachment.kind is not UNSET:
        return attachment.kind
    family = attachment.mime.partition("/")[0]
    return {"image": "picture", "audio": "voice", "video": "video"}.get(family, "file")


def words_of(body: Body) -> tuple[str | UnsetType, str | UnsetType]:
    """Return text and content of a body; one of them is UNSET."""
    text = cut(body.text, TEXT_MAX) if body.text else ""
    return (text, UNSET) if text else (UNSET, content_of(body))


class Details(NamedTuple):
    """All that a notification may tell; how much of it is shown is a level.

    `name`: of `user`, as the recipient calls them. `title`: of a group. `text` or `content`: of a message. `messages`:
    so many it stands for; it is said from two on. `time`: Unix ms.
    """

    room: str = ""
    seq: int = 0
    user: str = ""
    name: str = ""
    title: str = ""
    text: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    messages: int = 1
    time: int = 0


def notification(
    kind: Kind, tag: str, badge: int, details: Details, level: Content, *, is_quiet: bool
) -> Notification:
    """Return a notification that shows as much as `level` allows."""
    bare = Notification(kind, tag, badge=badge, quiet=is_quiet)
    if level == "none":
        return bare
    sender = replace(
        bare,
        room=details.room or UNSET,
        seq=details.seq or UNSET,
        user=details.user or UNSET,
        name=cut(details.name, NAME_MAX) or UNSET,
        count=details.messages if details.messages > 1 else UNSET,
        time=details.time or UNSET,
    )
    if level == "sender":
        return sender
    return replace(
        sender, title=cut(details.title, NAME_MAX) or UNSET, text=details.text, content=details.content
    )
