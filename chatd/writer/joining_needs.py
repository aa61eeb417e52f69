"""The needs of decisions by which users enter groups."""

from collections.abc import Iterable, Sequence

from chatd.core.channels import Followed
from chatd.core.entering import SetMembers
from chatd.core.invites import INVITE_BYTES, FreshInvite, IssuedInvite, invite_id
from chatd.core.joining import Join
from chatd.core.privacy import Relation
from chatd.core.read_set import ReadSet
from chatd.core.rooms import OpenDirect
from chatd.protocol.friends import FriendRequest
from chatd.protocol.joining import InvitesCreate, InvitesUse, JoinsDecide
from chatd.protocol.members import MembersAdd, RoomJoin
from chatd.protocol.rooms import RoomCreate, RoomDirect
from chatd.writer.sources import Sources, Submitted


async def asking(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the requests of those who ask, or are named, and the offers to them."""
    places = set()
    for asked in batch:
        room = reads.rooms.get(asked.request.room)
        if room is not None and not room.direct:
            places |= {(room.number, user) for user in (asked.user, *getattr(asked.request, "users", ()))}
    await read_joins(sources, places, reads)


async def read_joins(sources: Sources, places: set[tuple[int, str]], reads: ReadSet) -> None:
    known = reads.records_of(Join)
    missing = [place for place in places if place not in known]
    for join in await sources.store.joining.joins(missing) if missing else ():
        known[join.room, join.user] = join


async def of_group(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the invites of groups, and those whose keys creations repeat; draw ids for new ones."""
    creations = [asked for asked in batch if isinstance(asked.request, InvitesCreate)]
    keys = {(asked.user, asked.request.key) for asked in creations}
    rooms = {room.number for asked in batch if (room := reads.rooms.get(asked.request.room)) is not None}
    found = await sources.store.joining.invites((), keys, rooms)
    reads.records_of(IssuedInvite).update({one.invite: one for one in found})
    fresh = reads.records_of(FreshInvite)
    for _ in creations:
        name = invite_id(sources.env.random_bytes(INVITE_BYTES))
        fresh[name] = FreshInvite(name)


async def invited(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read invites with their groups, what waits there of those who use them, and whether their keys were used."""
    known = reads.records_of(IssuedInvite)
    for invite in await sources.store.joining.invites({asked.request.invite for asked in batch}, (), ()):
        known.setdefault(invite.invite, invite)
    names = {known[asked.request.invite].room for asked in batch if asked.request.invite in known}
    if not names:
        return
    await sources.rooms.load(names)
    places, keys = set(), set()
    for asked in batch:
        if asked.request.invite not in known:
            continue
        invite = known[asked.request.invite]
        places.add((invite.number, asked.user))
        if isinstance(asked.request, InvitesUse):
            keys.add((invite.number, asked.user, asked.request.key))
    await read_joins(sources, places, reads)
    await in_channels(sources, batch, reads)
    if keys:
        reads.keyed.update(await sources.store.keyed(keys))


async def in_channels(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the makers and users of invites to channels, of which staff only is always in memory."""
    makers, users = set(), set()
    for asked in batch:
        invite = reads.records_of(IssuedInvite).get(asked.request.invite)
        room = None if invite is None else reads.rooms.get(invite.room)
        if invite is not None and room is not None and room.is_channel:
            makers.add((room.name, invite.user))
            users.add((room.name, asked.user))
    if users:
        await sources.rooms.load_followers(makers | users)
        counts = await sources.store.channels.followed({user for _, user in users})
        reads.records_of(Followed).update({user: Followed(count) for user, count in counts.items()})


async def ending(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read what waits of those whose time is up, with its rooms."""
    wanted = {place for asked in batch for place in asked.request.places}
    await sources.rooms.load({name for name, _ in wanted})
    places = {(room.number, user) for name, user in wanted if (room := reads.rooms.get(name)) is not None}
    await read_joins(sources, places, reads)


async def relations(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read how each user stands to those whom they ask, or put into a room, where people are switched on."""
    pairs = {
        (asked.user, other) for asked in batch for other in asked_by(asked) if asked.user not in ("", other)
    }
    if pairs and reads.rules.people.enabled:
        reads.records_of(Relation).update(await sources.store.relations(pairs, reads.rules.people))


def joining(asked: Submitted) -> Iterable[str]:
    """Return the users who may become members by this submission."""
    request = asked.request
    if isinstance(request, RoomCreate):
        return [asked.user, *request.users]
    if isinstance(request, RoomDirect):
        return [asked.user, request.user]
    if isinstance(request, OpenDirect):
        return [request.user, request.other]
    if isinstance(request, RoomJoin | InvitesUse):
        return [asked.user]
    return request.users if isinstance(request, MembersAdd | SetMembers | JoinsDecide) else ()


def asked_by(asked: Submitted) -> Iterable[str]:
    """Return the users who are put into a room by this submission, or asked to be a friend."""
    request = asked.request
    return [request.user] if isinstance(request, FriendRequest) else joining(asked)
