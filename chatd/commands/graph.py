"""The host's work on the graph while the daemon runs: changes, imports, digests, rules (docs/people.md)."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from chatd.commands.admin import Writes
from chatd.core.audit import Audit
from chatd.core.graph import (
    EDGES_MAX,
    SET,
    ChangedGraph,
    ChangeGraph,
    EdgeChange,
    Kind,
    Wanted,
    differences,
    owned_kinds,
    require_owned,
)
from chatd.core.graph_digest import BucketDigests, Digest, GraphDigest
from chatd.core.read_set import PeopleRules
from chatd.protocol.errors import ChatError, Refused, Unavailable
from chatd.storage.graph import GraphStore

log = logging.getLogger(__name__)

RETRY_MS = 1000


@dataclass(slots=True, frozen=True)
class Replaced:
    """The number of edges of a user that an import added and removed."""

    added: int
    removed: int


@dataclass(slots=True, eq=False)
class Line:
    """A user of an import, until all their edges are stored."""

    wanted: Wanted
    audit: Audit
    future: asyncio.Future[Replaced] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Graph:
    """The graph of the host. `rules`: those in force. `tell`: lets the devices of an import's users know.

    One commit after the other, so that none has more than EDGES_MAX changes.
    """

    def __init__(
        self, store: GraphStore, writes: Writes, rules: Callable[[], PeopleRules], tell: Callable[[], None]
    ) -> None:
        self.store = store
        self._writes = writes
        self._rules = rules
        self._tell = tell
        self._turn = asyncio.Lock()
        self._scan = asyncio.Lock()
        self._waiting: list[Line] = []
        self._importing: asyncio.Task[None] | None = None

    @property
    def rules(self) -> PeopleRules:
        return self._rules()

    def require_people(self) -> None:
        """Raise Refused("not_supported") where people are switched off."""
        require_owned((), self.rules)

    async def change(self, feed: str, n: int, changes: Sequence[EdgeChange], audit: Audit) -> int:
        """Carry out changes, the first of which has the number `n` in `feed`; return the number reached.

        Raises Refused("feed_gap") with the number that is expected. What was stored before an error stays.
        """
        reached = 0
        async with self._turn:
            for place in range(0, len(changes), EDGES_MAX):
                some = ChangeGraph(changes[place : place + EDGES_MAX], feed, n + place)
                reply = await self._writes("", some, audit)
                assert isinstance(reply, ChangedGraph)
                reached = reply.n
        return reached

    async def replace(self, wanted: Wanted, audit: Audit) -> Replaced:
        """Replace the edges of a user. Lines that wait meanwhile are carried out together, in their order."""
        require_owned(wanted.edges, self.rules)
        line = Line(wanted, audit)
        self._waiting.append(line)
        if self._importing is None:
            # A task of its own: an upload that is cut must take no line of another with it.
            self._importing = asyncio.create_task(self._import(), name="import")
        return await line.future

    async def _import(self) -> None:
        """Carry out lines until none waits."""
        try:
            while self._waiting:
                async with self._turn:
                    # The others of an upload come in this turn of the loop.
                    await asyncio.sleep(0)
                    lines, self._waiting = self._waiting, []
                    await self._carry_out(lines)
        finally:
            self._importing = None

    async def _carry_out(self, lines: Sequence[Line]) -> None:
        try:
            held = await self.store.edges_of({line.wanted.user for line in lines})
            found = []
            for changes in differences([line.wanted for line in lines], held):
                found.append(changes)
                # A long line takes milliseconds: the loop runs once behind each.
                await asyncio.sleep(0)
            numbered = [(place, one) for place, changes in enumerate(found) for one in changes]
            for key, group in groupby(numbered, key=lambda one: lines[one[0]].audit.key):
                edges = [*group]
                for first in range(0, len(edges), EDGES_MAX):
                    some = edges[first : first + EDGES_MAX]
                    before = edges[first - 1][0] if first else -1
                    begun = [place for place, _ in groupby(some, itemgetter(0)) if place != before]
                    audits = [lines[place].audit for place in begun]
                    await self._writes("", ChangeGraph([one for _, one in some], audits=audits, by=key))
            for line, changes in zip(lines, found, strict=True):
                added = sum(one.op in SET.values() for one in changes)
                if not line.future.done():
                    line.future.set_result(Replaced(added, len(changes) - added))
        except ChatError as error:
            fail(lines, error)
        except Exception:
            log.exception("%d lines of an import could not be carried out", len(lines))
        finally:
            fail(lines, Unavailable("internal", "the import was cut", retry_after=RETRY_MS))
            self._tell()

    async def digest(self) -> GraphDigest:
        """Return the digest of the whole graph."""
        owned_kinds(self.rules)
        async with self._scan:
            return await self.store.graph_digest()

    async def bucket(self, bucket: str, after: str, limit: int) -> BucketDigests:
        """Return a page of the users of a bucket with their digests."""
        owned_kinds(self.rules)
        async with self._scan:
            return await self.store.bucket_digests(bucket, after, limit)

    async def differing(self, feed: str, n: int, theirs: Mapping[str, Mapping[Kind, Digest]]) -> list[str]:
        """Return the buckets in which the host has other edges of the kinds it keeps.

        Raises Refused("feed_behind") when `feed` is not at `n` here: one of the two is older than the other.
        """
        kinds = owned_kinds(self.rules)
        ours = await self.digest()
        if feed and ours.feeds.get(feed, 0) != n:
            here = ours.feeds.get(feed, 0)
            raise Refused("feed_behind", f"{feed} is at {here} here", expected=here)
        return ours.differing(theirs, kinds)


def fail(lines: Sequence[Line], error: ChatError) -> None:
    """Answer the lines that have no answer yet with `error`."""
    for line in lines:
        if not line.future.done():
            line.future.set_exception(error)
            line.future.exception()  # marks it as retrieved: perhaps nobody waits any more
