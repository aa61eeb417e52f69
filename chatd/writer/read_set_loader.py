"""The loader of read sets: everything a batch needs before core decides, in few calls for all submissions."""

from collections.abc import Mapping, Sequence

from msgspec import UNSET

from chatd.core.allowances import Allowances, Kind
from chatd.core.attachments import named_files
from chatd.core.entering import SetMembers
from chatd.core.read_set import ReadSet, Rules
from chatd.core.write_set import WriteSet
from chatd.protocol.joining import InvitesUse, JoinsDecide
from chatd.protocol.members import MembersAdd, RoomJoin
from chatd.protocol.messages import Forward, Send
from chatd.writer.channel_needs import named_rooms, named_users, rooms_with_members
from chatd.writer.joining_needs import joining
from chatd.writer.sources import Need, Sources, Submitted

# Requests that let users into a room that is there.
LETS_IN = (RoomJoin, MembersAdd, SetMembers, JoinsDecide)
# For `isinstance`, which is slow with a union.
POSTED = (Send, Forward)


def optimistic(asked: Submitted) -> bool:
    """Whether a request is stored without looking its key up first: the unique index finds the rare repetition.

    Not with files of this server, nor as a comment: a file and a channel have to be looked at.
    """
    request = asked.request
    if type(request) is not Send or asked.screened is not None or request.post is not UNSET:
        return False
    body = request.body
    return (body.attachments is UNSET and body.card is UNSET) or not any(True for _ in named_files(body))


class ReadSetLoader:
    """The loader of read sets. After a commit it charges the allowances that the batch spent."""

    def __init__(
        self, sources: Sources, rules: Rules, allowances: Allowances, needs: Mapping[type, tuple[Need, ...]]
    ) -> None:
        self._sources = sources
        self.store, self._env, self.rooms = sources.store, sources.env, sources.rooms
        self._needs = needs
        self.rules = rules
        self._allowances = allowances

    def reconfigure(self, rules: Rules, counts: dict[Kind, int]) -> None:
        """Decide by other rules and allowances from now on; what was taken of them stays taken."""
        self.rules = rules
        self._allowances.become(counts)

    def _has_lost_events(self, asked: Submitted) -> bool:
        """Whether keys of a room may be stored without an event, where the unique index does not find them."""
        room = self.rooms.cache.rooms.get(asked.request.room)
        return room is not None and room.purged > 0

    async def load(self, batch: Sequence[Submitted], *, known_keys: bool) -> ReadSet:
        """Return the read set of `batch`. With `known_keys` also the keys of sends."""
        await self._rooms_of(batch)
        reads = ReadSet(self.rules, self.rooms.cache.rooms)
        reads.allowances, reads.now_s = self._allowances, self._env.monotonic()
        # A send needs its room and nothing else, and most requests are sends.
        others = batch
        if not known_keys:
            others = [asked for asked in batch if not optimistic(asked) or self._has_lost_events(asked)]
        if others:
            await self._needs_of(others, reads)
        return reads

    async def _rooms_of(self, batch: Sequence[Submitted]) -> None:
        """Load the rooms that are named by users who are or were in them; strangers load none."""
        wanted, asked_from_outside = set(), set()
        for asked in batch:
            for name in named_rooms(asked.request):
                # Maintenance asks with an empty user.
                if not asked.user or self.rooms.known(asked.user, name):
                    wanted.add(name)
                else:
                    joins = isinstance(asked.request, RoomJoin)
                    asked_from_outside.add((asked.user, name, joins))
        if asked_from_outside:
            wanted.update(name for _, name, _ in await self.store.placed(asked_from_outside))
        if wanted:
            await self.rooms.load(wanted)
        await self._followers_of(batch)

    async def _followers_of(self, batch: Sequence[Submitted]) -> None:
        """Load whom the requests of a batch name in channels, of which staff only is always in memory."""
        channels = self.rooms.cache.channels
        if not channels:
            return
        places = {
            (name, user)
            for asked in batch
            for name in rooms_with_members(asked.request)
            if name in channels
            for user in named_users(asked)
        }
        for name in {name for name, _ in places}:
            self.rooms.cache.forget_followers(name)
        if places:
            await self.rooms.load_followers(places)

    async def _needs_of(self, batch: Sequence[Submitted], reads: ReadSet) -> None:
        """Read for each need once, for all requests together that have it."""
        having: dict[Need, list[Submitted]] = {}
        for asked in batch:
            for need in self._needs.get(type(asked.request), ()):
                having.setdefault(need, []).append(asked)
        for need, together in having.items():
            await need(self._sources, together, reads)

    def charge(self, writes: WriteSet) -> None:
        """Take from the allowances what a commit spent. A commit hook."""
        self._allowances.charge(writes, self._env.monotonic())


def before_newcomers(batch: Sequence[Submitted]) -> int:
    """Return how many submissions come before the first message by somebody whom one of them lets into its room.

    The members who block them there are read once that is stored.
    """
    newcomers: set[tuple[str, str]] = set()
    # Of a group that is not known yet.
    invited: set[str] = set()
    for place, asked in enumerate(batch):
        request = asked.request
        if isinstance(request, LETS_IN):
            newcomers.update((request.room, user) for user in joining(asked))
        elif isinstance(request, InvitesUse):
            invited.add(asked.user)
        elif isinstance(request, POSTED) and (
            asked.user in invited or (newcomers and (request.room, asked.user) in newcomers)
        ):
            return place
    return len(batch)
