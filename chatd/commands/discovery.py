"""The directory of groups and channels (protocol.md "Discovery"). What stands in it is decided in core."""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType, structs

from chatd.commands.context import Context, Session
from chatd.commands.history import limited
from chatd.commands.reply_size import fitting
from chatd.core.discovery import beginning, tag_name
from chatd.core.joining import card_of
from chatd.protocol.codec import encode
from chatd.protocol.discovery import RoomsFind, RoomsFound
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import U53_MAX
from chatd.storage.discovery import ListedRoom

FOUND_DEFAULT, FOUND_MAX = 20, 50


async def find(ctx: Context, session: Session, request: RoomsFind) -> RoomsFound:
    """Return a page of the listed rooms that have this in their title, or this tag: those with most members first."""
    if not request.text and request.tag is UNSET:
        raise Refused("bad_request", "one of text and tag", field="text")
    title = beginning(request.text)
    if request.text and not title:
        raise Refused("bad_request", "there is no word in it that can be searched", field="text")
    tag = "" if request.tag is UNSET else tag_name(request.tag)
    limit = limited(request.limit, FOUND_DEFAULT, FOUND_MAX)
    least = ctx.config.discovery.members_min
    rooms = await ctx.store.listed_rooms(title, tag, least, place_of(request.more), limit)

    async def page(size: int) -> RoomsFound:
        return page_of(rooms, limit, size)

    return await fitting(ctx, session, page)


def page_of(rooms: Sequence[ListedRoom], limit: int, size: int) -> RoomsFound:
    """Return the cards of the first rooms, as far as `size` bytes hold them; one always fits."""
    reply = RoomsFound(rooms=[])
    for room, members in rooms:
        card = structs.replace(card_of(room), members=members)
        size -= len(encode(card))
        if size < 0 and reply.rooms:
            break
        reply.rooms.append(card)
    shown = len(reply.rooms)
    if shown and (shown < len(rooms) or shown == limit):
        room, members = rooms[shown - 1]
        reply.more = f"{members}.{room.name}"
    return reply


def place_of(more: str | UnsetType) -> tuple[int, str]:
    """Return the room behind which a page begins, as its members and name."""
    if more is UNSET:
        return U53_MAX, ""
    members, dot, name = more.partition(".")
    if not (dot and members.isascii() and members.isdigit() and len(members) < 17):
        raise Refused("bad_cursor", "not of a page of this list", field="more")
    return int(members), name
