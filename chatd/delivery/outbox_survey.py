"""The bytes that wait in all outboxes, and the fullest of them: counted in slices, which keep the loop free."""

import asyncio
from heapq import heappush, heappushpop

from chatd.delivery.hub import Hub, Subscriber

# Users at a time: some 0.2 ms, where 100,000 at once would take 10.
SLICE = 2000
# As many as a screen shows.
FULLEST = 20


class OutboxSurvey:
    """The last count: bytes that wait, connections that lag, and the connections with the most, fullest first."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.queued_bytes = 0
        self.lagging = 0
        self.fullest: tuple[Subscriber, ...] = ()

    async def take(self) -> None:
        """Count anew; connections that come or go meanwhile may be missed."""
        queued_bytes = lagging = seen = 0
        heap: list[tuple[int, int, Subscriber]] = []
        users = tuple(self._hub.sessions.values())
        for first in range(0, len(users), SLICE):
            for devices in users[first : first + SLICE]:
                for subscriber in devices.values():
                    waiting = subscriber.outbox.queued_bytes
                    lagging += subscriber.outbox.lagging
                    if not waiting:
                        continue
                    queued_bytes += waiting
                    seen += 1
                    keep = heappush if len(heap) < FULLEST else heappushpop
                    keep(heap, (waiting, seen, subscriber))
            await asyncio.sleep(0)
        self.queued_bytes, self.lagging = queued_bytes, lagging
        self.fullest = tuple(subscriber for _, _, subscriber in sorted(heap, reverse=True))
