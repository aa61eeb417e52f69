"""Velocity: what a user does too fast to be chatting, and what an account may not do yet (protocol.md "Screening").

It is decided where it happens, so a repeated request counts once. Bots, official accounts and requests of the host app
have no such bounds.
"""

import re

from chatd.core.allowances import Kind
from chatd.core.filters import normal_form
from chatd.core.read_set import ReadSet
from chatd.core.room import Room
from chatd.core.users import Account
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Rejected

# A new account opens a fifth of the direct rooms of others: ten of fifty.
NEW_SHARE = 5

# A name of a host in a text in normal form: it begins with www, or ends as most do, or has a path behind it. It begins
# with the dot, which most texts have none of.
_HOST = re.compile(
    r"\.(?:(?<=\bwww\.)\S|(?<=[a-z0-9]\.)(?:[a-z]{2,24}/"
    r"|(?:com|net|org|info|biz|app|link|site|online|shop|store|top|xyz|club|live|io|me|co|cc|tv|ly|gg|ru|cn)\b))"
)


def has_link(text: str) -> bool:
    """Whether a text has a link, as far as one sees it."""
    if text.isascii() and "." not in text and ":" not in text:
        return False
    form = normal_form(text)
    return "://" in form or _HOST.search(form) is not None


def is_new(account: Account | None, new_ms: int, now_ms: int) -> bool:
    """Whether a person's account is younger than `new_ms`; one that is not known is not."""
    return account is not None and not account.is_automated and now_ms - account.created_at < new_ms


def check_direct_room(user: str, writes: WriteSet, reads: ReadSet) -> None:
    """Refuse one more new direct room than `user` may open in a day; note it otherwise."""
    account = reads.accounts.get(user)
    if _is_unbound(writes) or (account is not None and account.is_automated):
        return
    kind: Kind = (
        "new_direct_rooms" if is_new(account, reads.rules.new_account_ms, writes.now) else "direct_rooms"
    )
    if reads.allowances.wait_s(kind, user, 1, writes, reads.now_s):
        raise Rejected("direct_rooms", "as many new direct rooms as one user may open for now")
    writes.spend("direct_rooms", user, 1)
    writes.spend("new_direct_rooms", user, 1)


def check_mentions(user: str, count: int, room: Room, writes: WriteSet, reads: ReadSet) -> None:
    """Refuse more mentions than `user` may make in a minute; note them otherwise."""
    if _is_unbound(writes) or user in room.bots:
        return
    if reads.allowances.wait_s("mentions", user, count, writes, reads.now_s):
        raise Rejected("mentions", "as many mentions as one user may make for now")
    writes.spend("mentions", user, count)


def _is_unbound(writes: WriteSet) -> bool:
    return writes.origin is not None and writes.origin.is_of_host
