"""The rarely used state of a member: a MessagePack map that is read and written whole (`Member.extras`)."""

from typing import Any, Protocol

from chatd.core.room import Member
from chatd.protocol.codec import decode_tree, encode

WALLPAPER = "wallpaper"
# The voice notes that they heard, the newest, in order.
PLAYED = "played"
# Of who is asked in a direct room: the texts that were spent. While it is there they have not accepted.
ASKED = "asked"
NICKNAME = "nickname"
# Until when they may not write: Unix ms, 1 for ever.
SILENCED = "silenced"
# Of a banned user: until when they cannot come back, Unix ms; absent for ever.
BANNED_UNTIL = "banned_until"
# Of who cleared a room: from where on they saw it before, which others go by.
SAW_FROM = "saw_from"
# Of who came back: the event before which they had cleared everything, though they may begin to see the room later.
CLEARED = "cleared"
# Ranges of messages, [first, last], that they deleted for themselves: sorted, apart, behind what they cleared. After a
# return some may lie before `first_visible`.
DELETED = "deleted"
# The stamp of the commit with which a direct room left their list, because nobody wrote there and a friendship ended.
UNLISTED = "unlisted"


class AnyMember(Protocol):
    """A member, or their row as a store reads it, with `extras` in hexadecimal digits."""

    @property
    def extras(self) -> bytes | str: ...


def extra(member: AnyMember, name: str) -> Any:
    """Return one value, None when there is none."""
    packed = member.extras
    if not packed:
        return None
    return decode_tree(bytes.fromhex(packed) if isinstance(packed, str) else packed).get(name)


def ban_ends(member: Member) -> int:
    """Return when the ban of a former member ends, Unix ms; 0 never."""
    until: int = extra(member, BANNED_UNTIL) or 0
    return until


def ban_holds(member: Member, now_ms: int) -> bool:
    """Whether a former member is banned now; one whose ban is over was removed, no more."""
    return member.gone == "banned" and not 0 < ban_ends(member) <= now_ms


def put_extra(member: Member, name: str, value: Any) -> None:
    """Replace one value of a member whom this batch has touched; an empty one is removed."""
    values = decode_tree(member.extras) if member.extras else {}
    values.pop(name, None)
    if value:
        values[name] = value
    member.extras = encode(values) if values else b""
