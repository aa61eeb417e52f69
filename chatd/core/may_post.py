"""Who may write in a room with rules, and how often (protocol.md "Governed groups"). Synchronous and pure.

It is asked only where a room has rules, or its member has state that few members have: see `is_bound`.
"""

from chatd.core.extras import SILENCED, extra
from chatd.core.governance import ranks, rule
from chatd.core.policy import NO_DETAILS
from chatd.core.rates import SLOW, retry_after_ms
from chatd.core.read_set import ReadSet
from chatd.core.restrictions import RETRY_MAX_MS
from chatd.core.room import CHANNEL, Member, Room
from chatd.core.users import FOR_EVER
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Refused
from chatd.protocol.messages import EVERYBODY, Body

# As it stands in packed extras: most members that have some are not silenced, and nothing is decoded for them. Looked
# for with `find`, since `in` begins with an error inside Python when both are bytes.
_SILENCED_KEY = SILENCED.encode()


def is_bound(room: Room, member: Member) -> bool:
    """Whether anything but their role may keep `member` from writing here."""
    # Asked of every send: what `room.governed` says, without a call.
    if room.details is not NO_DETAILS or room.kind == CHANNEL:
        return True
    return member.extras != b"" and member.extras.find(_SILENCED_KEY) >= 0


def check_may_post(room: Room, member: Member, now_ms: int) -> None:
    """Raise Refused when `member` is silenced here, or when only higher roles write."""
    check_not_silenced(member, now_ms)
    if room.governed and not ranks(member, rule(room, "post")):
        raise Refused("forbidden", "only admins write here")


def check_may_say(room: Room, member: Member, body: Body | None, now_ms: int, since_s: float) -> None:
    """Raise Refused when `member` may not send this: no body is that of a forward, which mentions nobody.

    `since_s`: since they wrote last.
    """
    check_may_post(room, member, now_ms)
    if body is not None:
        check_mentions_all(room, member, body)
    check_pace(room, member, since_s)


def check_may_react(room: Room, member: Member, now_ms: int) -> None:
    """Raise Refused when `member` may give no reaction: like who may not write, but followers of a channel may."""
    if room.is_channel:
        check_not_silenced(member, now_ms)
    else:
        check_may_post(room, member, now_ms)


def check_not_silenced(member: Member, now_ms: int) -> None:
    """Raise Refused("muted") with the time to wait, or "forbidden" for ever, when `member` is silenced."""
    until = silenced_until(member, now_ms)
    if until == FOR_EVER:
        raise Refused("forbidden", "silenced in this room")
    if until:
        wait_ms = min(until - now_ms, RETRY_MAX_MS)
        raise Refused("muted", "silenced in this room", retry_after=wait_ms, scope="room")


def silenced_until(member: Member, now_ms: int) -> int:
    """Return until when `member` is silenced: Unix ms, FOR_EVER, or 0."""
    if member.extras.find(_SILENCED_KEY) < 0:
        return 0
    until: int = extra(member, SILENCED) or 0
    return until if until == FOR_EVER or until > now_ms else 0


def check_mentions_all(room: Room, member: Member, body: Body) -> None:
    """Raise Refused when a body mentions everybody, and `member` may not."""
    names_all = isinstance(body.mentions, list) and EVERYBODY in body.mentions
    if names_all and room.governed and not ranks(member, rule(room, "mention_all")):
        raise Refused("forbidden", "only admins mention everybody here", field="body.mentions")


def slow_s(room: Room, member: Member) -> float:
    """Return the seconds that `member` has to leave between two messages; admins none."""
    wait: float = rule(room, "slow_s") if room.governed else 0
    return 0 if ranks(member, "admin") else wait


def check_pace(room: Room, member: Member, since_s: float) -> None:
    """Raise Refused("rate_limited") when the last message of `member`, `since_s` ago, is too young for slow mode."""
    wait_s = slow_s(room, member) - since_s
    if wait_s > 0:
        raise Refused("rate_limited", "this room is slow", retry_after=retry_after_ms(wait_s), scope=SLOW)


def since_written(room: Room, member: Member, writes: WriteSet, reads: ReadSet) -> float:
    """Return the seconds since `member` wrote in a slow room."""
    place = room.number, member.user
    return 0.0 if place in writes.paced else reads.allowances.since_s(place, reads.now_s)


def note_pace(room: Room, member: Member, writes: WriteSet) -> None:
    """Note that `member` writes, where that makes them wait."""
    if slow_s(room, member):
        writes.paced |= {(room.number, member.user)}
