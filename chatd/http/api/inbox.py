"""Why a user is shown a number: the rooms behind their badge, the messages behind an unread number."""

from msgspec import UNSET, Struct, UnsetType

from chatd.http.api.route import Call, Page, Route
from chatd.protocol.identifiers import Room
from chatd.protocol.inbox import CountingRoom


class UnreadQuery(Page, frozen=True, kw_only=True):
    room: Room


class BadgeAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The number on the icon of the app, and the rooms it is the sum of."""

    badge: int
    rooms: list[CountingRoom]
    more: str | UnsetType = UNSET


class UnreadAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The counters of a user in a room, the messages they count, and those of them that mention the user."""

    read: int
    unread: int
    unread_mentions: int
    seqs: list[int]
    mentions: list[int]
    more: str | UnsetType = UNSET


async def get_badge(call: Call, asked: Page) -> BadgeAnswer:
    user = call.path["user"]
    await call.admin.note(call.audit(user))
    page = await call.rooms.badge(user, asked.number(0), asked.limit)
    return BadgeAnswer(
        badge=page.badge, rooms=list(page.rooms), more=str(page.after) if page.after else UNSET
    )


async def get_unread(call: Call, asked: UnreadQuery) -> UnreadAnswer:
    user = call.path["user"]
    await call.admin.note(call.audit(user))
    page = await call.rooms.unread(user, asked.room, asked.number(0), asked.limit)
    return UnreadAnswer(
        read=page.read,
        unread=page.unread,
        unread_mentions=page.unread_mentions,
        seqs=list(page.seqs),
        mentions=list(page.mentions),
        more=UNSET if page.is_last else str(page.seqs[-1]),
    )


ROUTES = (
    Route("GET", "/v1/users/{user}/badge", "users", get_badge, Page, BadgeAnswer),
    Route("GET", "/v1/users/{user}/unread", "users", get_unread, UnreadQuery, UnreadAnswer),
)
