"""The delivery of events to endpoints, as operators and the back end of the host app see and direct it."""

from typing import TYPE_CHECKING

from chatd.commands.admin import Writes
from chatd.core.audit import Audit
from chatd.core.event_feed import position_of
from chatd.core.webhooks import PARKED_MAX, Parked, SaveConsumers, Unpark
from chatd.protocol.errors import Refused
from chatd.storage.feeds import WebhookStore
from chatd.webhooks.deliveries import Deliveries
from chatd.webhooks.views import Retried, Status

if TYPE_CHECKING:
    from chatd.webhooks.dispatcher import Dispatcher

PARKED_SHOWN = 200


class Webhooks:
    """The endpoints of the daemon. `deliveries`: None where there are none."""

    def __init__(self, store: WebhookStore, writes: Writes) -> None:
        self._store = store
        self._writes = writes
        self.deliveries: Deliveries | None = None

    def direct(self, deliveries: Deliveries) -> None:
        """Show and direct these deliveries."""
        self.deliveries = deliveries

    def statuses(self) -> list[Status]:
        """Return the state of all endpoints, in order of their names."""
        return [] if self.deliveries is None else self.deliveries.statuses()

    def status(self, name: str) -> Status:
        """Return the state of one endpoint. Raises Refused("not_found")."""
        for status in self.statuses():
            if status.name == name:
                return status
        raise Refused("not_found", "there is no such endpoint in hooks.endpoints, or no daemon runs")

    async def parked(self, name: str) -> list[tuple[Parked, str]]:
        """Return the last entries that an endpoint refused, the newest first, each with the beginning of its answer.

        The answer is "" for those from before the start. Raises Refused("not_found").
        """
        _, dispatcher = self._running(name)
        found = await self._store.parked(name, PARKED_SHOWN)
        return [(one, dispatcher.answers.get(one.entry, "")) for one in found]

    async def replay(self, name: str, after: str, since: int | None, audit: Audit) -> None:
        """Go on behind the cursor `after`, or with what happened since a time (Unix ms), whatever was delivered.

        Raises Refused: "not_found", "bad_cursor".
        """
        deliveries, dispatcher = self._running(name)
        if since is not None:
            after = await self._store.feed_cursor_at(since)
        # "" and "latest" stand for places, and a cursor for itself.
        cursor = (await deliveries.feed.page(after, 1)).after
        dispatcher.move(cursor)
        await self._writes("", SaveConsumers((dispatcher.consumer,)), audit)

    async def enable(self, name: str, audit: Audit) -> None:
        """Deliver again to an endpoint that is disabled, or at once to one that waits. Raises Refused("not_found")."""
        _, dispatcher = self._running(name)
        dispatcher.enable()
        await self._writes("", SaveConsumers((dispatcher.consumer,)), audit)

    async def retry(self, name: str, entry: str, audit: Audit) -> Retried:
        """Send a parked entry again, on its own; it is parked no more when it is accepted.

        Raises Refused: "not_found" for one that is not parked, "gone" when the feed does not hold it any more.
        """
        deliveries, dispatcher = self._running(name)
        await self._require_parked(name, entry)
        outcome = await dispatcher.retry(entry)
        if outcome is None:
            raise Refused("gone", "the feed does not hold this entry any more")
        if outcome.accepted:
            await self._writes("", Unpark(name, entry), audit)
            await deliveries.recount()
        return outcome

    async def discard(self, name: str, entry: str, audit: Audit) -> None:
        """Give up a parked entry. Raises Refused("not_found")."""
        deliveries, _ = self._running(name)
        await self._require_parked(name, entry)
        await self._writes("", Unpark(name, entry), audit)
        await deliveries.recount()

    def _running(self, name: str) -> "tuple[Deliveries, Dispatcher]":
        self.status(name)
        assert self.deliveries is not None
        return self.deliveries, self.deliveries.dispatchers[name]

    async def _require_parked(self, name: str, entry: str) -> None:
        position_of(entry)
        if entry not in {one.entry for one in await self._store.parked(name, PARKED_MAX)}:
            raise Refused("not_found", "the endpoint has no such parked entry")
