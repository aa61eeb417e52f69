"""The needs of decisions on groups and their members."""

from collections.abc import Sequence

from chatd.core.bans import RECALLED_MAX, Bans, RecentMessages
from chatd.core.governance import ranks
from chatd.core.permissions import HOST
from chatd.core.read_set import DAY_MS, ReadSet
from chatd.core.room import Room
from chatd.core.write_set import Message
from chatd.protocol.limits import MEMBERS_CHANGED_MAX
from chatd.writer.file_needs import read_held
from chatd.writer.sources import Sources, Submitted


async def bans(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Count the users who are banned from channels, for staff that is about to ban more."""
    now, known = sources.env.now_ms(), reads.records_of(Bans)
    for asked in batch:
        room = reads.rooms.get(asked.request.room)
        if room is None or not (room.is_channel and asked.request.ban):
            continue
        if removes(asked.user, room):
            far = reads.rules.bans_max - len(batch) * MEMBERS_CHANGED_MAX
            known[room.number] = Bans(await sources.store.channels.banned(room.number, now, far))


def removes(user: str, room: Room) -> bool:
    """Whether `user` may remove members: nothing is read for anybody else."""
    actor = room.members.get(user)
    return user == HOST or (actor is not None and ranks(actor, "admin"))


async def recent_messages(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read what users wrote in a day who are removed with their messages: the newest of all that a request names."""
    since = sources.env.now_ms() - DAY_MS
    for asked in batch:
        request, room = asked.request, reads.rooms.get(asked.request.room)
        if room is None or not request.recall or not removes(asked.user, room):
            continue
        high = room.seq
        written = await sources.store.recent_messages(room.number, request.users, since, RECALLED_MAX)
        found = await sources.store.messages_at({(room.number, seq) for _, seq in written})
        for place, event in found.items():
            reads.messages.setdefault(place, Message(room, event))
        for user in {user for user, _ in written}:
            seqs = sorted(seq for author, seq in written if author == user)
            reads.records_of(RecentMessages)[room.number, user] = RecentMessages(seqs, high)
        await read_held(sources, [*found], reads)
