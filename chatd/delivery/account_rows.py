"""The push `account`: rows of a user that a commit changed, to all their connections (protocol.md "account")."""

from msgspec import UNSET, Raw

from chatd.config.model import Config
from chatd.core.sections import ChangedRow, Sections, named
from chatd.core.write_set import WriteSet
from chatd.delivery.encoding import EncodedPush
from chatd.delivery.hub import Hub
from chatd.protocol.limits import JSON_GROWTH
from chatd.protocol.sync import AccountPush, AccountRow

ROWS_TOLD_MAX = 200  # of one commit; beyond it a round of `sync` is cheaper for both


class AccountRows:
    """Tells each connection the rows of the sections in force on it, or that there are more than it is told."""

    def __init__(self, hub: Hub, config: Config, sections: Sections) -> None:
        self._hub = hub
        self._sections = sections
        self._deflate_min = config.delivery.deflate_min_bytes
        self._bytes_max = config.limits.server_frame_bytes // JSON_GROWTH
        # Users of an import under way, with the commit that changed their rows last.
        self._imported: dict[str, int] = {}

    def publish(self, writes: WriteSet) -> None:
        """Push the rows that a durable batch changed to the connections of their users."""
        changed: dict[str, dict[str, list[AccountRow]]] = {}
        last = {(row.user, row.section, row.name): row.value for row in writes.records_of(ChangedRow)}
        for (user, section, name), value in last.items():
            row = AccountRow(name, writes.stamp, UNSET if value is None else Raw(value))
            changed.setdefault(user, {}).setdefault(section, []).append(row)
        for user in writes.imported & changed.keys():
            self._hold_back(user, writes.stamp)
            del changed[user]
        for user, sections in changed.items():
            for in_force in {session.subscriptions.sections for session in self._hub.readers_of(user)}:
                shown = {name: sections[name] for name in named(self._sections, in_force) if name in sections}
                if shown:
                    self._push(user, in_force, shown, writes.stamp)

    def tell_imported(self) -> None:
        """Tell everybody whose rows an import changed that there are more, once: it has ended, or pauses."""
        imported, self._imported = self._imported, {}
        push = EncodedPush(AccountPush(more=True), self._deflate_min)
        for user, stamp in imported.items():
            for session in self._hub.readers_of(user):
                if session.subscriptions.sections:
                    session.subscriptions.fall_behind(stamp)
                    session.push(push)

    def _hold_back(self, user: str, stamp: int) -> None:
        """Let no cursor of `user` stand for rows of an import, of which they are told when it has ended."""
        self._imported[user] = stamp
        for session in self._hub.readers_of(user):
            session.subscriptions.fall_behind(stamp)

    def _push(self, user: str, in_force: int, shown: dict[str, list[AccountRow]], stamp: int) -> None:
        """One push, encoded once for all connections of a user on which the same sections are in force."""
        push = EncodedPush(AccountPush(shown), self._deflate_min)
        more = sum(map(len, shown.values())) > ROWS_TOLD_MAX or len(push) > self._bytes_max
        if more:
            push = EncodedPush(AccountPush(more=True), self._deflate_min)
        for session in self._hub.readers_of(user):
            if session.subscriptions.sections == in_force:
                if more:
                    session.subscriptions.fall_behind(stamp)
                session.push(push)
