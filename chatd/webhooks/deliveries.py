"""The deliveries to all endpoints of the configuration: started, followed through reloads, their positions stored."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from msgspec.structs import replace

from chatd.core.event_feed import LATEST
from chatd.core.webhooks import Consumer, ForgetParked, SaveConsumers
from chatd.egress.client import Client, trusted_certificates
from chatd.egress.guard import Guard
from chatd.egress.threads import in_thread
from chatd.env import Env
from chatd.protocol.errors import ChatError
from chatd.storage.feeds import WebhookStore
from chatd.telemetry.counters import Counters
from chatd.telemetry.loop_share import LoopShare
from chatd.telemetry.supervision import supervised
from chatd.webhooks.dispatcher import Dispatcher, Feed, Save, Services
from chatd.webhooks.settings import Receiver
from chatd.webhooks.views import Status

# A crash repeats what was accepted in so many seconds; each save is a commit.
SAVE_S = 1.0
# Rounds between two long ones, which store also cursors that only passed what nobody wanted: an hour.
LONG_EVERY = 3600

log = logging.getLogger(__name__)


class Running(NamedTuple):
    """A dispatcher at work."""

    receiver: Receiver
    dispatcher: Dispatcher
    task: asyncio.Task[None]


class Deliveries:
    """The endpoints of one daemon. `save` stores a request of core/webhooks.py. `is_busy`: whether changes wait.

    All together they take a tenth of the loop, and less while it is busy, unless one of them is late.
    """

    def __init__(
        self,
        feed: Feed,
        store: WebhookStore,
        env: Env,
        counters: Counters,
        save: Save,
        is_busy: Callable[[], bool],
    ) -> None:
        self.feed = feed
        self._store = store
        self._env = env
        self._counters = counters
        self._save = save
        self._share = LoopShare(
            env, is_busy, is_urgent=lambda: any(one.is_late for one in self.dispatchers.values())
        )
        self._wanted: Mapping[str, Receiver] = {}
        self._running: dict[str, Running] = {}
        self._saved: dict[str, tuple[int, Consumer]] = {}  # with the progress of the dispatcher
        self._forgotten: set[str] = set()
        self._parked: dict[str, int] = {}
        self._changed = asyncio.Event()

    def reconfigure(self, receivers: Sequence[Receiver]) -> None:
        """Deliver to these endpoints from now on; one that has not changed goes on as it was."""
        self._wanted = {receiver.settings.name: receiver for receiver in receivers}
        self._changed.set()

    def forget(self, names: Iterable[str]) -> None:
        """Forget how far endpoints came that are gone for good; others of these names begin anew."""
        self._forgotten.update(names)
        self._changed.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        self._saved = {one.name: (0, one) for one in await self._store.consumers()}
        await self.recount()
        rounds = 0
        try:
            while True:
                self._changed.clear()
                try:
                    await self._round(is_long=rounds % LONG_EVERY == 0)
                except ChatError as error:
                    log.warning("the positions of endpoints were not stored: %s", error)
                rounds += 1
                with suppress(TimeoutError):
                    async with asyncio.timeout(SAVE_S):
                        await self._changed.wait()
        finally:
            for name in list(self._running):
                await self._stop(name)

    @property
    def dispatchers(self) -> Mapping[str, Dispatcher]:
        """The dispatchers by the name of their endpoint."""
        return {name: one.dispatcher for name, one in self._running.items()}

    def statuses(self) -> list[Status]:
        """Return the state of all endpoints, in order of their names."""
        return [
            replace(one.status, parked=self._parked.get(name, 0))
            for name, one in sorted(self.dispatchers.items())
        ]

    def gauges(self) -> Mapping[str, Mapping[str, float]]:
        """Return the figures of metrics, by name and endpoint; without bots, who are users."""
        statuses = [one for one in self.statuses() if self._running[one.name].receiver.configured]
        return {
            "webhook_lag_seconds": {one.name: one.lag / 1000 for one in statuses},
            "webhook_disabled": {one.name: float(one.state == "disabled") for one in statuses},
            "webhook_parked": {one.name: float(one.parked) for one in statuses},
        }

    async def save(self, request: object) -> None:
        """Store a request, and count anew when it sets an entry aside or takes one back."""
        await self._save(request)
        if not isinstance(request, SaveConsumers) or request.parked:
            await self.recount()

    async def recount(self) -> None:
        """Count the parked entries anew."""
        self._parked = await self._store.parked_counts()

    async def _round(self, *, is_long: bool) -> None:
        """Follow the settings, and store how far endpoints came; in a long round whatever moved them."""
        for name, running in list(self._running.items()):
            if self._wanted.get(name) != running.receiver or name in self._forgotten:
                await self._stop(name)
        for name in self._forgotten:
            self._saved.pop(name, None)
        self._forgotten.clear()
        for name in sorted(self._wanted.keys() - self._running.keys()):
            await self._start(self._wanted[name])
        if is_long:
            await self.save(ForgetParked())
        await self._save_progress(self._running, is_long=is_long)

    async def _save_progress(self, names: Iterable[str], *, is_long: bool) -> None:
        changed = {}
        for name in names:
            dispatcher = self._running[name].dispatcher
            progress, consumer = self._saved[name]
            if dispatcher.progress != progress or (is_long and dispatcher.consumer != consumer):
                changed[name] = (dispatcher.progress, dispatcher.consumer)
        if changed:
            await self.save(SaveConsumers(tuple(consumer for _, consumer in changed.values())))
            self._saved |= changed

    async def _start(self, receiver: Receiver) -> None:
        """Start to deliver: where it ended, or from now on where there was no delivery yet."""
        name, feed = receiver.settings.name, receiver.feed or self.feed
        if name not in self._saved:
            latest = await feed.page(LATEST)
            begun = Consumer(name, latest.next, b"{}")
            await self.save(SaveConsumers((begun,)))
            self._saved[name] = (0, begun)
        self._saved[name] = (0, self._saved[name][1])
        # They take 20 ms, once.
        await in_thread(trusted_certificates, "webhooks")
        client = Client(
            receiver.settings.url, Guard(receiver.allow, configured=receiver.configured), self._env
        )
        services = Services(feed, self._env, self._counters, self.save, self._share)
        dispatcher = Dispatcher(receiver.settings, receiver.secrets, client, services, self._saved[name][1])
        task = asyncio.create_task(supervised(f"webhook {name}", dispatcher.run))
        self._running[name] = Running(receiver, dispatcher, task)

    async def _stop(self, name: str) -> None:
        """Stop to deliver, and store how far it came."""
        running = self._running[name]
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)
        await running.dispatcher.close()
        try:
            await self._save_progress([name] if name not in self._forgotten else (), is_long=False)
        except ChatError as error:
            log.warning("the position of the endpoint %s was not stored: %s", name, error)
        del self._running[name]
