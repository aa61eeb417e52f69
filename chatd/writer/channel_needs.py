"""The rooms and users that requests name. In channels these are the only followers in memory, besides the last ones."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import UNSET

from chatd.core.attachments import forwards
from chatd.core.channels import Followed
from chatd.core.maintenance import RefreshSummaries
from chatd.core.permissions import HOST
from chatd.core.read_set import ReadSet
from chatd.protocol.members import RoomJoin
from chatd.protocol.messages import Edit, Forward, Send
from chatd.protocol.read_state import Delivered
from chatd.protocol.rooms import RoomUpdate
from chatd.writer.sources import Sources, Submitted

# For `isinstance`, which is slow with a union.
WITH_FILES = (Send, Edit)


def named_rooms(request: Any) -> Iterable[str]:
    """Return the names of the rooms of a request."""
    if isinstance(request, WITH_FILES):
        others = (
            () if request.body.attachments is UNSET else {place.room for _, place in forwards(request.body)}
        )
        return (request.room, *others)
    if isinstance(request, Delivered):
        return [row.room for row in request.rooms]
    if isinstance(request, Forward):
        return {request.room, request.from_}
    name = getattr(request, "room", None)
    return [name] if isinstance(name, str) and name else []


def rooms_with_members(request: Any) -> Iterable[str]:
    """Return the names of the rooms in which a request looks at members."""
    if isinstance(request, RefreshSummaries):
        return [reply.summary.room for reply in request.rooms]
    return named_rooms(request)


def named_users(asked: Submitted) -> Iterable[str]:
    """Return whoever asks, and the users whom the request names."""
    request = asked.request
    for name in ("user", "person"):
        if isinstance(user := getattr(request, name, None), str):
            yield user
    for one in getattr(request, "users", None) or ():
        yield one if isinstance(one, str) else one.user
    yield asked.user


async def linked(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the groups and channels that are linked to the rooms named, or are about to be, and whether those who join
    the group of a channel follow that.
    """
    names = set()
    for asked in batch:
        request = asked.request
        room = reads.rooms.get(request.room)
        if room is None:
            continue
        if isinstance(request, RoomJoin):
            # Of others nothing is read but whether they follow it.
            if room.details.channel:
                await sources.rooms.of(asked.user, room.details.channel)
        elif asked.user == HOST or asked.user in room.members:
            names |= {room.details.comments, room.details.channel}
            if isinstance(request, RoomUpdate) and request.comments:
                await read_group(sources, asked.user, request.comments)
    if names := names - {""}:
        await sources.rooms.load(names)


async def read_group(sources: Sources, user: str, name: str) -> None:
    """Read the group that `user` is about to link, unless they never were in it."""
    await (sources.rooms.get(name) if user == HOST else sources.rooms.of(user, name))


async def followed(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Count the channels of users who may join one."""
    users = {
        user
        for asked in batch
        if (room := reads.rooms.get(asked.request.room)) is not None and room.is_channel
        for user in named_users(asked)
    }
    counts = await sources.store.channels.followed(users) if users else {}
    reads.records_of(Followed).update({user: Followed(count) for user, count in counts.items()})
