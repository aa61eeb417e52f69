"""The figures of the daemon that the host's API tells."""

from msgspec import Struct

from chatd import __version__
from chatd.commands.context import Context


class HostStats(Struct, frozen=True):
    """The condition of a daemon. Times are Unix milliseconds; `stamp`: the last commit, in the history `epoch`.

    `users`: who is connected, `connections`: how often. `queue`: changes that wait to be stored. `events`: those stored
    since the start, by kind.
    """

    version: str
    started_at: int
    time: int
    epoch: str
    stamp: int
    users: int
    connections: int
    queue: int
    events: dict[str, int]


class StatsReader:
    """The reader of these figures. It is made at the start of the daemon."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._started_at = ctx.env.now_ms()

    def read(self) -> HostStats:
        ctx = self._ctx
        return HostStats(
            version=__version__,
            started_at=self._started_at,
            time=ctx.env.now_ms(),
            epoch=ctx.store.epoch,
            stamp=ctx.store.stamp,
            users=len(ctx.hub.sessions),
            connections=sum(map(len, ctx.hub.sessions.values())),
            queue=ctx.writer.depth,
            events=dict(ctx.counters.events_committed),
        )
