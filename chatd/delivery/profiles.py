"""The push `profiles`: whose cards changed, to those who watch them (protocol.md "profiles")."""

import asyncio
from collections.abc import Callable, Mapping

from chatd.config.model import Delivery
from chatd.core.profiles import Card
from chatd.core.sections import CONTACTS, PEOPLE
from chatd.core.users import Account
from chatd.core.write_set import WriteSet
from chatd.delivery.encoding import EncodedPush
from chatd.delivery.hub import Hub
from chatd.delivery.interface import Presence, Present
from chatd.env import Env
from chatd.protocol.errors import ChatError
from chatd.protocol.users import ProfilesPush, ProfileVersion
from chatd.storage.interface import UserStore


class ProfileChanges:
    """Gathers the changes of an interval, that of presence, and tells each watcher the last version of each user.

    Nobody is told of users who block them, nor of closed accounts. `keep_task` holds on to the task that finds out.
    """

    def __init__(
        self,
        env: Env,
        store: UserStore,
        presence: Presence,
        hub: Hub,
        keep_task: Callable[["asyncio.Future[None]"], object],
        delivery: Delivery,
    ) -> None:
        self._env = env
        self._store = store
        self._presence = presence
        self._hub = hub
        self._keep_task = keep_task
        self._deflate_min = delivery.deflate_min_bytes
        self.reconfigure(delivery)
        self._changed: dict[str, int] = {}

    def reconfigure(self, delivery: Delivery) -> None:
        """Put another interval in force."""
        self._interval_s = delivery.presence_interval_s

    def on_commit(self, writes: WriteSet) -> None:
        """Note the watched users whose cards changed. A commit hook."""
        if not writes.records:
            return
        changed = {card.user for card in writes.records_of(Card) if self._presence.watchers(card.user)}
        for account in writes.records_of(Account) if changed else ():
            if account.user in changed:
                if not self._changed:
                    self._env.call_later(self._interval_s, self._flush)
                self._changed[account.user] = account.version

    def _flush(self) -> None:
        changed, self._changed = self._changed, {}
        self._keep_task(asyncio.ensure_future(self._publish_all(changed)))

    async def _publish_all(self, changed: Mapping[str, int]) -> None:
        told: dict[Present, list[ProfileVersion]] = {}
        for user, version in changed.items():
            asked = {watcher.user for watcher in self._presence.watchers(user)}
            try:
                asked -= await self._store.shut_out(user, asked)
            except ChatError:
                continue  # their clients ask once a day
            for watcher in self._presence.watchers(user):
                if watcher.user in asked:
                    told.setdefault(watcher, []).append(ProfileVersion(user, version))
        for watcher, versions in told.items():
            self._push(watcher, versions)

    def _push(self, watcher: Present, versions: list[ProfileVersion]) -> None:
        """Push to a watcher that knows people, unless it is in the background."""
        for session in self._hub.of(watcher.user):
            knows_people = session.subscriptions.sections >> PEOPLE[CONTACTS].bit & 1
            if session is watcher and knows_people and session.mode == "foreground":
                packet = EncodedPush(ProfilesPush(versions), self._deflate_min)
                session.outbox.send_ephemeral(packet.frame(session.encoding))
