"""The push `profiles`: whose cards changed, to those who watch them (protocol.md "profiles")."""

import asyncio
from collections.abc import Callable, Mapping

from chatd.core.profiles import Card
from chatd.core.users import Account
from chatd.core.write_set import WriteSet
from chatd.delivery.interface import Presence, Present
from chatd.env import Env
from chatd.protocol.errors import ChatError
from chatd.protocol.users import ProfileVersion
from chatd.storage.interface import UserStore

PublishVersions = Callable[[Present, list[ProfileVersion]], None]


class ProfileChanges:
    """Gathers the changes of `interval_s` seconds, and tells each watcher the last version of each user.

    Nobody is told of users who block them, nor of closed accounts. `keep_task` holds on to the task that finds out.
    """

    def __init__(
        self,
        env: Env,
        store: UserStore,
        presence: Presence,
        publish: PublishVersions,
        keep_task: Callable[["asyncio.Future[None]"], object],
        interval_s: float,
    ) -> None:
        self._env = env
        self._store = store
        self._presence = presence
        self._publish = publish
        self._keep_task = keep_task
        self._interval_s = interval_s
        self._changed: dict[str, int] = {}

    def reconfigure(self, interval_s: float) -> None:
        """Put another interval in force."""
        self._interval_s = interval_s

    def on_commit(self, writes: WriteSet) -> None:
        """Note the watched users whose cards changed. A commit hook."""
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
            self._publish(watcher, versions)
